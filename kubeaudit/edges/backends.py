"""Which workload classes stand behind a port of a Service, and on which port of theirs (EXP-119, NET-57..62)."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.edges.context import Context, unseen
from kubeaudit.findings import Unseen
from kubeaudit.model.objects.core import Service, ServicePort
from kubeaudit.model.objects.networking import Endpoint, EndpointSlice
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.proof import Confidence, Evidence, field
from kubeaudit.refs import ObjectRef


class BackendClass(Struct, frozen=True):
    """A class behind a Service port: the port it answers on (0 = not resolved), and the field that says it is behind it."""

    cls: WorkloadClass
    port: int
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    unseen: tuple[Unseen, ...] = ()


def backends(context: Context, service: Service, port: ServicePort) -> Iterator[BackendClass]:
    """Classes behind one port: by ready endpoints of the EndpointSlices; by the selector where slices were not read or none is there.

    A Service whose slices list no pod although they were read has no backend now; its selector still shows what a manifest will start.
    """
    namespace, name = service.metadata.namespace, service.metadata.name
    slices = context.slices_of.get((namespace, name), ())
    gap = context.cluster.complete.gap("endpointslices.discovery.k8s.io", namespace)
    found = dict(_by_slices(context, slices, port))
    if found or (slices and gap is None):
        yield from found.values()
        return
    if gap is None and context.cluster.header.source == "live":
        return
    reason = (unseen(gap),) if gap is not None and context.cluster.header.source == "live" else ()
    ref = ObjectRef("Service", namespace, name)
    shown = field(ref, ("spec", "selector"), service.spec.selector)
    for cls in context.selected(namespace, service.spec.selector):
        for number in target_ports(cls, port):
            yield BackendClass(cls, number, Confidence.ENV, (shown,), reason)


def _by_slices(
    context: Context, slices: tuple[EndpointSlice, ...], port: ServicePort
) -> Iterator[tuple[tuple[int, int], BackendClass]]:
    for item in slices:
        numbers = [p.port for p in item.ports if p.name == port.name and p.protocol == port.protocol and p.port]
        usable = _usable(item)
        for position, endpoint in usable:
            target = endpoint.target_ref
            if target is None or target.kind != "Pod":
                continue
            cls = context.class_of_pod.get((target.namespace or item.metadata.namespace, target.name))
            if cls is None:
                continue
            ref = ObjectRef("EndpointSlice", item.metadata.namespace, item.metadata.name, "discovery.k8s.io")
            shown = field(ref, ("endpoints", position, "targetRef", "name"), target.name)
            for number in numbers:
                yield (cls, number), BackendClass(context.cluster.classes[cls], number, Confidence.OBJ, (shown,))


def _usable(item: EndpointSlice) -> list[tuple[int, Endpoint]]:
    """Ready endpoints; serving and terminating ones only where none is ready (NET-62)."""
    numbered = list(enumerate(item.endpoints))
    ready = [(n, e) for n, e in numbered if e.conditions.ready is not False]
    return ready or [(n, e) for n, e in numbered if e.conditions.serving and e.conditions.terminating]


def target_ports(cls: WorkloadClass, port: ServicePort) -> tuple[int, ...]:
    """The class's port a Service port leads to: a number as it is, a name resolved on the class (NET-57)."""
    target = port.port if port.target_port is None else port.target_port
    if isinstance(target, int):
        return (target,)
    containers = (*cls.shape.containers, *(c for c in cls.shape.init_containers if c.restart_policy == "Always"))
    found = [p.container_port for c in containers for p in c.ports if p.name == target and p.protocol == port.protocol]
    return tuple(found[:1])


