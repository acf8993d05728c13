"""The typed cluster: every object that is read, indexed, and what of it is incomplete."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from msgspec import Struct

from kubeaudit.findings import ObjectClass
from kubeaudit.garbage import collection_paused
from kubeaudit.model.addresses import AddressAtoms, cut
from kubeaudit.model.assemble import Assembler, Assembly, Compared
from kubeaudit.model.completeness import Completeness, completeness
from kubeaudit.model.decode import objects
from kubeaudit.model.nodes import NodeFacts, NodePool, facts
from kubeaudit.model.objects.admission import (
    AdmissionBinding,
    AdmissionPolicy,
    APIService,
    Definition,
    Extensions,
    WebhookConfiguration,
)
from kubeaudit.model.objects.core import ConfigMap, Namespace, Node, Service, ServiceAccount
from kubeaudit.model.objects.meta import Labels, Metadata
from kubeaudit.model.objects.networking import (
    EndpointSlice,
    Ingress,
    IngressClass,
    NetworkPolicy,
    ServiceCIDR,
    blocks,
    peers,
)
from kubeaudit.model.objects.nodeclass import EC2NodeClass
from kubeaudit.model.objects.openshift import Route
from kubeaudit.model.objects.rbac import Binding, CertificateSigningRequest, Role
from kubeaudit.model.policies import POLICY_KINDS, looks_of
from kubeaudit.model.selectors import keys_of
from kubeaudit.model.workloads import Pod, Workload, WorkloadClass
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import BadDocument, Header, Snapshot

T = TypeVar("T")
_SYSTEM_NAMESPACES = frozenset(["kube-system", "kube-public", "kube-node-lease"])
METADATA_NAME = "kubernetes.io/metadata.name"
_ADMISSION = "admissionregistration.k8s.io"


class Cluster(Struct, frozen=True):
    """Everything the engines and edges work on. Tuples keep the order of reading; ``specs`` holds distinct pod specs as
    JSON.

    ``namespaces`` maps every namespace that exists or is used to its labels (NET-10). ``policies`` has the objects of
    the kinds in ``model.policies`` by resource (see ``held``), ``atoms`` are the addresses as policies cut them, those
    of nodes apart where a policy asks for nodes.
    ``bad`` are objects that could not be used."""

    header: Header
    complete: Completeness
    namespaces: dict[str, Labels]
    nodes: tuple[NodeFacts, ...]
    workloads: tuple[Workload, ...]
    pods: tuple[Pod, ...]
    classes: tuple[WorkloadClass, ...]
    specs: tuple[bytes, ...]
    services: tuple[Service, ...]
    service_accounts: tuple[ServiceAccount, ...]
    endpoint_slices: tuple[EndpointSlice, ...]
    ingresses: tuple[Ingress, ...]
    ingress_classes: tuple[IngressClass, ...]
    service_cidrs: tuple[ServiceCIDR, ...]
    routes: tuple[Route, ...]
    network_policies: tuple[NetworkPolicy, ...]
    policies: dict[str, tuple[Any, ...]]
    roles: tuple[Role, ...]
    cluster_roles: tuple[Role, ...]
    role_bindings: tuple[Binding, ...]
    cluster_role_bindings: tuple[Binding, ...]
    csrs: tuple[CertificateSigningRequest, ...]
    extensions: Extensions
    config_maps: dict[tuple[str, str], ConfigMap]
    node_classes: tuple[EC2NodeClass, ...]
    atoms: AddressAtoms
    counts: dict[str, int]
    bad: tuple[BadDocument, ...]

    def held(self, resource: str, kind: type[T]) -> tuple[T, ...]:
        """The policies of a resource as the Struct that ``model.policies`` gives it; none where it has no row."""
        return cast(tuple[T, ...], self.policies.get(resource, ()))

    def node_pools(self) -> dict[str, tuple[NodePool, tuple[NodeFacts, ...]]]:
        """Pools by key, each with its nodes."""
        pools: dict[str, list[NodeFacts]] = {}
        for node in self.nodes:
            pools.setdefault(node.pool.key, []).append(node)
        return {key: (nodes[0].pool, tuple(nodes)) for key, nodes in sorted(pools.items())}

    def version(self) -> tuple[int, int] | None:
        """Major and minor of the API server, None where it is not known (EXP-36)."""
        major, _, rest = self.header.server_version.removeprefix("v").partition(".")
        minor = rest.partition(".")[0]
        return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


def build(snapshot: Snapshot) -> Cluster:
    """Decode a snapshot. Pure; the garbage collector is paused, because it costs more than decoding (libraries.md)."""
    with collection_paused(freeze=True):
        return _build(snapshot)


def _build(snapshot: Snapshot) -> Cluster:
    bad: list[BadDocument] = list(snapshot.bad)

    def all_of(resource: str, kind: type[T]) -> tuple[T, ...]:
        return tuple(objects(snapshot, resource, kind, bad))

    rbac = "rbac.authorization.k8s.io"
    namespaces = {
        n.metadata.name: {METADATA_NAME: n.metadata.name} | n.metadata.labels for n in all_of("namespaces", Namespace)
    }
    nodes = tuple(facts(node) for node in all_of("nodes", Node))
    services = all_of("services", Service)
    policies = all_of("networkpolicies.networking.k8s.io", NetworkPolicy)
    others = {kind.key: all_of(kind.key, kind.type) for kind in POLICY_KINDS}
    looks = looks_of(others)
    networks = {*looks.networks, *(text for policy in policies for text in blocks(policy))}
    of_nodes = {address for node in nodes for address in node.addresses} if looks.nodes else set[str]()
    pool_of = {node.ref.name: node.pool.key for node in nodes}
    compared = Compared(_label_keys(services, policies) | looks.labels, cut(networks), looks.nodes)
    assembly = Assembler(compared, pool_of, bad).read(snapshot)
    config_maps = {(c.metadata.namespace, c.metadata.name): c for c in objects(snapshot, "configmaps", ConfigMap, bad)}
    return Cluster(
        header=snapshot.header,
        complete=completeness(snapshot),
        namespaces=_with_used(namespaces, assembly, services),
        nodes=nodes,
        workloads=assembly.workloads,
        pods=assembly.pods,
        classes=assembly.classes,
        specs=assembly.specs,
        services=services,
        service_accounts=all_of("serviceaccounts", ServiceAccount),
        endpoint_slices=all_of("endpointslices.discovery.k8s.io", EndpointSlice),
        ingresses=all_of("ingresses.networking.k8s.io", Ingress),
        ingress_classes=all_of("ingressclasses.networking.k8s.io", IngressClass),
        service_cidrs=all_of("servicecidrs.networking.k8s.io", ServiceCIDR),
        routes=all_of("routes.route.openshift.io", Route),
        network_policies=policies,
        policies=others,
        roles=all_of(f"roles.{rbac}", Role),
        cluster_roles=all_of(f"clusterroles.{rbac}", Role),
        role_bindings=all_of(f"rolebindings.{rbac}", Binding),
        cluster_role_bindings=all_of(f"clusterrolebindings.{rbac}", Binding),
        csrs=all_of("certificatesigningrequests.certificates.k8s.io", CertificateSigningRequest),
        extensions=Extensions(
            validating_webhooks=all_of(f"validatingwebhookconfigurations.{_ADMISSION}", WebhookConfiguration),
            mutating_webhooks=all_of(f"mutatingwebhookconfigurations.{_ADMISSION}", WebhookConfiguration),
            admission_policies=all_of(f"validatingadmissionpolicies.{_ADMISSION}", AdmissionPolicy),
            admission_bindings=all_of(f"validatingadmissionpolicybindings.{_ADMISSION}", AdmissionBinding),
            api_services=all_of("apiservices.apiregistration.k8s.io", APIService),
            definitions=all_of("customresourcedefinitions.apiextensions.k8s.io", Definition),
        ),
        config_maps=config_maps,
        node_classes=all_of("ec2nodeclasses.karpenter.k8s.aws", EC2NodeClass),
        atoms=cut(networks | of_nodes),
        counts=dict(sorted(_counts(snapshot).items())),
        bad=tuple(bad),
    )


def _label_keys(services: Iterable[Service], policies: Iterable[NetworkPolicy]) -> frozenset[str]:
    """Label keys of pods that some selector of this cluster looks at; all others cannot change a verdict (A-1)."""
    keys: set[str] = set()
    for service in services:
        keys.update(service.spec.selector)
    for policy in policies:
        keys.update(keys_of(policy.spec.pod_selector))
        for peer in peers(policy):
            if peer.pod_selector is not None:
                keys.update(keys_of(peer.pod_selector))
    return frozenset(keys)


def _with_used(namespaces: dict[str, Labels], assembly: Assembly, services: Iterable[Service]) -> dict[str, Labels]:
    """Namespaces that objects live in exist, whether or not their object was read (NET-10)."""
    used = {w.ref.namespace for w in assembly.workloads} | {s.metadata.namespace for s in services}
    return namespaces | {name: {METADATA_NAME: name} for name in sorted(used - namespaces.keys()) if name}


def _counts(snapshot: Snapshot) -> dict[str, int]:
    counts: dict[str, int] = {}
    for frame in snapshot.frames:
        counts[frame.resource] = counts.get(frame.resource, 0) + frame.count
    return counts


def by_name(items: Iterable[T], metadata: Callable[[T], Metadata]) -> dict[tuple[str, str], T]:
    """Objects of one kind by (namespace, name)."""
    return {(metadata(item).namespace, metadata(item).name): item for item in items}


def object_class(ref: ObjectRef, labels: Labels | None = None) -> ObjectClass:
    """Who an object belongs to (CHK-22), as far as its place tells; RBAC decides builtin objects by content."""
    namespace = ref.name if ref.kind == "Namespace" else ref.namespace
    if namespace in _SYSTEM_NAMESPACES or namespace.startswith("openshift-"):
        return ObjectClass.SYSTEM
    return ObjectClass.USER
