"""What a mesh takes away from a connection that policies below it let pass (NET-135; V-3)."""

from msgspec import Struct, structs

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.objects.istio import DESTINATION_RULES
from kubeaudit.network.compiled import CompiledPolicy
from kubeaudit.network.mesh.membership import IDENTITY, RULES, RULES_UNREAD, Mesh
from kubeaudit.network.ports import PortSpace
from kubeaudit.network.rows import Segment, Table
from kubeaudit.network.trace import Trace, trace
from kubeaudit.network.verdicts import Action, Basis, Direction, Side
from kubeaudit.proof import State

_UNSEEN = {
    "mesh": "whether the pod will have a proxy of the mesh",
    IDENTITY: "whether the caller has a certificate of the mesh",
    RULES: "whether the caller asks for the host of a DestinationRule by which it sends no certificate",
    "mesh_waypoint": "which traffic passes the waypoint",
}


class Narrowing(Struct, frozen=True):
    """The rows of the mesh, for ingress alone."""

    mesh: Mesh
    ports: PortSpace
    policies: tuple[CompiledPolicy, ...]
    table: Table

    def rows(self, cls: int) -> tuple[Segment, ...]:
        """Whom the mesh lets in on which ports; none where it does not narrow a class."""
        signature = self.table.of(cls)
        if not signature.stages:
            return ()
        tcp = self.ports.whole("TCP") & ~self._excluded(cls)
        every = -1 if self.mesh.perhaps >> cls & 1 else 0
        return tuple(
            Segment(ports, segment.peers, (segment.maybe | every) & ~segment.peers)
            for segment in signature.row
            if (ports := segment.ports & tcp)
        )

    def side(self, cls: int, peers: int, atom: int, namespace: str) -> Side | None:
        """What the mesh says of some peers on one port; None where it changes nothing."""
        signature = self.table.of(cls)
        if not signature.stages or not atom & self.ports.whole("TCP") & ~self._excluded(cls):
            return None
        found = trace(Direction.INGRESS, self.policies, signature.stages, peers, atom, False)
        allow = found.allow | found.rest
        if allowed := allow & ~found.deny:
            return _conditional(found, allowed, namespace)
        by = tuple(hit.decision for hit in found.hits if hit.decision.action is Action.DENY) + found.ends
        blocked = Side(Direction.INGRESS, State.BLOCKED, (Basis.MESH,), namespace, by=by)
        if self.mesh.perhaps >> cls & 1:
            return _unknown(blocked, "mesh")
        undecided = allow & found.deny
        doubts = [hit.entry.doubt for hit in found.hits if hit.perhaps & undecided]
        return self._undecided(blocked, doubts[0], cls) if undecided else blocked

    def _undecided(self, blocked: Side, doubt: str, cls: int) -> Side:
        """A side that a certificate decides which the caller perhaps does not send, and the rules that have it so."""
        rules = [rule for rule in self.mesh.own_tls if rule.subjects >> cls & 1]
        if doubt == RULES_UNREAD:
            unread = tuple(rule.unseen for rule in rules if rule.unseen)
            return structs.replace(
                blocked,
                state=State.UNKNOWN,
                basis=(Basis.INPUT_INCOMPLETE,),
                details=(doubt,),
                settle_by=(f"list {DESTINATION_RULES}",),
                unseen=unread,
            )
        side = _unknown(blocked, doubt)
        if doubt != RULES:
            return side
        return structs.replace(side, evidence=tuple(rule.evidence for rule in rules if rule.evidence))

    def _excluded(self, cls: int) -> int:
        mask = 0
        for number in self.mesh.excluded.get(cls, ()):
            mask |= self.ports.atom("TCP", number)
        return mask


def _conditional(found: Trace, allowed: int, namespace: str) -> Side | None:
    """A side that is open: None where some of the peers pass without a further check."""
    hits = [hit for hit in found.hits if hit.entry.condition and hit.sure & allowed]
    checked = by_allow = free = 0
    for hit in hits:
        if hit.decision.action is Action.PASS:
            checked |= hit.sure
        else:
            by_allow |= hit.sure
    for hit in found.hits:
        if hit.decision.action is Action.ALLOW and not hit.entry.condition:
            free |= hit.sure
    bound = by_allow & ~free
    if allowed & ~checked & ~bound or not hits:
        return None
    needed = [hit for hit in hits if hit.decision.action is Action.PASS or hit.sure & allowed & bound]
    conditions = tuple(dict.fromkeys(hit.entry.condition for hit in needed))
    by = tuple(hit.decision for hit in needed)
    return Side(Direction.INGRESS, State.YES, (Basis.MESH,), namespace, by=by, conditions=conditions)


def _unknown(side: Side, doubt: str) -> Side:
    return Side(
        side.direction,
        State.UNKNOWN,
        (Basis.UNDEFINED,),
        side.namespace,
        details=(doubt,),
        by=side.by,
        settle_by=(_UNSEEN[doubt],),
        unseen=(Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=_UNSEEN[doubt]),),
    )
