"""How the fields of a NetworkPolicy v1 are read (NET-01..37)."""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from kubeaudit.model.objects.networking import EgressRule, IngressRule, NetworkPolicy, PolicyPort
from kubeaudit.network.ipspace import Network
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS, Interval
from kubeaudit.network.verdicts import Direction
from kubeaudit.refs import ObjectRef

GROUP = "networking.k8s.io"
RESOURCE = f"networkpolicies.{GROUP}"
PEERS = {Direction.INGRESS: "from", Direction.EGRESS: "to"}
TYPES = {"Ingress": Direction.INGRESS, "Egress": Direction.EGRESS}
_IPV4_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_CIDR = re.compile(r"([0-9A-Fa-f:.]+)/(?:0|[1-9][0-9]{0,2})")
"""Neither zones of addresses nor masks or leading zeros in place of the prefix length."""
_NUMBER = re.compile(r"[0-9]+")
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
Rule = IngressRule | EgressRule


class InvalidFieldError(ValueError):
    """A field the API server refuses; in files it allows nothing and is reported."""


def ref_of(policy: NetworkPolicy) -> ObjectRef:
    """The policy as an object."""
    return ObjectRef("NetworkPolicy", policy.metadata.namespace, policy.metadata.name, GROUP)


def directions(policy: NetworkPolicy) -> tuple[Direction, ...]:
    """The directions a policy isolates in (NET-03, NET-04)."""
    spec = policy.spec
    if spec.policy_types:
        return tuple(direction for word, direction in TYPES.items() if word in spec.policy_types)
    return (Direction.INGRESS, Direction.EGRESS) if spec.egress else (Direction.INGRESS,)


def rules(policy: NetworkPolicy, direction: Direction) -> tuple[Rule, ...]:
    """The rules of a direction, in force or inert."""
    return policy.spec.ingress if direction is Direction.INGRESS else policy.spec.egress


def port_names(policies: Iterable[NetworkPolicy]) -> frozenset[str]:
    """Port names that some rule uses."""
    return frozenset(p.port for p in _ports(policies) if isinstance(p.port, str) and _PORT_NAME.fullmatch(p.port))


def intervals(policies: Iterable[NetworkPolicy]) -> Iterator[Interval]:
    """Every port interval of the rules whose edges cut the port space."""
    for port in _ports(policies):
        with suppress(InvalidFieldError):
            found = interval(port)
            if found is not None:
                yield found


def interval(port: PolicyPort) -> Interval | None:
    """The ports of an item; None for a port name. Raises :class:`InvalidFieldError` (NET-07, -22, -24, -32)."""
    if port.protocol not in PROTOCOLS:
        raise InvalidFieldError(f"protocol {port.protocol!r} is not TCP, UDP or SCTP")
    number = int(port.port) if isinstance(port.port, str) and _NUMBER.fullmatch(port.port) else port.port
    if port.end_port is not None and not isinstance(number, int):
        raise InvalidFieldError("endPort needs a numeric port")
    if number is None:
        return port.protocol, FIRST, LAST
    if isinstance(number, str):
        if not _PORT_NAME.fullmatch(number):
            raise InvalidFieldError(f"{number!r} is no port name: 1 to 15 of a-z, 0-9 and single inner -, and a letter")
        return None
    last = number if port.end_port is None else port.end_port
    if not FIRST <= number <= last <= LAST:
        raise InvalidFieldError(f"ports {number} to {last} are no interval within {FIRST} to {LAST}")
    return port.protocol, number, last


def networks(texts: Iterable[str]) -> dict[str, Network]:
    """Every CIDR that can be read, by its text."""
    found: dict[str, Network] = {}
    for text in texts:
        with suppress(InvalidFieldError):
            found[text] = network(text)
    return found


def _ports(policies: Iterable[NetworkPolicy]) -> Iterator[PolicyPort]:
    for policy in policies:
        for direction in Direction:
            for rule in rules(policy, direction):
                yield from rule.ports


def network(text: str) -> Network:
    """A CIDR with its host bits masked off (NET-36). Raises :class:`InvalidFieldError`."""
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise InvalidFieldError(f"{text!r} is no CIDR") from error
    if "/" not in text:
        raise InvalidFieldError(f"{text!r} has no prefix length")
    if not _CIDR.fullmatch(text):
        raise InvalidFieldError(
            f"{text!r} is no CIDR: expected an address, / and a prefix length without leading zeros"
        )
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(_IPV4_MAPPED):
        raise InvalidFieldError(f"{text!r} is an IPv4-mapped IPv6 block; plugins read it in different ways")
    return found


def has_host_bits(text: str, read: Network) -> bool:
    """Whether the address of a CIDR is not the first one of the network it was read as (NET-36)."""
    return str(read) != text and ipaddress.ip_address(text.partition("/")[0]) != read.network_address
