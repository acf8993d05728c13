"""Why: the rules that decide about some peers of a class on one port (network.md, 5.3)."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from kubeaudit.network.compiled import CompiledPolicy, Entry, Tier
from kubeaudit.network.stages import Clash, Run, Stage
from kubeaudit.network.verdicts import Action, Decision, Direction


class Hit(Struct, frozen=True):
    """A rule and what of the peers it decides: for certain, and perhaps."""

    decision: Decision
    entry: Entry
    sure: int
    perhaps: int


class Trace(Struct, frozen=True):
    """What may happen to the peers: ``allow``, ``deny`` and ``rest`` (no rule decides) are masks; a peer in several of
    them is undecided.

    ``hits`` are the rules that were asked and matched, ``ends`` the isolations at which a tier ended. ``doubts`` name
    what leaves peers undecided beside the peers of rules: ``icmp``, ``equal_priority``, ``baseline_selection`` or
    ``implementer``.
    """

    allow: int
    deny: int
    rest: int
    hits: tuple[Hit, ...]
    ends: tuple[Decision, ...]
    doubts: tuple[str, ...]


class _Walk:
    """The walk of some peers through the stages."""

    def __init__(self, direction: Direction, policies: Sequence[CompiledPolicy], peers: int, atom: int) -> None:
        self._direction = direction
        self._policies = policies
        self._atom = atom
        self.rest = peers
        self.passed = self.allow = self.deny = 0
        self.hits: list[Hit] = []
        self.ends: list[Decision] = []
        self.doubts: list[str] = []

    def through(self, stage: Stage, is_icmp: bool) -> None:
        before = self.rest
        for step in stage.steps:
            if isinstance(step, Clash):
                self._clash(step, stage.tier)
            else:
                self._run(step, stage.tier)
        if stage.isolating and stage.tier.end is Action.DENY and self.rest:
            self.deny |= self.rest
            if stage.icmp_undefined and is_icmp:
                self.allow |= self.rest
                self.doubts.append("icmp")
            self.ends.extend(self._isolations(stage))
            self.rest = 0
        self.rest |= self.passed
        self.passed = 0
        if stage.skipped and self.rest != before:
            self.rest = before
            self.doubts.append("baseline_selection")

    def _run(self, run: Run, tier: Tier) -> None:
        sure = 0
        for number, entry in run.about(self._atom):
            # Those that decide together are all named (NET-08), of others the first one (NET-81, NET-120).
            left = self.rest & ~sure if self._policies[number].ordered else self.rest
            certain, perhaps = entry.peers & left, entry.maybe & left
            if certain | perhaps:
                self.hits.append(Hit(self._decision(number, entry, tier), entry, certain, perhaps))
                self._count(run.action, certain | perhaps)
                sure |= certain
        self.rest &= ~sure

    def _clash(self, clash: Clash, tier: Tier) -> None:
        before, outcomes, rest = self.rest, set[tuple[int, int, int]](), self.rest
        held = (self.allow, self.deny, self.passed)
        total = held
        for runs in clash.policies:
            self.rest = before
            self.allow, self.deny, self.passed = 0, 0, 0
            for run in runs:
                self._run(run, tier)
            rest &= self.rest
            mine = (self.allow, self.deny, self.passed)
            if any(mine):
                outcomes.add(mine)
            total = (total[0] | mine[0], total[1] | mine[1], total[2] | mine[2])
        self.allow, self.deny, self.passed = total
        self.rest = rest
        if len(outcomes) > 1:
            self.doubts.append("equal_priority")

    def _count(self, action: Action, peers: int) -> None:
        if action is Action.ALLOW:
            self.allow |= peers
        elif action is Action.DENY:
            self.deny |= peers
        else:
            self.passed |= peers

    def _decision(self, number: int, entry: Entry, tier: Tier) -> Decision:
        return Decision(self._policies[number].ref, self._direction, entry.rule, entry.path, entry.action, tier.name)

    def _isolations(self, stage: Stage) -> Iterator[Decision]:
        for number in stage.isolating:
            policy = self._policies[number]
            yield Decision(policy.ref, self._direction, None, policy.selector, Action.ISOLATE, stage.tier.name)


def trace(
    direction: Direction,
    policies: Sequence[CompiledPolicy],
    stages: Sequence[Stage],
    peers: int,
    atom: int,
    is_icmp: bool,
) -> Trace:
    """Follow some peers on one port atom through the stages of a class."""
    walk = _Walk(direction, policies, peers, atom)
    for stage in stages:
        walk.through(stage, is_icmp)
    return Trace(walk.allow, walk.deny, walk.rest, tuple(walk.hits), tuple(walk.ends), tuple(walk.doubts))


def joined(traces: Sequence[Trace]) -> Trace:
    """What may happen where it is not known which of several traces is the true one (NET-78)."""
    first, *others = traces
    for other in others:
        differs = (first.allow, first.deny, first.rest) != (other.allow, other.deny, other.rest)
        first = Trace(
            first.allow | other.allow,
            first.deny | other.deny,
            first.rest | other.rest,
            (*first.hits, *other.hits),
            (*first.ends, *other.ends),
            (*first.doubts, *other.doubts, *(("implementer",) if differs else ())),
        )
    return first
