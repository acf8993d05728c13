"""An evaluator of one packet between two pods or addresses, written from network.md section 3 on the raw objects.

It shares nothing with the engine: no masks, no atoms, no classes. What the API leaves undefined is evaluated twice,
once so that it lets the packet pass and once so that it does not; where both agree the verdict is certain.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

YES, UNKNOWN, BLOCKED = "yes", "unknown", "blocked"
Object = dict[str, Any]


@dataclass(frozen=True)
class Plugin:
    """What is known of the network plugin: each of ``yes``, ``no`` and ``unknown``."""

    named: bool = True
    enforces: str = YES
    pods: str = YES
    nodes: str = YES


@dataclass(frozen=True)
class World:
    plugin: Plugin
    namespaces: list[Object] = field(default_factory=list)
    nodes: list[Object] = field(default_factory=list)
    pods: list[Object] = field(default_factory=list)
    policies: list[Object] = field(default_factory=list)


def judge(
    world: World,
    source: Object | str,
    target: Object | str,
    protocol: str,
    port: int,
    family: str,
    side: Callable[..., str] | None = None,
) -> str:
    """``yes``, ``unknown`` or ``blocked``. A pod is given as its object, an outside end as an address.

    ``side`` judges one side where there are other policies beside NetworkPolicies.
    """
    if not all(_takes_part(end, family) for end in (source, target)):
        return BLOCKED
    judged = side or _side
    sides = [judged(world, source, target, "egress", protocol, port, family)]
    sides.append(judged(world, target, source, "ingress", protocol, port, family))
    state = BLOCKED if BLOCKED in sides else UNKNOWN if UNKNOWN in sides else YES
    if _exempt(world, source, target):
        return YES
    if state == BLOCKED and world.plugin.enforces == UNKNOWN:
        return UNKNOWN
    return state


def _takes_part(end: Object | str, family: str) -> bool:
    """A finished pod is no endpoint, nor one without an address of the family; an unknown address may be of any."""
    if isinstance(end, str):
        return (":" in end) == (family == "IPv6")
    if end["status"]["phase"] in ("Succeeded", "Failed"):
        return False
    addresses = _addresses(end)
    return not addresses or any((":" in address) == (family == "IPv6") for address in addresses)


def _exempt(world: World, source: Object | str, target: Object | str) -> bool:
    """A pod with itself, and a pod with its own node or a host-network pod of it (NET-44, NET-53)."""
    if not isinstance(source, str) and source is target:
        return True
    return _own_node(world, source, target) or _own_node(world, target, source)


def _own_node(world: World, node_end: Object | str, end: Object | str) -> bool:
    if isinstance(end, str):
        return False
    on = end["spec"].get("nodeName")
    if isinstance(node_end, str):
        own = [n for n in world.nodes if n["metadata"]["name"] == on]
        return any(_same(a["address"], node_end) for n in own for a in n["status"]["addresses"])
    return _host(node_end) and not _host(end) and on is not None and node_end["spec"].get("nodeName") == on


def _side(
    world: World, subject: Object | str, peer: Object | str, direction: str, protocol: str, port: int, family: str
) -> str:
    if isinstance(subject, str):
        return YES
    selecting = [p for p in world.policies if _isolates(p, direction) and _selects(p, subject)]
    if not selecting:
        return YES
    if world.plugin.enforces == "no":
        return YES
    ends = (subject, peer) if direction == "ingress" else (peer, subject)
    certain, possible = (
        any(_allows(world, policy, direction, ends, peer, protocol, port, family, hopeful) for policy in selecting)
        for hopeful in (False, True)
    )
    if _host(subject) and not certain:
        return YES if world.plugin.named else UNKNOWN
    return YES if certain else UNKNOWN if possible else BLOCKED


def _isolates(policy: Object, direction: str) -> bool:
    spec = policy["spec"]
    types = spec.get("policyTypes")
    if types:
        return direction.capitalize() in types
    return direction == "ingress" or bool(spec.get("egress"))


def _selects(policy: Object, pod: Object) -> bool:
    same = policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return same and _matches(policy["spec"].get("podSelector", {}), pod["metadata"]["labels"])


def _allows(
    world: World,
    policy: Object,
    direction: str,
    ends: tuple[Object | str, Object | str],
    peer: Object | str,
    protocol: str,
    port: int,
    family: str,
    hopeful: bool,
) -> bool:
    receiver = ends[0]
    for rule in policy["spec"].get(direction, []):
        if not _port_matches(rule.get("ports", []), receiver, protocol, port):
            continue
        peers = rule.get("from" if direction == "ingress" else "to", [])
        if not peers or any(_peer_matches(world, policy, p, rule, peer, family, hopeful) for p in peers):
            return True
    return False


def _port_matches(items: list[Object], receiver: Object | str, protocol: str, port: int) -> bool:
    """NET-21..28; a port name is looked up on the pod that receives the packet."""
    if not items:
        return True
    for item in items:
        if item.get("protocol", "TCP") != protocol:
            continue
        wanted = item.get("port")
        if wanted is None:
            return True
        if isinstance(wanted, str):
            if not isinstance(receiver, str) and port in _named(receiver, wanted, protocol):
                return True
        elif wanted <= port <= item.get("endPort", wanted):
            return True
    return False


def _named(pod: Object, name: str, protocol: str) -> list[int]:
    running = [*pod["spec"]["containers"]]
    running += [c for c in pod["spec"].get("initContainers", []) if c.get("restartPolicy") == "Always"]
    listed = [port for container in running for port in container.get("ports", [])]
    return [p["containerPort"] for p in listed if (p.get("name"), p.get("protocol", "TCP")) == (name, protocol)]


def _peer_matches(
    world: World, policy: Object, item: Object, rule: Object, peer: Object | str, family: str, hopeful: bool
) -> bool:
    if "ipBlock" in item:
        return _block_matches(world, item["ipBlock"], peer, family, hopeful)
    if isinstance(peer, str) or _host(peer):
        return False
    space = peer["metadata"]["namespace"]
    if "namespaceSelector" in item:
        labels = next((n["metadata"]["labels"] for n in world.namespaces if n["metadata"]["name"] == space), {})
        if not _matches(item["namespaceSelector"], {"kubernetes.io/metadata.name": space} | labels):
            return False
    elif space != policy["metadata"]["namespace"]:
        return False
    return _matches(item.get("podSelector", {}), peer["metadata"]["labels"])


def _block_matches(world: World, block: Object, peer: Object | str, family: str, hopeful: bool) -> bool:
    if isinstance(peer, str):
        return _within(block, peer)
    fact = world.plugin.nodes if _host(peer) else world.plugin.pods
    if fact == "no" or (fact == UNKNOWN and not hopeful):
        return False
    addresses = _addresses(peer) or _node_addresses(world, peer)
    of_family = [a for a in addresses if (":" in a) == (family == "IPv6")]
    if addresses:
        return any(_within(block, address) for address in of_family)
    # The address is not known yet: every one is inside a block of the whole family, any other block may hold it.
    network = ipaddress.ip_network(block["cidr"], strict=False)
    if (network.version == 6) != (family == "IPv6"):
        return False
    return hopeful or (network.prefixlen == 0 and not block.get("except"))


def _within(block: Object, address: str) -> bool:
    found = ipaddress.ip_address(address)
    inside = found in ipaddress.ip_network(block["cidr"], strict=False)
    return inside and not any(found in ipaddress.ip_network(e, strict=False) for e in block.get("except", []))


def _matches(selector: Object, labels: dict[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for term in selector.get("matchExpressions", []):
        key, operator, values = term["key"], term["operator"], term.get("values", [])
        holds = {
            "In": key in labels and labels[key] in values,
            "NotIn": key not in labels or labels[key] not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[operator]
        if not holds:
            return False
    return True


def _host(pod: Object) -> bool:
    return bool(pod["spec"].get("hostNetwork"))


def _addresses(pod: Object) -> list[str]:
    return [entry["ip"] for entry in pod["status"].get("podIPs", [])]


def _node_addresses(world: World, pod: Object) -> list[str]:
    if not _host(pod):
        return []
    on = [n for n in world.nodes if n["metadata"]["name"] == pod["spec"].get("nodeName")]
    return [a["address"] for n in on for a in n["status"]["addresses"]]


def _same(one: str, other: str) -> bool:
    return ipaddress.ip_address(one) == ipaddress.ip_address(other)
