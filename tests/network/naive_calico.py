"""An evaluator of one packet in a cluster with Calico, written from network.md 3.10 on the raw objects.

It shares nothing with the engine: selectors are turned into Python expressions, policies are walked rule by rule. What
is not known of a packet (the port of its source, an address that a pod does not have yet) is tried both ways; the
outcomes that may come of it are a set.
"""

import ipaddress
import math
import re
from dataclasses import dataclass, field
from typing import Any

from . import naive
from .naive import BLOCKED, UNKNOWN, YES

Object = dict[str, Any]
End = Object | str
ALLOW, DENY, PASS = "allow", "deny", "pass"
_TERM = re.compile(
    r"""(?P<all>all\(\))|(?P<global>global\(\))|(?P<neg>!)?has\((?P<has>[\w./-]+)\)"""
    r"""|(?P<key>[\w./-]+)\ *(?:(?P<op>==|!=|contains|starts\ with|ends\ with)\ *'(?P<value>[^']*)'"""
    r"""|(?P<among>not\ in|in)\ *\{(?P<values>[^}]*)\})""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class World:
    namespaces: list[Object] = field(default_factory=list)
    nodes: list[Object] = field(default_factory=list)
    accounts: list[Object] = field(default_factory=list)
    pods: list[Object] = field(default_factory=list)
    network_policies: list[Object] = field(default_factory=list)
    calico: list[Object] = field(default_factory=list)
    drops_to_own_node: str = "no"

    def of(self, *kinds: str) -> list[Object]:
        """Calico's objects of some kinds."""
        return [found for found in self.calico if found["kind"] in kinds]

    @property
    def objects(self) -> list[Object]:
        listed = (self.namespaces, self.nodes, self.accounts, self.pods, self.network_policies, self.calico)
        return [found for some in listed for found in some]


@dataclass(frozen=True)
class Packet:
    source: End
    target: End
    protocol: str
    port: int
    family: str


def matches(selector: str, labels: dict[str, str], prefix: str = "", everything: str = "") -> bool:
    """Whether a selector holds for labels (NET-127). ``everything`` is a label that stands for ``all()``."""

    def term(found: re.Match[str]) -> str:
        if found["all"] or found["global"]:
            holds = everything in labels if everything else True
            return str(holds if found["all"] or not everything else not holds)
        if found["has"]:
            return str((prefix + found["has"] in labels) is not bool(found["neg"]))
        value = labels.get(prefix + found["key"])
        if found["among"]:
            inside = value is not None and value in re.findall(r"'([^']*)'", found["values"])
            return str(inside if found["among"] == "in" else not inside)
        wanted = found["value"]
        tests = {
            "==": lambda: value == wanted,
            "!=": lambda: value != wanted,
            "contains": lambda: value is not None and wanted in value,
            "starts with": lambda: value is not None and value.startswith(wanted),
            "ends with": lambda: value is not None and value.endswith(wanted),
        }
        return str(tests[found["op"]]())

    python = _TERM.sub(term, selector).replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    return bool(eval(python, {"__builtins__": {}})) if python.strip() else True


def judge(world: World, packet: Packet) -> str:
    """``yes``, ``unknown`` or ``blocked``."""
    ends = (packet.source, packet.target)
    if not all(naive._takes_part(end, packet.family) for end in ends):
        return BLOCKED
    sides = [_side(world, packet, "egress"), _side(world, packet, "ingress")]
    state = BLOCKED if BLOCKED in sides else UNKNOWN if UNKNOWN in sides else YES
    if not isinstance(packet.source, str) and packet.source is packet.target:
        return YES
    plain = naive.World(naive.Plugin(), nodes=world.nodes)
    return YES if naive._own_node(plain, packet.source, packet.target) else state


def _side(world: World, packet: Packet, direction: str) -> str:
    subject = packet.source if direction == "egress" else packet.target
    if isinstance(subject, str) or naive._host(subject):
        return YES
    outcomes = _through(world, packet, direction, subject)
    if direction == "egress" and naive._own_node(
        naive.World(naive.Plugin(), nodes=world.nodes), packet.target, subject
    ):
        outcomes = {YES: {DENY}, UNKNOWN: outcomes | {DENY}}.get(world.drops_to_own_node, outcomes)
    return UNKNOWN if len(outcomes) > 1 else YES if ALLOW in outcomes else BLOCKED


def _through(world: World, packet: Packet, direction: str, subject: Object) -> set[str]:
    """The tiers in order, then profiles (NET-120..122)."""
    by_tier: dict[tuple[float, str], list[tuple[tuple[float, str], Object]]] = {}
    tiers = {"default": (1_000_000, "Deny")}
    for tier in world.of("Tier"):
        spec = tier["spec"]
        tiers[tier["metadata"]["name"]] = (spec.get("order", math.inf), spec.get("defaultAction", "Deny"))
    for policy in world.of("NetworkPolicy", "GlobalNetworkPolicy"):
        tier = policy["spec"].get("tier", "default")
        if tier in tiers and _applies(world, policy, direction, subject):
            meta, order = policy["metadata"], policy["spec"].get("order", math.inf)
            place = (order, f"{meta['name']}/{meta.get('namespace', '')}")
            by_tier.setdefault((tiers[tier][0], tier), []).append((place, policy))
    for policy in world.network_policies:
        if naive._isolates(policy, direction) and naive._selects(policy, subject):
            place = (1000, f"knp.default.{policy['metadata']['name']}")
            by_tier.setdefault((1_000_000, "default"), []).append((place, policy))
    outcomes, passed = set[str](), True
    for _, tier in sorted(by_tier):
        key = (tiers[tier][0], tier)
        ordered = [policy for _, policy in sorted(by_tier[key], key=lambda placed: placed[0])]
        found = _tier(world, packet, direction, subject, ordered, tiers[tier][1])
        outcomes |= found - {PASS}
        if PASS not in found:
            passed = False
            break
    return outcomes | _profiles(world, packet, direction, subject) if passed else outcomes


def _applies(world: World, policy: Object, direction: str, subject: Object) -> bool:
    spec, space = policy["spec"], policy["metadata"].get("namespace", "")
    if spec.get("doNotTrack") or spec.get("preDNAT"):
        return False
    types = spec.get("types")
    if not types:
        types = (
            ["Ingress"] if not spec.get("egress") else ["Egress"] if not spec.get("ingress") else ["Ingress", "Egress"]
        )
    labels = labels_of(world, subject)
    return (
        direction.capitalize() in types
        and (not space or labels["projectcalico.org/namespace"] == space)
        and matches(spec.get("selector", ""), labels)
        and matches(spec.get("namespaceSelector", ""), labels, "pcns.", "projectcalico.org/namespace")
        and matches(spec.get("serviceAccountSelector", ""), labels, "pcsa.", "projectcalico.org/serviceaccount")
    )


def labels_of(world: World, pod: Object) -> dict[str, str]:
    """The labels of a pod as Calico sees them."""
    space, account = pod["metadata"]["namespace"], pod["spec"].get("serviceAccountName", "default")
    labels = {f"pcns.{k}": v for k, v in _namespace(world, space).items()} | {"pcns.projectcalico.org/name": space}
    of_account = [
        a["metadata"].get("labels", {})
        for a in world.accounts
        if (a["metadata"]["namespace"], a["metadata"]["name"]) == (space, account)
    ]
    labels |= {f"pcsa.{k}": v for found in of_account for k, v in found.items()} | {
        "pcsa.projectcalico.org/name": account
    }
    labels |= pod["metadata"]["labels"]
    return labels | {
        "projectcalico.org/namespace": space,
        "projectcalico.org/orchestrator": "k8s",
        "projectcalico.org/serviceaccount": account,
    }


def _namespace(world: World, name: str) -> dict[str, str]:
    found = next((n["metadata"]["labels"] for n in world.namespaces if n["metadata"]["name"] == name), {})
    return {"kubernetes.io/metadata.name": name} | found


def _tier(
    world: World, packet: Packet, direction: str, subject: Object, ordered: list[Object], default: str
) -> set[str]:
    outcomes = set[str]()
    for policy in ordered:
        found, certain = _policy(world, packet, direction, policy)
        outcomes |= found
        if certain:
            return outcomes
    if default == "Pass":
        return outcomes | {PASS}
    undefined = packet.protocol == "ICMP" and all(p["apiVersion"] == "networking.k8s.io/v1" for p in ordered)  # NET-34
    return outcomes | {DENY} | ({ALLOW} if undefined else set())


def _policy(world: World, packet: Packet, direction: str, policy: Object) -> tuple[set[str], bool]:
    """What may come of a policy, and whether one of its rules matches for certain."""
    outcomes = set[str]()
    if policy["apiVersion"] == "networking.k8s.io/v1":
        subject, peer = (packet.target, packet.source) if direction == "ingress" else (packet.source, packet.target)
        plain = naive.World(naive.Plugin(), world.namespaces, world.nodes)
        ends = (subject, peer) if direction == "ingress" else (peer, subject)
        sure, perhaps = (
            naive._allows(plain, policy, direction, ends, peer, packet.protocol, packet.port, packet.family, hopeful)
            for hopeful in (False, True)
        )
        return ({ALLOW} if perhaps else set(), sure)
    for rule in policy["spec"].get(direction, []):
        found = matched(world, packet, rule, policy["metadata"].get("namespace", ""))
        if rule["action"] == "Log" or found is False:
            continue
        outcomes.add(rule["action"].lower())
        if found is True:
            return outcomes, True
    return outcomes, False


def _profiles(world: World, packet: Packet, direction: str, subject: Object) -> set[str]:
    """NET-121: the profile of the namespace allows by default, also what its rules do not match."""
    space, account = subject["metadata"]["namespace"], subject["spec"].get("serviceAccountName", "default")
    by_name = {profile["metadata"]["name"]: profile for profile in world.of("Profile")}
    if not by_name.get(f"kns.{space}", {}).get("spec", {}).get(direction):
        return {ALLOW}
    named = [by_name[name] for name in (f"kns.{space}", f"ksa.{space}.{account}") if name in by_name]
    found = _tier(world, packet, direction, subject, named, "Pass")
    return {ALLOW if outcome == PASS else outcome for outcome in found}


def _and(*found: bool | None) -> bool | None:
    if False in found:
        return False
    return None if None in found else True


def _not(found: bool | None) -> bool | None:
    return None if found is None else not found


def _any(found: list[bool | None]) -> bool | None:
    return True if True in found else None if None in found else False


def matched(world: World, packet: Packet, rule: Object, space: str) -> bool | None:
    """Whether a rule matches a packet; None where that is not known (NET-128)."""
    version = {"IPv4": 4, "IPv6": 6}[packet.family]
    if rule.get("ipVersion") not in (None, version):
        return False
    mine = {packet.protocol, {"IPv4": "ICMP", "IPv6": "ICMPv6"}[packet.family] if packet.protocol == "ICMP" else ""}
    mine -= {"ICMP"} if packet.protocol == "ICMP" and version == 6 else set()
    if "protocol" in rule and rule["protocol"] not in mine:
        return False
    if "notProtocol" in rule and rule["notProtocol"] in mine:
        return False
    source, target = rule.get("source", {}), rule.get("destination", {})
    asked = [
        _end(world, packet.source, packet.family, source, space),
        _end(world, packet.target, packet.family, target, space),
    ]
    if source.get("ports") or source.get("notPorts"):
        asked.append(None)
    if "icmp" in rule:
        asked.append(None)
    if target.get("ports"):
        asked.append(any(_on_port(packet, item) for item in target["ports"]))
    if target.get("notPorts"):
        asked.append(not any(_on_port(packet, item) for item in target["notPorts"]))
    return _and(*asked)


def _on_port(packet: Packet, item: int | str) -> bool:
    text = str(item)
    if re.fullmatch(r"\d+(:\d+)?", text):
        first, _, last = text.partition(":")
        return int(first) <= packet.port <= int(last or first)
    target = packet.target
    return not isinstance(target, str) and packet.port in naive._named(target, text, packet.protocol)


def _end(world: World, end: End, family: str, rule: Object, space: str) -> bool | None:
    """Whether one end of a packet is one that an end of a rule names."""
    accounts = rule.get("serviceAccounts", {})
    selects = bool(
        rule.get("selector") or rule.get("namespaceSelector") or accounts.get("names") or accounts.get("selector")
    )
    asked: list[bool | None] = []
    if selects or (space and rule.get("notSelector")):
        asked.append(_selected(world, end, family, lambda labels: _chosen(rule, accounts, labels, space)))
    if rule.get("notSelector"):
        asked.append(_not(_selected(world, end, family, lambda labels: matches(rule["notSelector"], labels))))
    if rule.get("nets"):
        asked.append(_any([_inside(world, end, family, net) for net in rule["nets"]]))
    if rule.get("notNets"):
        asked.append(_not(_any([_inside(world, end, family, net) for net in rule["notNets"]])))
    return _and(*asked)


def _chosen(rule: Object, accounts: Object, labels: dict[str, str], space: str) -> bool:
    if rule.get("namespaceSelector"):
        if not matches(rule["namespaceSelector"], labels, "pcns.", "projectcalico.org/namespace"):
            return False
    elif space and labels.get("projectcalico.org/namespace") != space:
        return False
    named = not accounts.get("names") or labels.get("projectcalico.org/serviceaccount") in accounts["names"]
    return (
        named and matches(accounts.get("selector", ""), labels, "pcsa.") and matches(rule.get("selector", ""), labels)
    )


def _selected(world: World, end: End, family: str, chosen: Any) -> bool | None:
    """Selectors stand for addresses: of pods that match, and those in matching sets and host endpoints."""
    found: list[bool | None] = [False]
    if not isinstance(end, str) and not naive._host(end):
        found.append(chosen(labels_of(world, end)))
    for one in world.of("NetworkSet", "GlobalNetworkSet", "HostEndpoint"):
        meta, labels = one["metadata"], dict(one["metadata"].get("labels", {}))
        if one["kind"] == "NetworkSet":
            space = meta["namespace"]
            inherited = {f"pcns.{k}": v for k, v in _namespace(world, space).items()}
            labels = (
                inherited | {"pcns.projectcalico.org/name": space} | labels | {"projectcalico.org/namespace": space}
            )
        if chosen(labels):
            nets = one["spec"].get("nets", []) + one["spec"].get("expectedIPs", [])
            found.append(_any([False, *(_inside(world, end, family, net) for net in nets)]))
    return _any(found)


def _inside(world: World, end: End, family: str, net: str) -> bool | None:
    network = ipaddress.ip_network(net, strict=False)
    plain = naive.World(naive.Plugin(), nodes=world.nodes)
    addresses = [end] if isinstance(end, str) else naive._addresses(end) or naive._node_addresses(plain, end)
    if not addresses:
        if (network.version == 6) != (family == "IPv6"):
            return False
        return True if network.prefixlen == 0 else None
    of_family = [a for a in addresses if (":" in a) == (family == "IPv6")]
    return any(ipaddress.ip_address(a) in network for a in of_family)
