"""An evaluator of one packet under Cilium, written from network.md section 3.9 on the raw objects.

It shares nothing with the engine: a pod, a node or an address is compared with each rule by itself. A comparison has
three answers, and what is not certain stays so unless the other answers settle it.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from . import naive
from .naive import BLOCKED, UNKNOWN, YES

Object = dict[str, Any]
NO, MAYBE, SURE = 0, 1, 2
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
METADATA = ("100.100.100.200", "fd00:ec2::254")


@dataclass(frozen=True)
class CiliumWorld:
    """Objects of a cluster, and the switches of its agent: both ``yes`` or ``no``."""

    namespaces: list[Object] = field(default_factory=list)
    nodes: list[Object] = field(default_factory=list)
    pods: list[Object] = field(default_factory=list)
    networkpolicies: list[Object] = field(default_factory=list)
    policies: list[Object] = field(default_factory=list)
    groups: list[Object] = field(default_factory=list)
    api_server: tuple[str, ...] = ()
    own_node_exempt: bool = True
    nodes_by_cidr: bool = False

    def plain(self) -> naive.World:
        """The world as NetworkPolicy sees it (NET-38, NET-39)."""
        plugin = naive.Plugin(pods="no", nodes="yes" if self.nodes_by_cidr else "no")
        return naive.World(plugin, self.namespaces, self.nodes, self.pods, self.networkpolicies)


def judge(world: CiliumWorld, source: Object | str, target: Object | str, protocol: str, port: int, family: str) -> str:
    """``yes``, ``unknown`` or ``blocked``. A pod is given as its object, an outside end as an address."""
    if not all(naive._takes_part(end, family) for end in (source, target)):
        return BLOCKED
    sides = (
        _side(world, source, target, "egress", protocol, port, family),
        _side(world, target, source, "ingress", protocol, port, family),
    )
    exempt = world.own_node_exempt and naive._own_node(world.plain(), source, target)
    if exempt or (not isinstance(source, str) and source is target):
        return YES
    return (BLOCKED, UNKNOWN, YES)[min(sides)]


def _side(
    world: CiliumWorld, subject: Object | str, peer: Object | str, direction: str, protocol: str, port: int, family: str
) -> int:
    """NET-101: what is denied, then what is allowed, then whether anything isolates."""
    if isinstance(subject, str) or naive._host(subject):
        return SURE
    receiver = subject if direction == "ingress" else peer
    denied, allowed, isolated = NO, NO, False
    for policy in world.policies:
        spec = policy["spec"]
        if not _selects(world, policy, subject):
            continue
        sections = [spec.get(direction), spec.get(direction + "Deny")]
        wanted = (spec.get("enableDefaultDeny") or {}).get(direction)
        isolated |= any(sections) and wanted is not False
        if direction in spec and spec[direction] is None:
            isolated |= wanted is not False
            allowed = max(allowed, MAYBE)
        for rules, deny in zip(sections, (False, True), strict=True):
            for rule in rules or ():
                at = _ports(rule, deny, receiver, peer, protocol, port, family)
                hit = min(at, _peers(world, policy, rule, direction, subject, peer, family))
                denied, allowed = (max(denied, hit), allowed) if deny else (denied, max(allowed, hit))
    plain = world.plain()
    for policy in world.networkpolicies:
        if naive._isolates(policy, direction) and naive._selects(policy, subject):
            isolated = True
            ends = (subject, peer) if direction == "ingress" else (peer, subject)
            if naive._allows(plain, policy, direction, ends, peer, protocol, port, family, False):
                allowed = SURE
            elif naive._allows(plain, policy, direction, ends, peer, protocol, port, family, True):
                allowed = max(allowed, MAYBE)
    open_side = allowed if isolated else SURE
    return min(open_side, SURE - denied)


def _selects(world: CiliumWorld, policy: Object, pod: Object) -> bool:
    """NET-107: a namespaced policy selects in its own namespace."""
    space = policy["metadata"].get("namespace")
    return (space is None or space == pod["metadata"]["namespace"]) and _matches(
        policy["spec"]["endpointSelector"], _labels(world, pod)
    )


def _labels(world: CiliumWorld, pod: Object) -> dict[str, str]:
    space = pod["metadata"]["namespace"]
    given = next((n["metadata"]["labels"] for n in world.namespaces if n["metadata"]["name"] == space), {})
    of_space = {"kubernetes.io/metadata.name": space} | given
    return pod["metadata"]["labels"] | {
        "io.kubernetes.pod.namespace": space,
        "io.cilium.k8s.policy.serviceaccount": pod["spec"].get("serviceAccountName", "default"),
        **{f"io.cilium.k8s.namespace.labels.{key}": value for key, value in of_space.items()},
    }


def _matches(selector: Object, labels: dict[str, str]) -> bool:
    keyed = {key.removeprefix("k8s:").removeprefix("any:"): v for key, v in selector.get("matchLabels", {}).items()}
    terms = [
        term | {"key": term["key"].removeprefix("k8s:").removeprefix("any:")}
        for term in selector.get("matchExpressions", [])
    ]
    return naive._matches({"matchLabels": keyed, "matchExpressions": terms}, labels)


def _ports(
    rule: Object, deny: bool, receiver: Object | str, peer: Object | str, protocol: str, port: int, family: str
) -> int:
    """NET-106, NET-110, NET-115; ICMP passes without ports, or by its type (NET-34)."""
    if rule.get("icmps"):
        families = {f.get("family", "IPv4") for icmp in rule["icmps"] for f in icmp["fields"]}
        return (MAYBE if deny else SURE) if protocol == "ICMP" and family in families else NO
    if not rule.get("toPorts"):
        return SURE
    found = NO
    for item in (item for part in rule["toPorts"] for item in part["ports"]):
        wanted = item.get("protocol", "ANY")
        if protocol == "ICMP":
            found = max(found, MAYBE if item["port"] == "0" and wanted == "ANY" else NO)
        elif wanted in (protocol, "ANY"):
            found = max(found, SURE if _port(item, receiver, protocol, port) else NO)
    return found


def _port(item: Object, receiver: Object | str, protocol: str, port: int) -> bool:
    text = item["port"]
    if not text.isdecimal():
        return not isinstance(receiver, str) and port in naive._named(receiver, text.lower(), protocol)
    first = int(text)
    return first == 0 or first <= port <= max(first, item.get("endPort", first))


def _peers(
    world: CiliumWorld, policy: Object, rule: Object, direction: str, subject: Object, peer: Object | str, family: str
) -> int:
    prefix = "from" if direction == "ingress" else "to"
    given = {key: listed for key, listed in rule.items() if key.startswith(prefix) and key != "toPorts"}
    if any(listed == [] for listed in given.values()):
        return MAYBE if given.keys() == {"toFQDNs"} else NO
    if not given:
        return SURE if rule.get("toPorts") or rule.get("icmps") else MAYBE
    if {"host", "remote-node"} <= set(given.get(f"{prefix}Entities", ())) and _on(world, peer) is not None:
        return SURE  # every node is one or the other, also where the pod's own is not known
    return max(
        _peer(world, policy, key.removeprefix(prefix), one, subject, peer, family)
        for key, listed in given.items()
        for one in listed
    )


def _peer(
    world: CiliumWorld, policy: Object, sort: str, one: Any, subject: Object, peer: Object | str, family: str
) -> int:
    if sort == "Endpoints":
        return _sure(_endpoint(world, policy, one, peer))
    if sort == "Entities":
        return _entity(world, one, subject, peer, family)
    if sort == "FQDNs":
        return MAYBE if isinstance(peer, str) and not _is_node(world, peer) else NO
    blocks = [one] if isinstance(one, dict) else [{"cidr": one}]
    if isinstance(one, dict) and "cidrGroupRef" in one:
        held = [g for g in world.groups if g["metadata"]["name"] == one["cidrGroupRef"]]
        blocks = [{**one, "cidr": cidr} for group in held for cidr in group["spec"]["externalCIDRs"]]
    return max((_block(world, block, peer, family) for block in blocks), default=NO)


def _endpoint(world: CiliumWorld, policy: Object, selector: Object, peer: Object | str) -> bool:
    """NET-105: pods, of the policy's own namespace unless the selector names one; a clusterwide policy means all."""
    if isinstance(peer, str) or naive._host(peer):
        return False
    keys = {*selector.get("matchLabels", {}), *(t["key"] for t in selector.get("matchExpressions", []))}
    space = policy["metadata"].get("namespace")
    named = any(key.endswith("io.kubernetes.pod.namespace") for key in keys)
    if space is not None and not named and peer["metadata"]["namespace"] != space:
        return False
    return _matches(selector, _labels(world, peer))


def _entity(world: CiliumWorld, entity: str, subject: Object, peer: Object | str, family: str) -> int:
    """NET-108."""
    if entity == "all":
        return SURE
    if entity == "cluster":
        parts = ("host", "remote-node", "kube-apiserver", "health")
        if _on(world, peer) is not None:
            return SURE
        return _sure(not isinstance(peer, str)) or max(_entity(world, e, subject, peer, family) for e in parts)
    if entity in ("host", "remote-node"):
        at, own = _on(world, peer), subject["spec"].get("nodeName")
        if at is None:
            return NO
        return MAYBE if not own else _sure((at == own) == (entity == "host"))
    if entity == "kube-apiserver":
        return _sure(_is_api_server(world, peer, family))
    if not isinstance(peer, str) or _is_node(world, peer):
        return NO
    if entity.startswith("world"):
        return _sure(entity in ("world", "world-" + family.lower()))
    inside = any(ipaddress.ip_address(peer) in ipaddress.ip_network(block) for block in PRIVATE)
    return MAYBE if entity in ("health", "ingress") and inside and peer not in METADATA else NO


def _on(world: CiliumWorld, peer: Object | str) -> str | None:
    """The node that a peer counts as: an address of a node, or a host-network pod there."""
    if not isinstance(peer, str):
        return str(peer["spec"]["nodeName"]) if naive._host(peer) else None
    return next((name for name, address in _addresses(world) if naive._same(address, peer)), None)


def _is_node(world: CiliumWorld, peer: str) -> bool:
    return _on(world, peer) is not None


def _addresses(world: CiliumWorld) -> Iterable[tuple[str, str]]:
    return [(n["metadata"]["name"], a["address"]) for n in world.nodes for a in n["status"]["addresses"]]


def _is_api_server(world: CiliumWorld, peer: Object | str, family: str) -> bool:
    if isinstance(peer, str):
        return any(naive._same(peer, address) for address in world.api_server)
    at = _on(world, peer)
    served = {name for name, own in _addresses(world) for a in world.api_server if naive._same(a, own)
              and (":" in a) == (family == "IPv6")}  # fmt: skip
    return at in served


def _block(world: CiliumWorld, block: Object, peer: Object | str, family: str) -> int:
    """NET-109: addresses outside the cluster, and nodes only by the switch."""
    if isinstance(peer, str):
        return _sure(naive._within(block, peer) and (world.nodes_by_cidr or not _is_node(world, peer)))
    if not naive._host(peer) or not world.nodes_by_cidr:
        return NO
    hopeful, sure = (naive._block_matches(world.plain(), block, peer, family, h) for h in (True, False))
    return SURE if sure else MAYBE if hopeful else NO


def _sure(found: bool) -> int:
    return SURE if found else NO
