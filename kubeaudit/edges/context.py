"""What every edge family is given: the cluster, the two engines, the settings, and indexes they share."""

from functools import cached_property

import msgspec
from msgspec import Struct

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.nodes import NodeFacts
from kubeaudit.model.objects.core import Service, ServiceAccount, is_port
from kubeaudit.model.objects.networking import EndpointSlice, IngressClass
from kubeaudit.model.selectors import LabelIndex, bits_of, index
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.reach import Reach, declared
from kubeaudit.rbac.access import Access
from kubeaudit.refs import Facet, ObjectRef, Vertex, VertexKind
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Gap

SERVICE_NAME = "kubernetes.io/service-name"


class _Placed(Struct, rename="camel"):
    """The part of a pod spec that says where pods may land; read only where no pod has landed yet."""

    node_selector: dict[str, str] | None = None


class Context(Struct, frozen=True, dict=True):
    """Input of the edge families. Indexes are built when first asked for."""

    cluster: Cluster
    reach: Reach
    access: Access
    settings: Settings

    @cached_property
    def class_labels(self) -> LabelIndex:
        """Labels of the workload classes."""
        return index([dict(cls.labels) for cls in self.cluster.classes])

    @cached_property
    def classes_of_namespace(self) -> dict[str, int]:
        """Mask of the classes of each namespace."""
        masks: dict[str, int] = {}
        for cls in self.cluster.classes:
            masks[cls.namespace] = masks.get(cls.namespace, 0) | 1 << cls.index
        return masks

    @cached_property
    def class_of_pod(self) -> dict[tuple[str, str], int]:
        """Class of each running pod by namespace and name."""
        return {(pod.namespace, pod.name): pod.cls for pod in self.cluster.pods if pod.cls >= 0}

    @cached_property
    def class_of_address(self) -> dict[str, int]:
        """Class of each running pod by its addresses; those of host-network pods are their node's."""
        classes = self.cluster.classes
        return {
            ip: pod.cls
            for pod in self.cluster.pods
            if pod.cls >= 0 and not classes[pod.cls].shape.host_network
            for ip in pod.addresses
        }

    @cached_property
    def slices_of(self) -> dict[tuple[str, str], tuple[EndpointSlice, ...]]:
        """EndpointSlices by the namespace and name of their Service."""
        found: dict[tuple[str, str], list[EndpointSlice]] = {}
        for item in self.cluster.endpoint_slices:
            name = item.metadata.labels.get(SERVICE_NAME)
            if name:
                found.setdefault((item.metadata.namespace, name), []).append(item)
        return {key: tuple(items) for key, items in found.items()}

    @cached_property
    def service_accounts(self) -> dict[tuple[str, str], ServiceAccount]:
        """ServiceAccounts by namespace and name."""
        return {(s.metadata.namespace, s.metadata.name): s for s in self.cluster.service_accounts}

    @cached_property
    def services(self) -> dict[tuple[str, str], Service]:
        """Services by namespace and name."""
        return {(s.metadata.namespace, s.metadata.name): s for s in self.cluster.services}

    @cached_property
    def ingress_classes(self) -> dict[str, IngressClass]:
        """IngressClasses by name."""
        return {item.metadata.name: item for item in self.cluster.ingress_classes}

    @cached_property
    def classes_by_image(self) -> dict[str, tuple[WorkloadClass, ...]]:
        """Classes by every tail of their images' repositories: ``a/b/c``, ``b/c`` and ``c``."""
        found: dict[str, dict[int, WorkloadClass]] = {}
        for cls in self.cluster.classes:
            for container in cls.shape.containers:
                parts = repository(container.image).split("/")
                for start in range(len(parts)):
                    found.setdefault("/".join(parts[start:]), {})[cls.index] = cls
        return {tail: tuple(classes.values()) for tail, classes in found.items()}

    @cached_property
    def daemon_sets(self) -> dict[str, tuple[WorkloadClass, ...]]:
        """The classes of DaemonSets by their name."""
        found: dict[str, list[WorkloadClass]] = {}
        for cls in self.cluster.classes:
            ref = owner_ref(self.cluster, cls)
            if ref.kind == "DaemonSet":
                found.setdefault(ref.name, []).append(cls)
        return {name: tuple(classes) for name, classes in found.items()}

    def pools_for(self, cls: WorkloadClass) -> tuple[str, ...]:
        """Pools a class without placed pods may land on: those with a node its nodeSelector matches; all of them where
        none does yet.
        """
        template = self.cluster.workloads[cls.workload].template
        placed = msgspec.json.decode(self.cluster.specs[template], type=_Placed) if template >= 0 else _Placed()
        wanted = frozenset((placed.node_selector or {}).items())
        if wanted not in self._pools_by_selector:
            matching = {node.pool.key for node in self.cluster.nodes if wanted <= node.node.metadata.labels.items()}
            found = sorted(matching or {node.pool.key for node in self.cluster.nodes})
            self._pools_by_selector[wanted] = tuple(found)
        return self._pools_by_selector[wanted]

    @cached_property
    def _pools_by_selector(self) -> dict[frozenset[tuple[str, str]], tuple[str, ...]]:
        """What :meth:`pools_for` found by nodeSelector, of which a cluster has few."""
        return {}

    @cached_property
    def public_nodes(self) -> tuple[NodeFacts, ...]:
        """The nodes with a public address."""
        return tuple(node for node in self.cluster.nodes if node.public)

    @cached_property
    def node_addresses(self) -> tuple[str, ...]:
        """Addresses of the nodes, one of those that no policy can tell apart."""
        atom = self.cluster.atoms.atom
        return tuple({atom(address): address for node in self.cluster.nodes for address in node.addresses}.values())

    def listening(self, cls: WorkloadClass, protocol: str) -> set[int]:
        """Ports of a class that it declares, or that a Service sends traffic to by number."""
        found = {port.container_port for port in declared(cls.shape) if port.protocol == protocol}
        return {n for n in found | self._sent_to.get((cls.index, protocol), set()) if is_port(protocol, n)}

    @cached_property
    def _sent_to(self) -> dict[tuple[int, str], set[int]]:
        found: dict[tuple[int, str], set[int]] = {}
        for service in self.cluster.services:
            targets = [
                (port.protocol, port.port if port.target_port is None else port.target_port)
                for port in service.spec.ports
            ]
            for cls in self.selected(service.metadata.namespace, service.spec.selector):
                for protocol, number in targets:
                    if isinstance(number, int):
                        found.setdefault((cls.index, protocol), set()).add(number)
        return found

    def selected(self, namespace: str, selector: dict[str, str]) -> list[WorkloadClass]:
        """Classes a Service's selector matches; an empty selector matches none."""
        if not selector:
            return []
        mask = self.classes_of_namespace.get(namespace, 0)
        for pair in selector.items():
            mask &= self.class_labels.labels.get(pair, 0)
        return [self.cluster.classes[bit] for bit in bits_of(mask)]


def repository(image: str) -> str:
    """The repository of an image reference: without digest and tag; a registry's port is no tag."""
    head, slash, last = image.partition("@")[0].rpartition("/")
    return head + slash + last.partition(":")[0]


def workload(cls: WorkloadClass, facet: Facet) -> Vertex:
    """The vertex of a workload class in one facet (EXP-07)."""
    return Vertex(VertexKind.WORKLOAD, cls.namespace, cls.name, facet)


def unseen(gap: Gap) -> Unseen:
    """What was missing, in the words of CHK-04."""
    return Unseen(Reason(gap.reason), gap.resource, gap.scope, gap.detail)


def owner_ref(cluster: Cluster, cls: WorkloadClass) -> ObjectRef:
    """The object that owns a class."""
    return cluster.workloads[cls.workload].ref


def spec_path(cluster: Cluster, cls: WorkloadClass) -> tuple[ObjectRef, tuple[str, ...]]:
    """The object a person looks at for the class's pod spec, and the path to it: the template, else one of its pods."""
    owner = cluster.workloads[cls.workload]
    if owner.template >= 0:
        return owner.ref, owner.template_path
    if cls.pods:
        return cluster.pods[cls.pods[0]].ref, ("spec",)
    return owner.ref, ("spec",)
