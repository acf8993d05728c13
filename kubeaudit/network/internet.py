"""Whether some public address may open a connection, and which may where not all do (EXP-01, EXP-02)."""

from msgspec import structs

from kubeaudit.network.combine import combine, external
from kubeaudit.network.ipspace import FAMILIES
from kubeaudit.network.judge import Judge
from kubeaudit.network.relation import alike
from kubeaudit.network.verdicts import Direction, ReachVerdict
from kubeaudit.proof import State
from kubeaudit.settings import Fact

_BEST_FIRST = (State.YES, State.UNKNOWN, State.BLOCKED)


def from_internet(judge: Judge, cls: int, protocol: str, port: int) -> ReachVerdict:
    """The verdict of any public address and a class, in the families the class has. ``sources`` are the CIDRs let in,
    if they are fewer than half of a family's addresses. Raises ``ValueError`` for what is no port.
    """
    universe = judge.universe
    families = judge.cluster.classes[cls].families or ("IPv4",)
    public = sum(universe.space.family(FAMILIES[family]) for family in families) & universe.space.public
    atom = judge.ports.atom(protocol, port)
    if judge.narrowing and judge.narrowing.rows(cls):
        verdict, allowed = _through_mesh(judge, cls, universe.external(public), protocol, port)
    else:
        side = judge.side(Direction.INGRESS, cls, universe.external(public), protocol, port)
        verdict, allowed = combine(judge.cni, external(Direction.EGRESS), side), _let_in(judge, cls, public, atom)
    for version in (FAMILIES[family] for family in families):
        if 2 * universe.space.count(allowed, version) >= universe.space.count(public, version):
            return verdict
    return structs.replace(verdict, sources=universe.space.cidrs(allowed))


def _let_in(judge: Judge, cls: int, public: int, atom: int) -> int:
    """The public addresses that policies let in for certain; all of them where none has a say."""
    universe, signature = judge.universe, judge.ingress.of(cls)
    if judge.cni.enforces is Fact.NO:
        return public
    if universe.host >> cls & 1:
        row = judge.guards.row_of(Direction.INGRESS, cls) if judge.guards else ()
    else:
        row = signature.row if signature.stages else ()
    return universe.atoms_of(next((s.peers for s in row if s.ports & atom), universe.everything)) & public


def _through_mesh(judge: Judge, cls: int, peers: int, protocol: str, port: int) -> tuple[ReachVerdict, int]:
    """A mesh may let in other addresses than the policies below it do, so each part of them is asked for alone: the
    best verdict, and the addresses that are let in.
    """
    found, allowed = list[ReachVerdict](), 0
    for _, part in alike(judge, Direction.INGRESS, cls, peers, judge.ports.atom(protocol, port)):
        side, mesh = judge.side(Direction.INGRESS, cls, part, protocol, port), judge.mesh(cls, part, protocol, port)
        found.append(combine(judge.cni, external(Direction.EGRESS), side, mesh=mesh))
        allowed |= judge.universe.atoms_of(part) if found[-1].state is State.YES else 0
    return min(found, key=lambda verdict: _BEST_FIRST.index(verdict.state)), allowed
