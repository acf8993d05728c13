"""What AdminNetworkPolicies, BaselineAdminNetworkPolicies and ClusterNetworkPolicies say (network.md 3.8).

Where policies have one priority every order of them is tried (NET-86).
"""

from collections.abc import Iterator
from itertools import groupby, permutations, product

from . import ends
from .world import ALLOW, DENY, PASS, Object, Outcomes, Side, World, any_of

ADMIN, BASELINE = "Admin", "Baseline"
_ACTIONS = {"Allow": ALLOW, "Accept": ALLOW, "Deny": DENY, "Pass": PASS}
_PROTOCOLS = {"tcp": "TCP", "udp": "UDP", "sctp": "SCTP"}


def outcomes(world: World, side: Side, tier: str, versions: tuple[str, ...]) -> Outcomes:
    """What the policies of a tier, of those API versions that have effect, do to a packet."""
    policies = [policy for version in versions for policy in world.of(version) if _tier_of(policy) == tier]
    found: set[str] = set()
    for ordered in _orders(policies):
        found |= set(_first(world, side, ordered))
    return frozenset(found)


def _tier_of(policy: Object) -> str:
    of_kind = BASELINE if policy["kind"] == "BaselineAdminNetworkPolicy" else ADMIN
    return str(policy["spec"].get("tier", of_kind))


def _orders(policies: list[Object]) -> Iterator[tuple[Object, ...]]:
    """Policies by priority, those of one priority in every order."""

    def priority(policy: Object) -> int:
        return int(policy["spec"].get("priority", 0))

    groups = [tuple(permutations(group)) for _, group in groupby(sorted(policies, key=priority), priority)]
    for chosen in product(*groups):
        yield tuple(policy for group in chosen for policy in group)


def _first(world: World, side: Side, policies: tuple[Object, ...]) -> Iterator[str]:
    """What the first rule that matches does; every rule that perhaps matches may be it (NET-81, NET-83)."""
    for policy in policies:
        if not _pods(world, policy["spec"]["subject"], side.subject):
            continue
        for rule in policy["spec"].get(side.direction, []):
            found = _rule(world, rule, side)
            if found is not False:
                yield _action(rule)
            if found:
                return
    yield PASS


def _action(rule: Object) -> str:
    """Names stand in rules of their own here: what they allow, they allow for the addresses behind them (NET-97)."""
    return "fqdn" if "domainNames" in rule.get("to", [{}])[0] else _ACTIONS[rule["action"]]


def _rule(world: World, rule: Object, side: Side) -> bool | None:
    """A port item is compared for each peer: a name means something of pods alone (NET-99)."""
    items = rule.get("ports", rule.get("protocols", []))
    peers = rule["from" if side.direction == "ingress" else "to"]
    return any_of(
        _peer(world, peer, side) for peer in peers if not items or any(_item(item, peer, side) for item in items)
    )


def _item(item: Object, peer: Object, side: Side) -> bool:
    """NET-91, NET-92."""
    name = item.get("namedPort", item.get("destinationNamedPort"))
    if name is not None:
        of_pods = "namespaces" in peer or "pods" in peer
        return of_pods and side.port in ends.named(side.packet.target, name, side.protocol)
    if "portNumber" in item:
        return (item["portNumber"]["protocol"], item["portNumber"]["port"]) == (side.protocol, side.port)
    if "portRange" in item:
        span = item["portRange"]
        return span["protocol"] == side.protocol and span["start"] <= side.port <= span["end"]
    ((word, transport),) = item.items()
    if _PROTOCOLS[word] != side.protocol:
        return False
    at = transport.get("destinationPort")
    if at is None:
        return True
    if "number" in at:
        return at["number"] == side.port
    return at["range"]["start"] <= side.port <= at["range"]["end"]


def _peer(world: World, item: Object, side: Side) -> bool | None:
    """NET-88, NET-89; ``networks`` are compared with addresses of pods too (NET-41)."""
    if "namespaces" in item or "pods" in item:
        return ends.is_pod(side.peer) and _pods(world, item, side.peer)
    if "networks" in item:
        return ends.among(world, side.peer, side.family, item["networks"])
    if ends.is_pod(side.peer):
        return False
    if "domainNames" in item:
        return None if isinstance(side.peer, str) else False
    nodes = [n["metadata"]["name"] for n in world.nodes if ends.matches(item["nodes"], n["metadata"]["labels"])]
    return ends.among(world, side.peer, side.family, ends.node_addresses(world, *nodes))


def _pods(world: World, item: Object, pod: Object | str) -> bool:
    """NET-87; pods on the host network are nobody here (NET-50)."""
    if isinstance(pod, str) or ends.on_host(pod):
        return False
    labels = ends.namespace_labels(world, ends.space_of(pod))
    if "namespaces" in item:
        return ends.matches(item["namespaces"], labels)
    of_space, of_pod = item["pods"]["namespaceSelector"], item["pods"]["podSelector"]
    return ends.matches(of_space, labels) and ends.matches(of_pod, pod["metadata"]["labels"])
