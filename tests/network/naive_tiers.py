"""One packet through the Admin tier, NetworkPolicies and the Baseline tier, written from network.md 3.8 on the raw
objects, beside ``naive``, which judges NetworkPolicies.

What is undefined or not known is tried both ways: orders of equal priorities (NET-86), the baseline tier of pods that
NetworkPolicies select in the other direction only (NET-85), kinds that perhaps nothing implements (NET-78), addresses
that are not known yet.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, permutations, product

from . import naive
from .naive import BLOCKED, UNKNOWN, YES, Object

ACTIONS = {"Allow": "allow", "Accept": "allow", "Deny": "deny", "Pass": "pass"}
_PORTS = {"tcp": "TCP", "udp": "UDP", "sctp": "SCTP"}


@dataclass(frozen=True)
class TierWorld(naive.World):
    """``implemented``: whether the plugin implements v1alpha1, and v1alpha2."""

    tiers: list[Object] = field(default_factory=list)
    implemented: tuple[str, str] = (YES, YES)


@dataclass(frozen=True)
class Packet:
    """One side of a packet: the pod judged and its peer."""

    subject: Object
    peer: Object | str
    direction: str
    protocol: str
    port: int
    family: str


def judge(world: TierWorld, source: Object | str, target: Object | str, protocol: str, port: int, family: str) -> str:
    """As ``naive.judge``."""
    return naive.judge(world, source, target, protocol, port, family, _side)


def _side(
    world: TierWorld, subject: Object | str, peer: Object | str, direction: str, protocol: str, port: int, family: str
) -> str:
    by_policies = naive._side(world, subject, peer, direction, protocol, port, family)
    if isinstance(subject, str) or naive._host(subject) or world.plugin.enforces == "no":
        return by_policies
    packet = Packet(subject, peer, direction, protocol, port, family)
    selecting = [policy for policy in world.policies if naive._selects(policy, subject)]
    isolated = any(naive._isolates(policy, direction) for policy in selecting)
    middle = {YES: {"allow"}, BLOCKED: {"deny"}, UNKNOWN: {"allow", "deny"}}[by_policies] if isolated else set()
    readings = (True, False) if selecting and not isolated else (True,)
    found: set[str] = set()
    for policies in _effects(world):
        for asks_baseline, admin, baseline in product(
            readings, _orders(policies, "Admin"), _orders(policies, "Baseline")
        ):
            found |= set(_outcomes(world, packet, admin, middle, baseline if asks_baseline else ()))
    return YES if found == {"allow"} else BLOCKED if found == {"deny"} else UNKNOWN


def _effects(world: TierWorld) -> Iterator[list[Object]]:
    """The policies that have effect, in every way that is possible."""
    versions = ("policy.networking.k8s.io/v1alpha1", "policy.networking.k8s.io/v1alpha2")
    ways = [{YES: (True,), "no": (False,), UNKNOWN: (True, False)}[fact] for fact in world.implemented]
    for effects in product(*ways):
        having = [version for version, effect in zip(versions, effects, strict=True) if effect]
        yield [policy for policy in world.tiers if policy["apiVersion"] in having]


def _tier_of(policy: Object) -> str:
    return policy["spec"].get("tier", "Baseline" if policy["kind"] == "BaselineAdminNetworkPolicy" else "Admin")


def _orders(policies: list[Object], tier: str) -> Iterator[tuple[Object, ...]]:
    """The policies of a tier by priority, those of one priority in every order."""

    def priority(policy: Object) -> int:
        return policy["spec"].get("priority", 0)

    inside = sorted((policy for policy in policies if _tier_of(policy) == tier), key=priority)
    groups = [tuple(permutations(group)) for _, group in groupby(inside, priority)]
    for chosen in product(*groups):
        yield tuple(policy for group in chosen for policy in group)


def _outcomes(
    world: TierWorld, packet: Packet, admin: tuple[Object, ...], middle: set[str], baseline: tuple[Object, ...]
) -> Iterator[str]:
    for first in _tier(world, packet, admin):
        if first in ("allow", "deny"):
            yield first
        elif middle:
            yield from middle
        else:
            for last in _tier(world, packet, baseline):
                yield "deny" if last == "deny" else "allow"


def _tier(world: TierWorld, packet: Packet, policies: tuple[Object, ...]) -> Iterator[str]:
    """What the first rule that matches does; every rule that perhaps matches may be it."""
    for policy in policies:
        for rule in policy["spec"].get(packet.direction, []) if _selects(world, policy, packet.subject) else ():
            matches = _rule(world, rule, packet)
            if matches is not False:
                yield ACTIONS[rule["action"]]
            if matches:
                return
    yield "none"


def _selects(world: TierWorld, policy: Object, pod: Object) -> bool:
    return _pod_peer(world, policy["spec"]["subject"], pod)


def _pod_peer(world: TierWorld, item: Object, pod: Object) -> bool:
    space = pod["metadata"]["namespace"]
    known = next((n["metadata"]["labels"] for n in world.namespaces if n["metadata"]["name"] == space), {})
    labels = {"kubernetes.io/metadata.name": space} | known
    if "namespaces" in item:
        return naive._matches(item["namespaces"], labels)
    pods = item["pods"]
    return naive._matches(pods["namespaceSelector"], labels) and naive._matches(
        pods["podSelector"], pod["metadata"]["labels"]
    )


def _rule(world: TierWorld, rule: Object, packet: Packet) -> bool | None:
    """Whether a rule matches; None where that is not known."""
    items = rule.get("ports", rule.get("protocols", []))
    peers = rule["from" if packet.direction == "ingress" else "to"]
    found = [
        _peer(world, peer, packet) if not items or any(_item(item, peer, packet) for item in items) else False
        for peer in peers
    ]
    return True if True in found else None if None in found else False


def _item(item: Object, peer: Object, packet: Packet) -> bool:
    name = item.get("namedPort", item.get("destinationNamedPort"))
    if name is not None:
        receiver = packet.subject if packet.direction == "ingress" else packet.peer
        of_pods = "namespaces" in peer or "pods" in peer
        named = not isinstance(receiver, str) and packet.port in naive._named(receiver, name, packet.protocol)
        return of_pods and named
    if "portNumber" in item:
        return (item["portNumber"]["protocol"], item["portNumber"]["port"]) == (packet.protocol, packet.port)
    if "portRange" in item:
        span = item["portRange"]
        return span["protocol"] == packet.protocol and span["start"] <= packet.port <= span["end"]
    ((word, transport),) = item.items()
    if _PORTS[word] != packet.protocol:
        return False
    at = transport.get("destinationPort")
    if at is None:
        return True
    if "number" in at:
        return at["number"] == packet.port
    return at["range"]["start"] <= packet.port <= at["range"]["end"]


def _peer(world: TierWorld, item: Object, packet: Packet) -> bool | None:
    peer = packet.peer
    if "namespaces" in item or "pods" in item:
        return not isinstance(peer, str) and not naive._host(peer) and _pod_peer(world, item, peer)
    if "networks" in item:
        return _among(world, item["networks"], packet)
    if not isinstance(peer, str) and not naive._host(peer):
        return False
    nodes = [n for n in world.nodes if naive._matches(item["nodes"], n["metadata"]["labels"])]
    return _among(world, [a["address"] for n in nodes for a in n["status"]["addresses"]], packet)


def _among(world: TierWorld, texts: list[str], packet: Packet) -> bool | None:
    """Whether the peer's address of the family lies in one of some networks; an address not known yet perhaps does."""
    networks = [ipaddress.ip_network(text, strict=False) for text in texts]
    version = 6 if packet.family == "IPv6" else 4
    if isinstance(packet.peer, str):
        return any(ipaddress.ip_address(packet.peer) in network for network in networks)
    addresses = naive._addresses(packet.peer) or naive._node_addresses(world, packet.peer)
    if addresses:
        found = [ipaddress.ip_address(address) for address in addresses]
        return any(one in network for one in found if one.version == version for network in networks)
    of_family = [network for network in networks if network.version == version]
    return any(network.prefixlen == 0 for network in of_family) or (None if of_family else False)
