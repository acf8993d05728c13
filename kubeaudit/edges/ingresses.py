"""Ingresses: which controller serves them, from where it is reached, and where they lead (EXP-110..112)."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.edges.context import Context, unseen, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.entrypoints import RANGES_ENFORCED, cluster_provider, entry_point, external_ranges
from kubeaudit.edges.last_hop import CONTROLLER
from kubeaudit.edges.schemes import Scheme, ingress_ranges, is_whole, of_ingress
from kubeaudit.edges.tables import ControllerRow, LoadBalancerRow, controllers, load_balancers
from kubeaudit.edges.traffic import WORLD, service_vertex, to_classes
from kubeaudit.edges.vocabulary import EXP_DEFAULT_BACKEND, EXP_INGRESS, EXP_INGRESS_BACKEND
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.objects.core import Service, ServicePort
from kubeaudit.model.objects.networking import Backend, Ingress
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.proof import Confidence, Evidence, Path, State, field, missing
from kubeaudit.refs import INTERNET, PRIVATE_NETWORK, Facet, ObjectRef, Vertex

_ANNOTATION = "kubernetes.io/ingress.class"
_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
_GCE = "gce"
GROUP = "networking.k8s.io"


class Serving(Struct, frozen=True):
    """Who serves an Ingress: pods of a controller, a cloud's load balancer, or nobody that could be told (``unseen``
    says why).
    """

    evidence: tuple[Evidence, ...]
    controllers: tuple[WorkloadClass, ...] = ()
    cloud: LoadBalancerRow | None = None
    unseen: tuple[Unseen, ...] = ()


class Route(Struct, frozen=True):
    """One way through an Ingress: the entry point, the backend, and the field that names it; ``host`` is "" for every
    host.
    """

    entry: Vertex
    where: str
    backend: Backend
    path: Path
    row: str
    host: str = ""


def edges(context: Context) -> Iterator[Edge]:
    """Edges to the entry points of every Ingress, on to the Services they name, and to the classes behind."""
    services = {(s.metadata.namespace, s.metadata.name): s for s in context.cluster.services}
    for ingress in context.cluster.ingresses:
        serving = serving_of(context, ingress)
        seen: set[Vertex] = set()
        for route in routes(ingress):
            if route.entry not in seen:
                seen.add(route.entry)
                yield from _sources(ingress, serving, route)
            yield from _to_service(context, ingress, serving, route, services)


def routes(ingress: Ingress) -> Iterator[Route]:
    """Every host and path, and the default backend (EXP-111, -112)."""
    name, namespace = ingress.metadata.name, ingress.metadata.namespace
    for number, rule in enumerate(ingress.spec.rules):
        for position, path in enumerate(rule.http.paths):
            where = f"{rule.host or '*'}{path.path or '/'}"
            entry = entry_point("Ingress", namespace, name, where)
            place: Path = ("spec", "rules", number, "http", "paths", position, "backend")
            yield Route(entry, where, path.backend, place, EXP_INGRESS_BACKEND, rule.host)
    if ingress.spec.default_backend is not None:
        entry = entry_point("Ingress", namespace, name, "*")
        yield Route(entry, "*", ingress.spec.default_backend, ("spec", "defaultBackend"), EXP_DEFAULT_BACKEND)


def serving_of(context: Context, ingress: Ingress) -> Serving:
    """The controller of an Ingress, by annotation, class and the IngressClass's controller (EXP-110)."""
    ref = ref_of(ingress)
    wanted, shown = _class_name(context, ingress, ref)
    controller, class_evidence = _controller_of(context, wanted)
    evidence = (*shown, *class_evidence)
    for row in load_balancers():
        by_class = wanted in row.classes if row.provider != _GCE else _is_gce(context, ingress, row)
        if row.serves == "ingress" and (controller in row.controllers or (not controller and by_class)):
            return Serving(evidence, cloud=row)
    known = [r for r in controllers() if controller in r.controllers or (not controller and wanted in r.classes)]
    found = tuple(cls for row in known for cls in _running(context, row))
    if found:
        return Serving(evidence, found)
    return Serving(evidence, unseen=_why_unknown(context, wanted, controller))


def _is_gce(context: Context, ingress: Ingress, row: LoadBalancerRow) -> bool:
    """GKE's controller goes by the annotation alone, and takes every Ingress that names no class at all (LB-05)."""
    if ingress.spec.ingress_class_name:
        return False
    wanted = ingress.metadata.annotations.get(_ANNOTATION, "")
    return wanted in row.classes or (not wanted and cluster_provider(context) == _GCE)


def ref_of(ingress: Ingress) -> ObjectRef:
    """The Ingress as an object."""
    return ObjectRef("Ingress", ingress.metadata.namespace, ingress.metadata.name, GROUP)


def _class_name(context: Context, ingress: Ingress, ref: ObjectRef) -> tuple[str, tuple[Evidence, ...]]:
    annotation = ingress.metadata.annotations.get(_ANNOTATION)
    if annotation is not None:
        return annotation, (field(ref, ("metadata", "annotations", _ANNOTATION), annotation),)
    if ingress.spec.ingress_class_name:
        return ingress.spec.ingress_class_name, (
            field(ref, ("spec", "ingressClassName"), ingress.spec.ingress_class_name),
        )
    absent = missing(ref, ("spec", "ingressClassName"))
    if context.cluster.header.source != "live":
        defaults = [c for c in context.cluster.ingress_classes if c.metadata.annotations.get(_DEFAULT) == "true"]
        newest = max(defaults, key=lambda c: (c.metadata.creation_timestamp or "", c.metadata.name), default=None)
        if newest is not None:
            shown = field(
                ObjectRef("IngressClass", "", newest.metadata.name, GROUP),
                ("metadata", "annotations", _DEFAULT),
                "true",
            )
            return newest.metadata.name, (absent, shown)
    return "", (absent,)


def _controller_of(context: Context, wanted: str) -> tuple[str, tuple[Evidence, ...]]:
    item = context.ingress_classes.get(wanted)
    if item is None:
        return "", ()
    ref = ObjectRef("IngressClass", "", wanted, GROUP)
    return item.spec.controller, (field(ref, ("spec", "controller"), item.spec.controller),)


def _running(context: Context, row: ControllerRow) -> Iterator[WorkloadClass]:
    for image in row.images:
        yield from context.classes_by_image.get(image, ())


def _why_unknown(context: Context, wanted: str, controller: str) -> tuple[Unseen, ...]:
    gap = context.cluster.complete.gap("ingressclasses.networking.k8s.io") if not controller else None
    if gap is not None:
        return (unseen(gap),)
    pods = context.cluster.complete.gap("pods")
    if pods is not None:
        return (unseen(pods),)
    told = controller or (f"class {wanted}" if wanted else "no class")
    return (Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=f"no running controller was recognised for {told}"),)


def _sources(ingress: Ingress, serving: Serving, route: Route) -> Iterator[Edge]:
    """EXP-110: from the controller's pods, from the cloud's load balancer, or unknown."""
    ref = ref_of(ingress)
    evidence = (*serving.evidence, _shown(ref, route))
    fix = f"{ref}: remove this host, or use a class whose controller is internal"
    for cls in serving.controllers:
        sentence = f"{cls.label} serves {route.where} of Ingress {ref.namespace}/{ref.name}."
        yield Edge(
            EXP_INGRESS,
            workload(cls, Facet.NET),
            route.entry,
            State.YES,
            Confidence.ENV,
            0,
            sentence,
            evidence,
            (),
            (),
            fix,
        )
    if serving.controllers:
        return
    if serving.cloud is not None:
        yield _cloud_edge(ingress, serving.cloud, route, evidence, fix)
        return
    place = f"{route.where} of Ingress {ref.namespace}/{ref.name}"
    sentence = f"The internet may connect to {place} if its controller is reachable."
    yield Edge(
        EXP_INGRESS,
        INTERNET,
        route.entry,
        State.UNKNOWN,
        Confidence.ENV,
        1,
        sentence,
        evidence,
        (),
        serving.unseen,
        fix,
    )


def _shown(ref: ObjectRef, route: Route) -> Evidence:
    """The field that opens the route: the rule's host, or the default backend."""
    if route.row == EXP_DEFAULT_BACKEND:
        name = route.backend.service.name if route.backend.service else ""
        return field(ref, (*route.path, "service", "name"), name) if name else field(ref, (*route.path, "resource"), {})
    place: Path = (*route.path[:3], "host")
    return field(ref, place, route.host) if route.host else missing(ref, place, "every host")


def _cloud_edge(ingress: Ingress, row: LoadBalancerRow, route: Route, evidence: tuple[Evidence, ...], fix: str) -> Edge:
    ruling, (ranges, limit) = of_ingress(ingress, row), ingress_ranges(ingress, row)
    limited = bool(ranges) and not is_whole(ranges) and ruling.scheme is not Scheme.INTERNAL
    source = PRIVATE_NETWORK if ruling.scheme is Scheme.INTERNAL else external_ranges(ranges) if limited else INTERNET
    state = State.UNKNOWN if ruling.scheme is Scheme.UNKNOWN else State.YES
    why = (Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=ruling.reason),) if state is State.UNKNOWN else ()
    who = (
        "The private network"
        if source is PRIVATE_NETWORK
        else f"Addresses in {', '.join(ranges)}"
        if limited
        else "The internet"
    )
    sentence = f"{who} may connect to {route.where} of Ingress {ingress.metadata.namespace}/{ingress.metadata.name}."
    shown = (*ruling.evidence, *((limit,) if limit else ()), *evidence)
    assumptions = (*ruling.assumptions, *((RANGES_ENFORCED,) if limited else ()))
    confidence = Confidence.ENV if limited else ruling.confidence
    return Edge(EXP_INGRESS, source, route.entry, state, confidence, 1, sentence, shown, assumptions, why, fix)


def _to_service(
    context: Context, ingress: Ingress, serving: Serving, route: Route, services: dict[tuple[str, str], Service]
) -> Iterator[Edge]:
    if route.backend.service is None:
        return
    namespace, name = ingress.metadata.namespace, route.backend.service.name
    service = services.get((namespace, name))
    if service is None:
        return
    port = _port(service, route)
    if port is None:
        return
    ref = ref_of(ingress)
    named = field(ref, (*route.path, "service", "name"), name)
    sentence = (
        f"Ingress {ref.namespace}/{ref.name} routes {route.where} to Service {namespace}/{name} port {port.port}."
    )
    fix = f"{ref}: remove the rule for {route.where}"
    for via, client in clients(serving):
        target = service_vertex(service, port, via)
        yield Edge(route.row, route.entry, target, State.YES, Confidence.OBJ, 0, sentence, (named,), (), (), fix)
        yield from to_classes(context, service, port, via, client)


def clients(serving: Serving) -> list[tuple[str, WorkloadClass | None]]:
    """Who opens the connection to a backend: each controller class, the world through a cloud's load balancer, or a
    controller that is not known (NET-66).
    """
    if not serving.controllers:
        return [(CONTROLLER if serving.cloud is None else WORLD, None)]
    return [(f"{cls.namespace}/{cls.name}", cls) for cls in serving.controllers]


def _port(service: Service, route: Route) -> ServicePort | None:
    wanted = route.backend.service.port if route.backend.service else None
    if wanted is None:
        return None
    return next(
        (p for p in service.spec.ports if (wanted.name and p.name == wanted.name) or p.port == wanted.number), None
    )
