"""The verdict of a packet: the dialects one after the other, then exceptions, enforcement and the mesh (V-1..V-4)."""

from collections.abc import Iterable, Iterator
from itertools import product

from . import calico, cilium, ends, istio, networkpolicy, tiers
from .world import (
    ALLOW,
    BLOCKED,
    CALICO,
    CILIUM,
    DENY,
    IMPLEMENTED,
    NO,
    PASS,
    TIERS_1,
    TIERS_2,
    UNKNOWN,
    YES,
    Outcomes,
    Packet,
    Side,
    World,
)

Verdict = tuple[str, frozenset[str]]
"""``yes``, ``unknown`` or ``blocked``, and the conditions of a packet that passes."""
_ADMIN, _NETWORK_POLICY, _BASELINE = 1_000, 1_000_000, 10_000_000
"""NET-80, NET-123."""


def judge(world: World, packet: Packet) -> Verdict:
    """What becomes of a packet. One end at least is a pod."""
    if not all(ends.takes_part(end, packet.family) for end in (packet.source, packet.target)):
        return BLOCKED, frozenset()
    if packet.source is packet.target:
        return YES, frozenset()
    below, conditions = _below(world, packet)
    narrowed, further = _state(istio.outcomes(world, packet))
    state = _worst([below, narrowed])
    return state, conditions | further if state == YES else frozenset()


def _below(world: World, packet: Packet) -> Verdict:
    """What the network plugin does: both ends (V-1), a pod's own node (V-2), enforcement (V-4)."""
    if _exempt(world, packet):
        return YES, frozenset()
    sides = [by_policies(world, packet.side(direction)) for direction in ("egress", "ingress")]
    state = _worst([state for state, _ in sides])
    if state == BLOCKED and world.plugin.enforces == UNKNOWN:
        return UNKNOWN, frozenset()
    return state, frozenset().union(*(conditions for _, conditions in sides))


def by_policies(world: World, side: Side) -> Verdict:
    """What all policies say of one side."""
    if isinstance(side.subject, str) or world.plugin.enforces == NO:
        return YES, frozenset()
    found = frozenset[str]()
    for kinds in _readings(world):
        for asks_baseline in _baseline_readings(world, side):
            found |= _asked(world, side, kinds, asks_baseline)
    state, conditions = _state(found)
    if ends.on_host(side.subject) and state != YES:
        return (YES if world.plugin.name else UNKNOWN), frozenset()  # NET-48
    to_own_node = ends.is_pod(side.subject) and ends.on_own_node(world, side.packet.target, side.subject)
    if side.direction == "egress" and to_own_node:
        state = _worst([state, {YES: BLOCKED, UNKNOWN: UNKNOWN}.get(world.plugin.drops_to, YES)])  # NET-130
    return state, conditions


def _readings(world: World) -> Iterator[tuple[str, ...]]:
    """The kinds that have effect, in every way that is possible (NET-78). Calico and Cilium never stand together."""
    facts = dict(zip(IMPLEMENTED, world.plugin.implements, strict=True))
    ways = [{YES: (True,), NO: (False,)}.get(fact, (True, False)) for fact in facts.values()]
    for effects in product(*ways):
        found = tuple(kind for kind, effect in zip(facts, effects, strict=True) if effect)
        if CILIUM not in found or len(found) == 1:
            yield found


def _baseline_readings(world: World, side: Side) -> tuple[bool, ...]:
    """NET-85: whether a pod that NetworkPolicies select in the other direction only is asked about in Baseline."""
    selecting = networkpolicy.selecting(world, side)
    only_other = selecting and not any(networkpolicy.isolates(policy, side.direction) for policy in selecting)
    return (True, False) if only_other else (True,)


def _asked(world: World, side: Side, kinds: tuple[str, ...], asks_baseline: bool) -> Outcomes:
    """Tier by tier, until one decides."""
    versions = tuple(kind for kind in kinds if kind in (TIERS_1, TIERS_2))
    asked = {(_ADMIN, "kube-admin"): tiers.outcomes(world, side, tiers.ADMIN, versions)}
    if asks_baseline:
        asked[_BASELINE, "kube-baseline"] = tiers.outcomes(world, side, tiers.BASELINE, versions)
    end = frozenset([DENY if world.plugin.isolates_all else ALLOW])
    if ends.on_host(side.subject):
        asked[_NETWORK_POLICY, "default"] = networkpolicy.outcomes(world, side)
    elif CALICO in kinds:
        asked.update(calico.outcomes(world, side))
        end = calico.profiles(world, side)
    elif CILIUM in kinds:
        asked[_NETWORK_POLICY, "default"] = cilium.outcomes(world, side)
    else:
        asked[_NETWORK_POLICY, "default"] = networkpolicy.outcomes(world, side)
    return _until_decided([*(asked[place] for place in sorted(asked)), end])


def _until_decided(every: Iterable[Outcomes]) -> Outcomes:
    found = frozenset[str]()
    for outcomes in every:
        found |= outcomes - {PASS}
        if PASS not in outcomes:
            break
    return found


def _exempt(world: World, packet: Packet) -> bool:
    """NET-44, NET-46: traffic of a pod with its own node."""
    from_node = ends.on_own_node(world, packet.source, packet.target)
    to_node = ends.on_own_node(world, packet.target, packet.source)
    return (from_node and world.plugin.exempt_from) or (to_node and world.plugin.exempt_to)


def _state(outcomes: Outcomes) -> Verdict:
    """What is sure of some outcomes, and the conditions if no rule lets the packet pass without."""
    passing = outcomes - {DENY}
    state = YES if DENY not in outcomes else UNKNOWN if passing else BLOCKED
    return state, frozenset() if ALLOW in passing or state != YES else frozenset(passing)


def _worst(states: list[str]) -> str:
    return next(state for state in (BLOCKED, UNKNOWN, YES) if state in states)
