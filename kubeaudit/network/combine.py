"""From the two sides of a connection to its verdict (network.md, V-1..V-5)."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeVar

from msgspec import Struct, structs

from kubeaudit.findings import Reason, Unseen
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.verdicts import Basis, Direction, ReachVerdict, Side
from kubeaudit.proof import Evidence, State
from kubeaudit.settings import Fact

T = TypeVar("T")
_ENFORCES = "whether the network plugin enforces NetworkPolicy (cni-enforces)"
_ORDER = {basis: place for place, basis in enumerate(Basis)}
_NOT_KNOWN = Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="whether anything enforces NetworkPolicy")


class Exemption(Struct, frozen=True):
    """Traffic that policies leave alone (V-2): for certain, or perhaps, where ``fact`` is unknown.

    ``detail`` is ``self`` or ``own_node``; ``evidence`` shows that the traffic is of that sort.
    """

    detail: str
    fact: Fact
    evidence: tuple[Evidence, ...] = ()
    settle_by: str = ""
    unseen: tuple[Unseen, ...] = ()


def combine(
    cni: CniProfile,
    egress: Side,
    ingress: Side,
    exempt: Sequence[Exemption] = (),
    mesh: Side | None = None,
    guards: Sequence[Side] = (),
) -> ReachVerdict:
    """The verdict of a connection: V-1, exceptions (V-2) and enforcement (V-4), then what ``mesh`` takes away (V-3).

    The mesh comes last because it enforces its policies itself. It takes no pod from itself (NET-53). ``guards`` are
    what policies of nodes say, which the sides hold already: they concern traffic that is exempt from those of pods.
    """
    verdict = _below(cni, egress, ingress, exempt, guards)
    itself = any(exemption.detail == "self" for exemption in exempt)
    if mesh is None or verdict.state is State.BLOCKED or itself:
        return verdict
    if mesh.state is State.YES:
        basis = merged((verdict.basis, mesh.basis)) if verdict.state is State.YES else verdict.basis
        conditions = merged((verdict.conditions, mesh.conditions))
        ingress = structs.replace(verdict.ingress, by=merged((verdict.ingress.by, mesh.by)))
        return structs.replace(verdict, basis=basis, ingress=ingress, conditions=conditions)
    if mesh.state is State.UNKNOWN and verdict.state is State.UNKNOWN:
        return verdict
    return structs.replace(
        verdict,
        state=mesh.state,
        basis=mesh.basis,
        ingress=mesh,
        details=mesh.details,
        would_block_by=(),
        settle_by=mesh.settle_by,
        unseen=mesh.unseen,
        evidence=(),
        conditions=(),
    )


def _below(
    cni: CniProfile, egress: Side, ingress: Side, exempt: Sequence[Exemption], guards: Sequence[Side]
) -> ReachVerdict:
    """The verdict of the policies below the mesh."""
    state = _worst((egress, ingress))
    guarded = _worst(guards) if not any(exemption.detail == "self" for exemption in exempt) else State.YES
    deciding = [side for side in (egress, ingress) if side.state is state]
    verdict = _verdict(state, deciding, egress, ingress)
    certain = [exemption for exemption in exempt if exemption.fact is Fact.YES]
    if certain and (state is not State.YES or verdict.would_block_by or verdict.conditions):
        if guarded is State.YES:
            reason = certain[0]
            return ReachVerdict(
                State.YES, (Basis.SPEC_EXCEPTION,), egress, ingress, (reason.detail,), evidence=reason.evidence
            )
        state, deciding = guarded, [side for side in guards if side.state is guarded]
        verdict = _verdict(state, deciding, egress, ingress)
    if cni.enforces is Fact.UNKNOWN and state is State.BLOCKED:
        return _enforcement_unknown(cni, verdict, deciding)
    possible = [exemption for exemption in exempt if exemption.fact is Fact.UNKNOWN]
    if possible and state is State.BLOCKED and guarded is not State.BLOCKED:
        return _perhaps_exempt(verdict, possible[0])
    return verdict


def external(direction: Direction) -> Side:
    """The side of an address outside the cluster: open, and no reason for a verdict, because no policy judges it."""
    return Side(direction, State.YES, ())


def stricter(side: Side, other: Side) -> Side:
    """Two verdicts of one end as one: the worse one, of equal ones the one that rules decided."""
    worse = _worst((side, other))
    if side.state is other.state is State.UNKNOWN:
        return structs.replace(
            side,
            basis=merged((side.basis, other.basis)),
            details=merged((side.details, other.details)),
            by=merged((side.by, other.by)),
            isolating=merged((side.isolating, other.isolating)),
            settle_by=merged((side.settle_by, other.settle_by)),
            unseen=merged((side.unseen, other.unseen)),
            evidence=merged((side.evidence, other.evidence)),
        )
    if side.state is not other.state:
        chosen, left = (side, other) if side.state is worse else (other, side)
    else:
        chosen, left = (side, other) if other.basis == (Basis.DEFAULT_ALLOW,) else (other, side)
    return structs.replace(
        chosen,
        namespace=chosen.namespace or left.namespace,
        conditions=merged((chosen.conditions, left.conditions)),
    )


def no_address(detail: str, evidence: tuple[Evidence, ...] = ()) -> ReachVerdict:
    """A pod takes part in no connection of a family it has no address of, and in none when it has finished (NET-70)."""
    egress = Side(Direction.EGRESS, State.BLOCKED, (Basis.NO_ADDRESS,))
    ingress = Side(Direction.INGRESS, State.BLOCKED, (Basis.NO_ADDRESS,))
    return ReachVerdict(State.BLOCKED, (Basis.NO_ADDRESS,), egress, ingress, (detail,), evidence=evidence)


def merged(words: Iterable[Iterable[T]]) -> tuple[T, ...]:
    """Every word once, in order."""
    return tuple(dict.fromkeys(chain.from_iterable(words)))


def _worst(sides: Sequence[Side]) -> State:
    states = [side.state for side in sides]
    if State.BLOCKED in states:
        return State.BLOCKED
    return State.UNKNOWN if State.UNKNOWN in states else State.YES


def _verdict(state: State, deciding: Sequence[Side], egress: Side, ingress: Side) -> ReachVerdict:
    bases = {basis for side in deciding for basis in side.basis}
    return ReachVerdict(
        state,
        tuple(sorted(bases, key=_ORDER.__getitem__)),
        egress,
        ingress,
        merged(side.details for side in deciding),
        merged(side.by for side in deciding if Basis.NOT_ENFORCED in side.basis),
        merged(side.settle_by for side in deciding),
        merged(side.unseen for side in deciding),
        conditions=merged(side.conditions for side in (egress, ingress)) if state is not State.BLOCKED else (),
    )


def _enforcement_unknown(cni: CniProfile, verdict: ReachVerdict, blocking: Sequence[Side]) -> ReachVerdict:
    """What would be blocked is unknown where it is not known whether anything enforces (NET-73)."""
    return structs.replace(
        verdict,
        state=State.UNKNOWN,
        basis=(Basis.CNI_UNKNOWN,),
        would_block_by=merged(side.by for side in blocking),
        settle_by=(_ENFORCES,),
        unseen=cni.unseen or (_NOT_KNOWN,),
    )


def _perhaps_exempt(verdict: ReachVerdict, exemption: Exemption) -> ReachVerdict:
    by_plugin = any(unseen.reason is Reason.UNKNOWN_IMPLEMENTATION for unseen in exemption.unseen)
    return structs.replace(
        verdict,
        state=State.UNKNOWN,
        basis=(Basis.CNI_PROFILE if by_plugin else Basis.INPUT_INCOMPLETE,),
        details=(exemption.detail,),
        settle_by=(exemption.settle_by,),
        unseen=exemption.unseen,
        evidence=exemption.evidence,
    )
