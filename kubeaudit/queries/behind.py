"""A Service as destination: the pods behind its ports, on the ports of theirs (NET-54, NET-57..62)."""

from collections.abc import Iterator, Sequence

from msgspec import Struct, structs

from kubeaudit.edges.backends import backends
from kubeaudit.edges.context import Context, unseen
from kubeaudit.errors import UsageError
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.objects.core import Service, ServicePort
from kubeaudit.network.ports import Interval
from kubeaudit.network.reach import Basis, Direction, ReachVerdict, Side
from kubeaudit.proof import State, field
from kubeaudit.queries.names import parts, plain
from kubeaudit.queries.pairs import Piece, Unit, by_policies, families, pieces
from kubeaudit.refs import ObjectRef

_HAIRPIN = Unseen(
    Reason.UNKNOWN_IMPLEMENTATION, detail="whether policies judge a pod that reaches itself through its own Service"
)
_BEFORE = Unseen(
    Reason.UNKNOWN_IMPLEMENTATION, detail="whether policies see the Service's address or that of the pod behind it"
)
_PROFILE = "a profile of the network plugin (--cni-profile)"


class Behind(Struct, frozen=True):
    """One class, or one address, behind a Service port. ``ports`` is the port of the Service."""

    text: str
    unit: Unit
    piece: Piece
    ports: Interval


def service(context: Context, source: Unit, found: Service, ports: Sequence[Interval], family: str) -> Iterator[Behind]:
    """The verdict towards everything behind the ports of a Service, or behind those asked for.

    Raises :class:`UsageError` for a Service that has none of them, or that is only a name (NET-61).
    """
    spec, name = found.spec, f"{found.metadata.namespace}/{found.metadata.name}"
    if spec.type == "ExternalName":
        raise UsageError(
            f"Service {name} is a DNS name for {spec.external_name}", "give the addresses of that host instead"
        )
    listed = [port for port in spec.ports if not ports or _asked(port, ports)]
    if not listed:
        known = ", ".join(f"{port.protocol.lower()}/{port.port}" for port in spec.ports)
        raise UsageError(f"Service {name} has no such port", f"it has {known or 'no ports'}")
    for port in listed:
        yield from _behind(context, source, found, port, family)


def _asked(port: ServicePort, ports: Sequence[Interval]) -> bool:
    return any(port.protocol == protocol and first <= port.port <= last for protocol, first, last in ports)


def _behind(context: Context, source: Unit, found: Service, port: ServicePort, family: str) -> Iterator[Behind]:
    name = f"Service {found.metadata.namespace}/{found.metadata.name}"
    asked: Interval = (port.protocol, port.port, port.port)
    tell = parts(context.cluster)
    empty = True
    for backend in backends(context, found, port):
        empty = False
        label = plain(backend.cls, tell[backend.cls.index])
        text = f"{name}, to {label} port {backend.port}"
        there: Interval = (port.protocol, backend.port, backend.port)
        for piece in pieces(context.reach, source, Unit(label, backend.cls.index), [there], family):
            if source.cls == backend.cls.index:
                piece = structs.replace(piece, verdict=_hairpin(context, source, there, piece.family))
            piece = structs.replace(piece, verdict=_untranslated(context, source, found, port, piece))
            yield Behind(text, Unit(label, backend.cls.index), piece, asked)
    for address in _manual(context, found, port):
        empty = False
        other = Unit(address, address=address)
        if source.is_pod and families(context.reach, other)[0] in families(context.reach, source):
            for piece in pieces(context.reach, source, other, [_target(port)], family):
                yield Behind(f"{name}, to {address}", other, piece, asked)
    if empty:
        yield Behind(name, Unit(name), Piece(family or "IPv4", asked, _nothing(context, found)), asked)


def _target(port: ServicePort) -> Interval:
    number = port.target_port if isinstance(port.target_port, int) else port.port
    return port.protocol, number, number


def _manual(context: Context, found: Service, port: ServicePort) -> Iterator[str]:
    """Addresses that somebody wrote into the Service's slices and that no pod has (NET-60)."""
    for item in context.slices_of.get((found.metadata.namespace, found.metadata.name), ()):
        for endpoint in item.endpoints if any(p.name == port.name for p in item.ports) else ():
            if endpoint.target_ref is None and endpoint.conditions.ready is not False:
                yield from (a for a in endpoint.addresses if a not in context.class_of_address and ":" not in a)


def _hairpin(context: Context, source: Unit, ports: Interval, family: str) -> ReachVerdict:
    """A pod behind the Service it calls may get itself, and then plugins differ (NET-54)."""
    found = by_policies(context.reach, source.cls, source.cls, ports, family)
    if found.state is not State.BLOCKED or Basis.NO_ADDRESS in found.basis:
        return found
    return _undefined(found, "hairpin", _HAIRPIN)


def _untranslated(context: Context, source: Unit, found: Service, port: ServicePort, piece: Piece) -> ReachVerdict:
    """A rule may let the Service's address pass where it does not let the pod's (NET-40, NET-58)."""
    verdict, address = piece.verdict, found.spec.cluster_ip
    if (
        verdict.egress.state is not State.BLOCKED
        or source.cls < 0
        or not context.reach.judge.universe.space.atom(address)
    ):
        return verdict
    if (":" in address) != (piece.family == "IPv6") or verdict.ingress.state is State.BLOCKED:
        return verdict
    if context.reach.egress(source.cls, address, port.protocol, port.port).state is State.BLOCKED:
        return verdict
    if context.reach.cni.name:
        return structs.replace(verdict, details=("dnat",))
    return _undefined(verdict, "dnat", _BEFORE)


def _undefined(verdict: ReachVerdict, detail: str, why: Unseen) -> ReachVerdict:
    return structs.replace(
        verdict,
        state=State.UNKNOWN,
        basis=(Basis.UNDEFINED,),
        details=(detail,),
        settle_by=(_PROFILE,),
        unseen=(why,),
    )


def _nothing(context: Context, found: Service) -> ReachVerdict:
    """No pod stands behind the Service; where its slices were not read, none may be known."""
    namespace = found.metadata.namespace
    gap = context.cluster.complete.gap("endpointslices.discovery.k8s.io", namespace)
    ref = ObjectRef("Service", namespace, found.metadata.name)
    shown = field(ref, ("spec", "selector"), found.spec.selector, "no ready pod stands behind it")
    state = State.BLOCKED if gap is None else State.UNKNOWN
    basis = (Basis.NO_ADDRESS,) if gap is None else (Basis.INPUT_INCOMPLETE,)
    egress, ingress = (Side(direction, state, basis) for direction in (Direction.EGRESS, Direction.INGRESS))
    why = () if gap is None else (unseen(gap),)
    settle = () if gap is None else ("list endpointslices.discovery.k8s.io",)
    return ReachVerdict(
        state, basis, egress, ingress, ("no_endpoint",), settle_by=settle, unseen=why, evidence=(shown,)
    )
