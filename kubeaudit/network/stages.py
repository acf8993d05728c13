"""The order in which the policies of a pod are asked, and what comes of it (network.md, 3.8).

A stage is a tier, its policies grouped by order. Policies of one group that do different things contradict each other,
and each of them may be asked first (NET-86). All sets are masks; what is undefined is in ``allow`` and in ``deny``.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby

from msgspec import Struct

from kubeaudit.network.compiled import BASELINE, CompiledPolicy, Entry, Tier
from kubeaudit.network.fields import RESOURCE
from kubeaudit.network.verdicts import Action

_MANY = 32
"""From so many entries on those of one port are looked up, not looked for."""


class Asked(Struct, frozen=True):
    """A policy, by its number, and its entries in order."""

    policy: int
    entries: tuple[Entry, ...]


class Stage(Struct, frozen=True, dict=True):
    """One tier for some classes.

    ``isolating`` are the policies for which its end holds. ``groups`` are policies of equal order. ``skipped``: perhaps
    the tier is not asked (NET-85). ``icmp_undefined``: its end says nothing of ICMP (NET-34).
    """

    tier: Tier
    groups: tuple[tuple[Asked, ...], ...]
    isolating: tuple[int, ...]
    skipped: bool = False
    icmp_undefined: bool = False

    @cached_property
    def steps(self) -> "tuple[Run | Clash, ...]":
        """The entries in the fewest steps: neighbours that do the same become one."""
        return tuple(_steps(self))


class Run(Struct, frozen=True, dict=True):
    """Entries that do the same, so that their order means nothing to what comes of them. They are in order all the
    same: the first one that matches is named where tiers have an order.
    """

    action: Action
    entries: tuple[tuple[int, Entry], ...]

    def about(self, atom: int) -> Iterator[tuple[int, Entry]]:
        """The entries whose ports have this atom."""
        if len(self.entries) <= _MANY:
            return (one for one in self.entries if one[1].ports & atom)
        narrow, wide = self._by_port
        places = sorted((*narrow.get(atom, ()), *(place for place in wide if self.entries[place][1].ports & atom)))
        return (self.entries[place] for place in places)

    @cached_property
    def _by_port(self) -> tuple[dict[int, list[int]], list[int]]:
        """Places of the entries with a single atom of ports, by that atom, and of the others."""
        narrow: dict[int, list[int]] = {}
        wide = []
        for place, (_, entry) in enumerate(self.entries):
            if entry.ports & entry.ports - 1:
                wide.append(place)
            else:
                narrow.setdefault(entry.ports, []).append(place)
        return narrow, wide


class Clash(Struct, frozen=True):
    """Policies of equal order that do different things: the runs of each."""

    policies: tuple[tuple[Run, ...], ...]


def stages(
    asked: Sequence[Asked],
    isolating: Iterable[int],
    policies: Sequence[CompiledPolicy],
    other_direction: bool,
    plugin_settles_icmp: bool,
) -> tuple[Stage, ...]:
    """The tiers of some classes in order.

    ``other_direction``: a NetworkPolicy selects them, but not in this direction.
    """
    by_tier: dict[Tier, list[Asked]] = {}
    for one in sorted(asked, key=lambda a: policies[a.policy].order):
        by_tier.setdefault(policies[one.policy].tier, []).append(one)
    ends: dict[Tier, list[int]] = {}
    for number in isolating:
        ends.setdefault(policies[number].tier, []).append(number)
    found = []
    for tier in sorted(by_tier):
        groups = tuple(tuple(group) for _, group in groupby(by_tier[tier], lambda a: policies[a.policy].order))
        mine = tuple(ends.get(tier, ()))
        undefined = not plugin_settles_icmp and all(policies[n].resource == RESOURCE for n in mine)
        skipped = tier == BASELINE and other_direction
        found.append(Stage(tier, groups, mine, skipped, undefined))
    return tuple(found)


def _steps(stage: Stage) -> Iterator[Run | Clash]:
    action, held = Action.ALLOW, list[tuple[int, Entry]]()
    for group in stage.groups:
        every = [tuple(_runs(one)) for one in group]
        if len({run.action for runs in every for run in runs}) > 1 and len(group) > 1:
            if held:
                yield Run(action, tuple(held))
            held = []
            yield Clash(tuple(every))
            continue
        for runs in every:
            for run in runs:
                if held and run.action is not action:
                    yield Run(action, tuple(held))
                    held = []
                action = run.action
                held.extend(run.entries)
    if held:
        yield Run(action, tuple(held))


def _runs(one: Asked) -> Iterator[Run]:
    for action, entries in groupby(one.entries, lambda entry: entry.action):
        yield Run(action, tuple((one.policy, entry) for entry in entries))
