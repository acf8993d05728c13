"""A Service as destination: the pods behind its ports, on the ports of theirs (NET-54, NET-57..62)."""

from collections.abc import Iterator, Sequence

from msgspec import Struct, structs

from kubeaudit.edges.backends import backends
from kubeaudit.edges.context import Context, unseen
from kubeaudit.errors import UsageError
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.nodes import parse
from kubeaudit.model.objects.core import Service, ServicePort, is_port
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
HEADLESS = "None"
"""The ClusterIP of a Service that is only a name for its pods: nothing translates addresses or ports (NET-59)."""
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
    headless, empty = found.spec.cluster_ip == HEADLESS, True
    for backend in backends(context, found, port):
        empty = False
        label = plain(backend.cls, tell[backend.cls.index])
        text = f"{name}, to {label} port {backend.port}"
        there: Interval = (port.protocol, backend.port, backend.port)
        for piece in pieces(context.reach, source, Unit(label, backend.cls.index), [there], family):
            if source.cls == backend.cls.index and not headless:
                piece = structs.replace(piece, verdict=_hairpin(context, source, there, piece.family))
            piece = structs.replace(piece, verdict=_untranslated(context, source, found, port, piece))
            yield Behind(text, Unit(label, backend.cls.index), piece, there if headless else asked)
    for address, number in _manual(context, found, port):
        empty = False
        other = Unit(address, address=address)
        if source.is_pod and families(context.reach, other)[0] in families(context.reach, source):
            there = (port.protocol, number, number)
            for piece in pieces(context.reach, source, other, [there], family):
                yield Behind(f"{name}, to {address}", other, piece, there if headless else asked)
    if empty:
        yield Behind(name, Unit(name), Piece(family or "IPv4", asked, _nothing(context, found)), asked)


def _manual(context: Context, found: Service, port: ServicePort) -> Iterator[tuple[str, int]]:
    """Addresses that somebody wrote into the Service's slices and that no pod has, each with its port (NET-60); host
    names, which are no addresses, aside.
    """
    for item in context.slices_of.get((found.metadata.namespace, found.metadata.name), ()):
        numbers = [p.port for p in item.ports if (p.name, p.protocol) == (port.name, port.protocol) and p.port]
        for endpoint in item.endpoints:
            if endpoint.target_ref is None and endpoint.conditions.ready is not False:
                for address in endpoint.addresses:
                    if address not in context.class_of_address and parse(address) is not None:
                        yield from ((address, number) for number in numbers if is_port(port.protocol, number))


def _hairpin(context: Context, source: Unit, ports: Interval, family: str) -> ReachVerdict:
    """A pod behind the Service it calls may get itself, and then plugins differ (NET-54); a ClusterNetworkPolicy holds
    on that way too.
    """
    found = by_policies(context.reach, source.cls, source.cls, ports, family)
    blocking = [side for side in (found.egress, found.ingress) if side.state is State.BLOCKED]
    by_tier = any(d.policy.kind == "ClusterNetworkPolicy" for side in blocking for d in side.by)
    if found.state is not State.BLOCKED or Basis.NO_ADDRESS in found.basis or by_tier:
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
        settled = verdict.state is State.BLOCKED
        basis = (Basis.CNI_PROFILE,) if settled else verdict.basis
        return structs.replace(verdict, basis=basis, details=("dnat",))
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
