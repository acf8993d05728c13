"""Which workload classes stand behind a port of a Service, and on which port of theirs (EXP-119, NET-57..62)."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.edges.context import Context, unseen
from kubeaudit.findings import Unseen
from kubeaudit.model.objects.core import Service, ServicePort, is_port
from kubeaudit.model.objects.networking import Endpoint, EndpointSlice
from kubeaudit.model.selectors import bits_of
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.proof import Confidence, Evidence, field
from kubeaudit.refs import ObjectRef


class BackendClass(Struct, frozen=True):
    """A class behind a Service port: the port it answers on (0 = not resolved), and the field that says it is behind
    it.
    """

    cls: WorkloadClass
    port: int
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    unseen: tuple[Unseen, ...] = ()


def backends(context: Context, service: Service, port: ServicePort) -> Iterator[BackendClass]:
    """Classes behind one port: by ready endpoints of the EndpointSlices; by the selector where slices were not read or
    none is there.

    A Service whose slices list no pod although they were read has no backend now; its selector still shows what a
    manifest will start."""
    namespace, name = service.metadata.namespace, service.metadata.name
    slices = context.slices_of.get((namespace, name), ())
    gap = context.cluster.complete.gap("endpointslices.discovery.k8s.io", namespace)
    live = context.cluster.header.source == "live"
    local = "Local" in (service.spec.external_traffic_policy, service.spec.internal_traffic_policy)
    found = dict(_by_slices(context, slices, port, local))
    yield from found.values()
    if (gap is None and (slices or live)) or (found and not live):
        return
    reason = (unseen(gap),) if gap is not None and live else ()
    ref = ObjectRef("Service", namespace, name)
    shown = field(ref, ("spec", "selector"), service.spec.selector)
    for cls in _possible(context, service, reason):
        for number in target_ports(cls, port):
            if (cls.index, number) not in found:
                yield BackendClass(cls, number, Confidence.ENV, (shown,), reason)


def _possible(context: Context, service: Service, reason: tuple[Unseen, ...]) -> list[WorkloadClass]:
    """Classes a Service may lead to where its slices do not tell: those it selects. Without a selector somebody writes
    its slices: where these were not read, they may name every pod of the namespace."""
    namespace = service.metadata.namespace
    if not service.spec.selector and reason and service.spec.type != "ExternalName":
        return [context.cluster.classes[bit] for bit in bits_of(context.classes_of_namespace.get(namespace, 0))]
    return context.selected(namespace, service.spec.selector)


def _by_slices(
    context: Context, slices: tuple[EndpointSlice, ...], port: ServicePort, local: bool
) -> Iterator[tuple[tuple[int, int], BackendClass]]:
    for item, position, endpoint in _usable(slices, local):
        ref = ObjectRef("EndpointSlice", item.metadata.namespace, item.metadata.name, "discovery.k8s.io")
        for cls, shown in _pods_of(context, ref, position, endpoint):
            for p in item.ports:
                if p.name == port.name and p.protocol == port.protocol and p.port and is_port(p.protocol, p.port):
                    yield (cls, p.port), BackendClass(context.cluster.classes[cls], p.port, Confidence.OBJ, (shown,))


def _pods_of(context: Context, ref: ObjectRef, position: int, endpoint: Endpoint) -> Iterator[tuple[int, Evidence]]:
    """Classes of an endpoint: of the pod it names, or, where somebody wrote only addresses, of the pods that have
    them.
    """
    target = endpoint.target_ref
    if target is not None:
        cls = (
            context.class_of_pod.get((target.namespace or ref.namespace, target.name)) if target.kind == "Pod" else None
        )
        if cls is not None:
            yield cls, field(ref, ("endpoints", position, "targetRef", "name"), target.name)
        return
    for number, address in enumerate(endpoint.addresses):
        cls = context.class_of_address.get(address)
        if cls is not None:
            yield cls, field(ref, ("endpoints", position, "addresses", number), address)


def _usable(slices: tuple[EndpointSlice, ...], local: bool) -> list[tuple[EndpointSlice, int, Endpoint]]:
    """Ready endpoints; serving and terminating ones only where no slice of the Service has a ready one of the family,
    on the same node where traffic stays there (NET-62).
    """
    every = [(item, number, endpoint) for item in slices for number, endpoint in enumerate(item.endpoints)]

    def place(item: EndpointSlice, endpoint: Endpoint) -> tuple[str, str]:
        return item.address_type, endpoint.node_name if local else ""

    ready = {place(item, endpoint) for item, _, endpoint in every if endpoint.conditions.ready is not False}
    return [
        (item, number, endpoint)
        for item, number, endpoint in every
        if endpoint.conditions.ready is not False
        or (place(item, endpoint) not in ready and endpoint.conditions.serving and endpoint.conditions.terminating)
    ]


def target_ports(cls: WorkloadClass, port: ServicePort) -> tuple[int, ...]:
    """The class's port a Service port leads to: a number as it is, a name resolved on the class (NET-57)."""
    target = port.port if port.target_port is None else port.target_port
    if isinstance(target, int):
        return (target,)
    containers = (*cls.shape.containers, *(c for c in cls.shape.init_containers if c.restart_policy == "Always"))
    named = [p for c in containers for p in c.ports if p.name == target and p.protocol == port.protocol]
    found = [p.container_port for p in named if is_port(p.protocol, p.container_port)]
    return tuple(found[:1])
