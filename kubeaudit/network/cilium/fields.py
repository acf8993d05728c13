"""How the fields of Cilium policies are read: sections, peers and ports (NET-102..106, -110, -115)."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from msgspec import Struct

from kubeaudit.model.objects.cilium import (
    CiliumPolicy,
    PortProtocol,
    PortRule,
    Rule,
    Section,
    Spec,
    every_rule,
    items,
)
from kubeaudit.network.fields import InvalidFieldError
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS, Interval
from kubeaudit.network.verdicts import Action, Direction

GROUP = "cilium.io"
NAMESPACED, CLUSTERWIDE = f"ciliumnetworkpolicies.{GROUP}", f"ciliumclusterwidenetworkpolicies.{GROUP}"
CIDR_GROUPS = f"ciliumcidrgroups.{GROUP}"
ANY = "ANY"
PORTLESS = frozenset(["ICMP", "ICMPv6", "VRRP", "IGMP", "GRE", "IPIP", "IPv6", "ESP", "AH"])
"""Protocols of newer releases that have no ports."""
_SERVICE_NAME = re.compile(r"(?=[^-].{0,14}$)(?=.*[A-Za-z])(?!.*--)[A-Za-z0-9-]*[A-Za-z0-9]")
"""An IANA service name (RFC 6335), which is what the agent takes a port name for."""
PEERS = {
    Direction.INGRESS: {
        "fromEndpoints": "from_endpoints",
        "fromNodes": "from_nodes",
        "fromEntities": "from_entities",
        "fromCIDR": "from_cidr",
        "fromCIDRSet": "from_cidr_set",
        "fromGroups": "from_groups",
    },
    Direction.EGRESS: {
        "toEndpoints": "to_endpoints",
        "toNodes": "to_nodes",
        "toEntities": "to_entities",
        "toCIDR": "to_cidr",
        "toCIDRSet": "to_cidr_set",
        "toGroups": "to_groups",
        "toServices": "to_services",
        "toFQDNs": "to_fqdns",
    },
}
"""Peer fields of a rule and what they are called here."""
REQUIRES = {
    Direction.INGRESS: ("fromRequires", "from_requires"),
    Direction.EGRESS: ("toRequires", "to_requires"),
}
_EMPTY_MEANS_NOTHING = (*PEERS[Direction.INGRESS], "toEndpoints", "toNodes", "toEntities", "toCIDR", "toCIDRSet")
_SECTIONS = {
    (Direction.INGRESS, Action.ALLOW): "ingress",
    (Direction.INGRESS, Action.DENY): "ingressDeny",
    (Direction.EGRESS, Action.ALLOW): "egress",
    (Direction.EGRESS, Action.DENY): "egressDeny",
}


class Ports(Struct, frozen=True):
    """Ports of one item: intervals, a name with its protocols, and, where ``portless``, a protocol without ports.

    ``whole``: every port of the protocols, which port 0 stands for.
    """

    intervals: tuple[Interval, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    portless: bool = False
    whole: bool = False


def section(spec: Spec, direction: Direction, action: Action) -> tuple[str, Section]:
    """The name of a section and its rules."""
    name = _SECTIONS[direction, action]
    found = {
        "ingress": spec.ingress,
        "ingressDeny": spec.ingress_deny,
        "egress": spec.egress,
        "egressDeny": spec.egress_deny,
    }[name]
    return name, found


def stated(rule: Rule, direction: Direction) -> dict[str, tuple[object, ...]]:
    """The peer fields that a rule has, with their items; null counts as absent."""
    return {
        name: found
        for name, attribute in PEERS[direction].items()
        if isinstance(found := getattr(rule, attribute), tuple)
    }


def selects_nothing(rule: Rule, direction: Direction) -> bool:
    """Whether a peer field is an empty list, which selects no peer (NET-104)."""
    return any(not found and name in _EMPTY_MEANS_NOTHING for name, found in stated(rule, direction).items())


def ports_of(port: PortProtocol, ranges: bool = True) -> Ports:
    """The ports of an item; ``ranges``: whether the release reads ``endPort``.

    Raises :class:`InvalidFieldError` for what the API server or the agent refuses.
    """
    protocol = port.protocol or ANY
    if protocol in PORTLESS:
        return Ports(portless=True)
    if protocol != ANY and protocol not in PROTOCOLS:
        raise InvalidFieldError(f"protocol {protocol!r} is not TCP, UDP, SCTP or ANY")
    protocols = PROTOCOLS if protocol == ANY else (protocol,)
    if not isinstance(port.port, str):
        raise InvalidFieldError("port must be a text" if port.port is not None else "port must be specified")
    if is_name(port.port):
        return Ports(names=tuple((port.port.lower(), one) for one in protocols))
    first = number(port.port)
    last = port.end_port if ranges and port.end_port and port.end_port > first else first
    if last > LAST:
        raise InvalidFieldError(f"endPort {last} is over {LAST}")
    intervals = tuple((one, FIRST if first == 0 else first, LAST if first == 0 else last) for one in protocols)
    return Ports(intervals, whole=first == 0)


def is_name(text: str) -> bool:
    """Whether a port is a name; of a name ``endPort`` is ignored (NET-115)."""
    return _SERVICE_NAME.fullmatch(text) is not None


def number(text: str) -> int:
    """A port number, 0 for all ports; a leading zero makes it octal, as the agent reads it.

    Raises :class:`InvalidFieldError`.
    """
    try:
        found = int(text, 8 if len(text) > 1 and text.startswith("0") else 10) if text.isdecimal() else -1
    except ValueError:
        found = -1
    if not 0 <= found <= LAST:
        raise InvalidFieldError(f"port {text!r} is no port number and no port name")
    return found


def has_l7(rule: PortRule) -> bool:
    """Whether L7 rules stand with some ports; an empty list of them is one."""
    found = rule.rules
    return found is not None and any(part is not None for part in (found.http, found.kafka, found.dns, found.l7))


def condition(rule: PortRule) -> str:
    """What is asked of traffic above L4 (NET-110): requests are checked, or a proxy takes the connection."""
    proxied = rule.terminating_tls or rule.originating_tls or rule.server_names or rule.listener
    return "l7" if has_l7(rule) or proxied or (rule.rules is not None and rule.rules.l7proto) else ""


def port_cuts(policies: Iterable[CiliumPolicy]) -> Iterator[Ports]:
    """Everything that cuts the port space; what is refused cuts nothing."""
    for policy in policies:
        for rule in every_rule(policy):
            for found in items(rule.to_ports):
                for port in found.ports or ():
                    for ranges in (True, False):
                        with suppress(InvalidFieldError):
                            yield ports_of(port, ranges)
