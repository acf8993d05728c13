"""What Calico's policies and NetworkPolicies say together, tier by tier, and its profiles (network.md 3.10)."""

import math
from collections.abc import Iterator

from . import ends, networkpolicy
from .calico_rules import labels_of, matched, selects
from .world import ALLOW, CALICO, DENY, NETWORK_POLICY, PASS, Object, Outcomes, Side, World

_DEFAULT = "default"
_DEFAULT_ORDER, _NETWORK_POLICIES = 1_000_000, 1000
Place = tuple[float, str]


def outcomes(world: World, side: Side) -> Iterator[tuple[Place, Outcomes]]:
    """What each tier says that holds for the pod, with its place among all tiers (NET-120, NET-123)."""
    tiers = {_DEFAULT: (_DEFAULT_ORDER, "Deny")}
    for found in world.of(CALICO, "Tier"):
        spec = found["spec"]
        tiers[found["metadata"]["name"]] = (spec.get("order", math.inf), spec.get("defaultAction", "Deny"))
    for name, (order, default) in tiers.items():
        placed = [*_of_calico(world, side, name), *(_network_policies(world, side) if name == _DEFAULT else ())]
        if placed:
            policies = [policy for _, policy in sorted(placed, key=lambda one: one[0])]
            yield (order, name), _tier(world, side, policies, default)


def profiles(world: World, side: Side) -> Outcomes:
    """NET-121: the profile of the namespace allows by default, also what its rules do not match."""
    space, account = ends.space_of(side.subject), ends.account_of(side.subject)
    by_name = {profile["metadata"]["name"]: profile for profile in world.of(CALICO, "Profile")}
    if not by_name.get(f"kns.{space}", {}).get("spec", {}).get(side.direction):
        return frozenset([ALLOW])
    named = [by_name[name] for name in (f"kns.{space}", f"ksa.{space}.{account}") if name in by_name]
    found = _tier(world, side, named, "Pass")
    return frozenset(ALLOW if outcome == PASS else outcome for outcome in found)


def _of_calico(world: World, side: Side, tier: str) -> Iterator[tuple[Place, Object]]:
    """Calico's own policies of a tier that hold for the pod: by order, a missing one last, then by name."""
    for policy in world.of(CALICO, "NetworkPolicy", "GlobalNetworkPolicy"):
        meta, spec = policy["metadata"], policy["spec"]
        if spec.get("tier", _DEFAULT) == tier and _applies(world, policy, side):
            yield (spec.get("order", math.inf), f"{meta['name']}/{meta.get('namespace', '')}"), policy


def _network_policies(world: World, side: Side) -> Iterator[tuple[Place, Object]]:
    for policy in networkpolicy.selecting(world, side):
        if networkpolicy.isolates(policy, side.direction):
            yield (_NETWORK_POLICIES, f"knp.default.{policy['metadata']['name']}"), policy


def _applies(world: World, policy: Object, side: Side) -> bool:
    """NET-124..127; policies of hosts before connection tracking or translation hold for no pod."""
    spec, space = policy["spec"], policy["metadata"].get("namespace", "")
    if spec.get("doNotTrack") or spec.get("preDNAT"):
        return False
    types = spec.get("types")
    if not types:
        only_egress = spec.get("egress") and not spec.get("ingress")
        types = ["Egress"] if only_egress else ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    of_space = not space or ends.space_of(side.subject) == space
    return side.direction.capitalize() in types and of_space and selects(spec, labels_of(world, side.subject))


def _tier(world: World, side: Side, policies: list[Object], default: str) -> Outcomes:
    """The first rule that matches decides, every one that perhaps matches may be it; NET-122 where none does."""
    found = set[str]()
    for policy in policies:
        actions, certain = _policy(world, side, policy)
        found |= actions
        if certain:
            return frozenset(found)
    if default == "Pass":
        return frozenset([*found, PASS])
    only_plain = all(policy["apiVersion"].startswith(NETWORK_POLICY) for policy in policies)
    is_open = only_plain and networkpolicy.icmp_is_open(world, side)
    return frozenset([*found, DENY, *([ALLOW] if is_open else [])])


def _policy(world: World, side: Side, policy: Object) -> tuple[set[str], bool]:
    """What may come of a policy, and whether one of its rules matches for certain. Log decides nothing."""
    if policy["apiVersion"].startswith(NETWORK_POLICY):
        allowed = networkpolicy.allows(world, policy, side)
        return (set() if allowed is False else {ALLOW}), allowed is True
    found = set[str]()
    for rule in policy["spec"].get(side.direction, []):
        answer = matched(world, side.packet, rule, policy["metadata"].get("namespace", ""))
        if rule["action"] == "Log" or answer is False:
            continue
        action = rule["action"].lower()
        found.add("l7" if action == ALLOW and "http" in rule else action)
        if answer is True:
            return found, True
    return found, False
