"""The side of a connection that is a node, or its host-network pods, by the policies of nodes."""

from collections.abc import Callable, Sequence

from msgspec import structs

from kubeaudit.findings import Reason, Unseen
from kubeaudit.network.combine import merged, stricter
from kubeaudit.network.nodes.guards import Guard, Guards
from kubeaudit.network.nodes.policies import FIREWALL, INTERFACE, PLACE, SWITCHED_OFF, TRANSLATED, UNPLACED, Ways
from kubeaudit.network.nodes.whereabouts import Part, Place
from kubeaudit.network.verdicts import Basis, Direction, Side
from kubeaudit.proof import State

Ask = Callable[[Guard, int, int], Side]
"""The verdict of a face of a guard towards some peers."""
_RANK = {State.YES: 0, State.UNKNOWN: 1, State.BLOCKED: 2}
_SETTLED: dict[str, tuple[Basis, str, Unseen]] = {
    INTERFACE: (
        Basis.UNDEFINED,
        "a host endpoint with interfaceName '*', or with the node's address among expectedIPs",
        Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="which interface of the node carries the traffic"),
    ),
    FIREWALL: (
        Basis.INPUT_INCOMPLETE,
        "enable-host-firewall of cilium-config",
        Unseen(Reason.READ_INCOMPLETE, "configmaps(named)", detail="whether Cilium's host firewall is on"),
    ),
    TRANSLATED: (
        Basis.UNDEFINED,
        "the source address of pods at other nodes (natOutgoing of Calico's IPPool, masquerading of Cilium)",
        Unseen(
            Reason.UNKNOWN_IMPLEMENTATION, detail="whether traffic of pods to other nodes has the address of their node"
        ),
    ),
    PLACE: (
        Basis.INPUT_INCOMPLETE,
        "pods of a running cluster",
        Unseen(Reason.READ_INCOMPLETE, "pods", detail="the node that the pod will run on"),
    ),
}


def judged(guards: Guards, direction: Direction, place: Place, peers: int, ask: Ask) -> Side | None:
    """What policies of nodes say of an end and any of some peers; None where they do not concern its nodes."""
    found: Side | None = None
    for guard in guards.every:
        if any(node in guard.ways for node in place.nodes or (UNPLACED,)):
            side = _on_any(guards, guard, direction, place, peers, ask)
            found = side if found is None else stricter(found, side)
    return found


def _on_any(guards: Guards, guard: Guard, direction: Direction, place: Place, peers: int, ask: Ask) -> Side:
    """The widest of what holds on the nodes of an end, whose pods may be on any of them, and for its addresses."""
    sides = list[Side]()
    for node in place.nodes or (UNPLACED,):
        ways = guard.ways.get(node)
        if ways is None:
            return Side(direction, State.YES, (Basis.DEFAULT_ALLOW,))
        found = guards.at.parts(direction, ways, place, node, peers)
        sides += [_with(guards, guard, direction, ways, part, ask) for part in found if part.peers]
    return widest(sides)


def _with(guards: Guards, guard: Guard, direction: Direction, ways: Ways, part: Part, ask: Ask) -> Side:
    """The verdict towards some peers that the same faces judge."""
    plain = _at(direction, ways, [ask(guard, face, part.peers) for face in part.faces])
    if not part.translated or ways.off:
        return plain
    others = [
        _one_of([plain, _at(direction, ways, [ask(guard, face, address) for face in part.faces])], TRANSLATED)
        for address in guards.at.masquerades(part.peers)
    ]
    return widest(others) if others else plain


def widest(sides: Sequence[Side]) -> Side:
    """The most open of some sides."""
    return min(sides, key=lambda side: _RANK[side.state])


def _at(direction: Direction, ways: Ways, sides: list[Side]) -> Side:
    """The verdict at some faces, of which it is not known which one the traffic takes."""
    if ways.off:
        return Side(direction, State.YES, (Basis.CNI_PROFILE,), details=(SWITCHED_OFF,), evidence=ways.off)
    return _one_of(sides, ways.doubt)


def _one_of(sides: Sequence[Side], doubt: str) -> Side:
    """Verdicts of which it is not known which one holds."""
    states = {side.state for side in sides}
    first = max(sides, key=lambda side: _RANK[side.state])
    if len(states) == 1:
        return structs.replace(first, by=merged(side.by for side in sides))
    if first.state is State.UNKNOWN:
        return first
    basis, settle_by, unseen = _SETTLED[doubt]
    by = merged(side.by for side in sides if side.state is not State.YES)
    return structs.replace(
        first, state=State.UNKNOWN, basis=(basis,), details=(doubt,), by=by, settle_by=(settle_by,), unseen=(unseen,)
    )
