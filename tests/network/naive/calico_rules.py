"""Whether a rule of Calico matches a packet (NET-127, NET-128). Selectors are turned into Python expressions."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from . import ends
from .world import CALICO, End, Object, Packet, World, all_of, any_of, opposite

_TERM = re.compile(
    r"""(?P<all>all\(\))|(?P<global>global\(\))|(?P<neg>!)?has\((?P<has>[\w./-]+)\)"""
    r"""|(?P<key>[\w./-]+)\ *(?:(?P<op>==|!=|contains|starts\ with|ends\ with)\ *'(?P<value>[^']*)'"""
    r"""|(?P<among>not\ in|in)\ *\{(?P<values>[^}]*)\})""",
    re.VERBOSE,
)
_TESTS: dict[str, Callable[[str | None, str], bool]] = {
    "==": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "contains": lambda value, wanted: value is not None and wanted in value,
    "starts with": lambda value, wanted: value is not None and value.startswith(wanted),
    "ends with": lambda value, wanted: value is not None and value.endswith(wanted),
}
SPACE, ACCOUNT = "projectcalico.org/namespace", "projectcalico.org/serviceaccount"
OF_SPACE, OF_ACCOUNT = "pcns.", "pcsa."


def matches(selector: str, labels: dict[str, str], prefix: str = "", everything: str = "") -> bool:
    """Whether a selector holds for labels. ``everything`` is a label that stands for ``all()``."""

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
        return str(_TESTS[found["op"]](value, found["value"]))

    python = _TERM.sub(term, selector).replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    return bool(eval(python, {"__builtins__": {}})) if python.strip() else True


def selects(spec: Object, labels: dict[str, str]) -> bool:
    """Whether the selectors of a policy select a pod."""
    return (
        matches(spec.get("selector", ""), labels)
        and matches(spec.get("namespaceSelector", ""), labels, OF_SPACE, SPACE)
        and matches(spec.get("serviceAccountSelector", ""), labels, OF_ACCOUNT, ACCOUNT)
    )


def labels_of(world: World, pod: Object) -> dict[str, str]:
    """The labels of a pod as Calico sees them."""
    space, account = ends.space_of(pod), ends.account_of(pod)
    of_account: dict[str, str] = {}
    for found in world.accounts:
        if (found["metadata"]["namespace"], found["metadata"]["name"]) == (space, account):
            of_account = found["metadata"].get("labels", {})
    return {
        **_of_namespace(world, space),
        **{OF_ACCOUNT + key: value for key, value in of_account.items()},
        OF_ACCOUNT + "projectcalico.org/name": account,
        **pod["metadata"]["labels"],
        SPACE: space,
        "projectcalico.org/orchestrator": "k8s",
        ACCOUNT: account,
    }


def _of_namespace(world: World, name: str) -> dict[str, str]:
    labels = ends.namespace_labels(world, name)
    return {OF_SPACE + key: value for key, value in labels.items()} | {OF_SPACE + "projectcalico.org/name": name}


def matched(world: World, packet: Packet, rule: Object, space: str) -> bool | None:
    """Whether a rule of a policy in a namespace ("" = of a global one) matches a packet.

    The port of the source, the type of an ICMP message and what is in an HTTP request are not known.
    """
    if not _family_and_protocol(packet, rule):
        return False
    source, target = rule.get("source", {}), rule.get("destination", {})
    asked = [
        _end(world, packet.source, packet.family, source, space),
        _end(world, packet.target, packet.family, target, space),
    ]
    if source.get("ports") or source.get("notPorts") or "icmp" in rule:
        asked.append(None)
    if "http" in rule and rule["action"] != "Allow":
        asked.append(None)
    if target.get("ports"):
        asked.append(any(_on_port(packet, item) for item in target["ports"]))
    if target.get("notPorts"):
        asked.append(not any(_on_port(packet, item) for item in target["notPorts"]))
    return all_of(asked)


def _family_and_protocol(packet: Packet, rule: Object) -> bool:
    """ICMP goes by another name in each family."""
    if rule.get("ipVersion") not in (None, {"IPv4": 4, "IPv6": 6}[packet.family]):
        return False
    protocol = "ICMPv6" if (packet.protocol, packet.family) == ("ICMP", "IPv6") else packet.protocol
    return rule.get("protocol", protocol) == protocol != rule.get("notProtocol")


def _on_port(packet: Packet, item: int | str) -> bool:
    text = str(item)
    if re.fullmatch(r"\d+(:\d+)?", text):
        first, _, last = text.partition(":")
        return int(first) <= packet.port <= int(last or first)
    return packet.port in ends.named(packet.target, text, packet.protocol)


def _end(world: World, end: End, family: str, rule: Object, space: str) -> bool | None:
    """Whether one end of a packet is one that an end of a rule names."""
    accounts = rule.get("serviceAccounts", {})
    by_label = any(rule.get(key) for key in ("selector", "namespaceSelector")) or any(accounts.values())
    asked: list[bool | None] = []
    if by_label or (space and rule.get("notSelector")):
        asked.append(_selected(world, end, family, lambda labels: _chosen(rule, accounts, labels, space)))
    if rule.get("notSelector"):
        found = _selected(world, end, family, lambda labels: matches(rule["notSelector"], labels))
        asked.append(opposite(found))
    if rule.get("nets"):
        asked.append(ends.among(world, end, family, rule["nets"]))
    if rule.get("notNets"):
        asked.append(opposite(ends.among(world, end, family, rule["notNets"])))
    return all_of(asked)


def _chosen(rule: Object, accounts: Object, labels: dict[str, str], space: str) -> bool:
    """A policy of a namespace means ends of that namespace, unless it names others."""
    if rule.get("namespaceSelector"):
        if not matches(rule["namespaceSelector"], labels, OF_SPACE, SPACE):
            return False
    elif space and labels.get(SPACE) != space:
        return False
    named = not accounts.get("names") or labels.get(ACCOUNT) in accounts["names"]
    of_account = matches(accounts.get("selector", ""), labels, OF_ACCOUNT)
    return named and of_account and matches(rule.get("selector", ""), labels)


def _selected(world: World, end: End, family: str, chosen: Callable[[dict[str, str]], bool]) -> bool | None:
    """Selectors stand for addresses: of pods that match, and those in matching sets and host endpoints."""
    if ends.is_pod(end) and not isinstance(end, str) and chosen(labels_of(world, end)):
        return True
    return any_of(
        ends.within(world, end, family, net) for labels, nets in _sets(world) if chosen(labels) for net in nets
    )


def _sets(world: World) -> Iterator[tuple[dict[str, str], list[Any]]]:
    """Everything that has labels and addresses beside pods."""
    for one in world.of(CALICO, "NetworkSet", "GlobalNetworkSet", "HostEndpoint"):
        meta, labels = one["metadata"], dict(one["metadata"].get("labels", {}))
        if one["kind"] == "NetworkSet":
            space = meta["namespace"]
            labels = _of_namespace(world, space) | labels | {SPACE: space}
        yield labels, one["spec"].get("nets", []) + one["spec"].get("expectedIPs", [])
