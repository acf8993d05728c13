"""The last hop of HTTP entry points: from the pods of an ingress controller to the backend (NET-66, EXP-111, EXP-116).

Where no pod of the controller is known, ``ingress-controller`` stands for it: a backend that takes connections of every
pod is reached; one that policies isolate is perhaps reached, because they may let the controller in.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from kubeaudit.edges import last_hop
from kubeaudit.edges.backends import backends
from kubeaudit.edges.context import Context
from kubeaudit.edges.ingresses import ref_of, routes, serving_of
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.objects.core import Service, ServicePort
from kubeaudit.model.objects.networking import Ingress
from kubeaudit.model.objects.openshift import Route, RouteBackend
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.ports import Interval
from kubeaudit.network.reach import Direction
from kubeaudit.network.strangers import ANYBODY
from kubeaudit.proof import Evidence, Path, State, field
from kubeaudit.queries.openings import openings
from kubeaudit.refs import ObjectRef

CONTROLLER = last_hop.CONTROLLER
ROUTE_GROUP = "route.openshift.io"
_TCP = "TCP"
_ROUTERS = ("openshift-ingress", "Deployment/router-")
"""Where the ingress operator of OpenShift runs the routers, and how their names begin."""
_ISOLATED = Unseen(
    Reason.UNKNOWN_IMPLEMENTATION,
    detail="no pod of the ingress controller is known, and policies let some pods in and others not",
)


class Hop(Struct, frozen=True):
    """One way from a controller to a port of a class. ``source`` is the index of the controller's class, -1 for
    ``ingress-controller``; ``where`` is host and path.
    """

    entry: ObjectRef
    where: str
    source: int
    target: int
    port: int
    state: State
    evidence: tuple[Evidence, ...]
    unseen: tuple[Unseen, ...] = ()


class _Backend(Struct, frozen=True):
    """A Service port that an entry point names, and the field that does."""

    entry: ObjectRef
    where: str
    service: Service
    port: ServicePort
    evidence: Evidence


def hops(context: Context) -> Iterator[Hop]:
    """Every hop of Ingresses and Routes. Ingresses that a cloud's load balancer serves have none."""
    judged = _Judged(context)
    for ingress in context.cluster.ingresses:
        serving = serving_of(context, ingress)
        if serving.cloud is None:
            for backend in _of_ingress(context, ingress):
                yield from judged.hops(backend, serving.controllers)
    namespace, name = _ROUTERS
    routers = [c for c in context.cluster.classes if c.namespace == namespace and c.name.startswith(name)]
    for route in context.cluster.routes:
        if not _is_refused(route):
            for backend in _of_route(context, route):
                yield from judged.hops(backend, routers)


class _Judged:
    """Judges hops; which classes every pod may connect to is asked once."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def hops(self, found: _Backend, controllers: Sequence[WorkloadClass]) -> Iterator[Hop]:
        for behind in backends(self._context, found.service, found.port):
            if not behind.port:
                continue
            shown, target = (found.evidence, *behind.evidence), behind.cls.index
            for controller in controllers:
                verdict = self._context.reach.connect(controller.index, target, _TCP, behind.port)
                state = State.UNKNOWN if behind.unseen and verdict.state is State.YES else verdict.state
                why = (*verdict.unseen, *behind.unseen)
                yield Hop(found.entry, found.where, controller.index, target, behind.port, state, shown, why)
            if not controllers:
                is_open = any(first <= behind.port <= last for _, first, last in self._open_to_all.get(target, ()))
                why = (*(() if is_open else (_ISOLATED,)), *behind.unseen)
                state = State.UNKNOWN if why else State.YES
                yield Hop(found.entry, found.where, -1, target, behind.port, state, shown, why)

    @cached_property
    def _open_to_all(self) -> dict[int, list[Interval]]:
        found: dict[int, list[Interval]] = {}
        reach = self._context.reach
        for row in openings(reach, range(len(reach.cluster.classes)), sorts=(ANYBODY,)):
            if row.direction is Direction.INGRESS and row.state is State.YES:
                found.setdefault(row.cls, []).extend(each for each in row.ports if each[0] == _TCP)
        return found


def _of_ingress(context: Context, ingress: Ingress) -> Iterator[_Backend]:
    ref = ref_of(ingress)
    for route in routes(ingress):
        named = route.backend.service
        service = context.services.get((ref.namespace, named.name)) if named else None
        if service is None or named is None:
            continue
        shown = field(ref, (*route.path, "service", "name"), named.name)
        for port in service.spec.ports:
            wanted = port.name == named.port.name if named.port.name else port.port == named.port.number
            if port.protocol == _TCP and wanted:
                yield _Backend(ref, route.where, service, port, shown)


def _of_route(context: Context, route: Route) -> Iterator[_Backend]:
    """Every Service a Route divides requests among, on the port it names or on all of them."""
    spec, meta = route.spec, route.metadata
    ref = ObjectRef("Route", meta.namespace, meta.name, ROUTE_GROUP)
    targets: list[tuple[Path, RouteBackend]] = [(("spec", "to"), spec.to)]
    targets += [(("spec", "alternateBackends", n), found) for n, found in enumerate(spec.alternate_backends)]
    for path, found in targets:
        service = context.services.get((meta.namespace, found.name))
        if service is None or found.kind != "Service" or found.weight == 0:
            continue
        shown = field(ref, (*path, "name"), found.name)
        for port in service.spec.ports:
            if port.protocol == _TCP and (spec.port is None or spec.port.target_port in _called(port)):
                yield _Backend(ref, f"{spec.host or '*'}{spec.path or '/'}", service, port, shown)


def _called(port: ServicePort) -> tuple[int | str, ...]:
    """What a Route may call a port of a Service: by the name that its endpoints have, or by the port of the pods."""
    return port.name, port.port if port.target_port is None else port.target_port


def _is_refused(route: Route) -> bool:
    """Whether every router that looked at a Route has refused it; in files none has looked."""
    admitted = [c.status for found in route.status.ingress for c in found.conditions if c.type == "Admitted"]
    return bool(admitted) and "True" not in admitted
