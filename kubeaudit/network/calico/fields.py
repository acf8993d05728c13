"""How ports, protocols, networks and types of Calico's rules are read (NET-124, NET-128)."""

import ipaddress
import re

from kubeaudit.model.objects.calico import CalicoPolicy, Number, Rule
from kubeaudit.network.fields import TYPES
from kubeaudit.network.ipspace import Network
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS
from kubeaudit.network.verdicts import Direction
from kubeaudit.proof import Path

ICMP, ICMPV6 = "ICMP", "ICMPv6"
_NUMBERS = {1: ICMP, 6: "TCP", 17: "UDP", 58: ICMPV6, 132: "SCTP", 136: "UDPLite"}
_NAMES = frozenset(_NUMBERS.values())
_RANGE = re.compile(r"([0-9]+)(?::([0-9]+))?")
_PORT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")


class RefusedError(ValueError):
    """A field that Calico refuses, and where in the object it stands."""

    def __init__(self, place: Path, reason: str) -> None:
        super().__init__(reason)
        self.place = place


def protocol(place: Path, value: Number) -> str:
    """The name of a protocol, its number as text where it has none here. Raises :class:`RefusedError`."""
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if isinstance(number, int):
        if not 0 <= number <= 255:
            raise RefusedError(place, f"protocol {number} is not within 0 to 255")
        return _NUMBERS.get(number, str(number))
    if number not in _NAMES:
        raise RefusedError(place, f"protocol {number!r} is not one of {', '.join(sorted(_NAMES))} or a number")
    return number


def port(place: Path, value: Number) -> tuple[int, int] | str:
    """The first and last port of an item, or its name. Raises :class:`RefusedError`."""
    text = str(value)
    found = _RANGE.fullmatch(text)
    if found is None:
        if not _PORT_NAME.fullmatch(text):
            raise RefusedError(place, f"{text!r} is no port, range or port name")
        return text
    first, last = int(found[1]), int(found[2] or found[1])
    if not FIRST <= first <= last <= LAST:
        raise RefusedError(place, f"{text!r} is no port or range within {FIRST} to {LAST}")
    return first, last


def network(place: Path, text: str) -> Network:
    """A CIDR or single address, host bits masked off. Raises :class:`RefusedError`."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise RefusedError(place, f"{text!r} is no CIDR and no address") from error


def has_ports(name: str) -> bool:
    """Whether a protocol has ports that rules may name."""
    return name in PROTOCOLS


def rules(policy: CalicoPolicy, direction: Direction) -> tuple[Rule, ...]:
    """The rules of a direction, in force or inert."""
    return policy.spec.ingress if direction is Direction.INGRESS else policy.spec.egress


def directions(policy: CalicoPolicy) -> tuple[Direction, ...]:
    """The directions a policy applies to (NET-124)."""
    spec = policy.spec
    if spec.types:
        return tuple(direction for word, direction in TYPES.items() if word in spec.types)
    if not spec.egress:
        return (Direction.INGRESS,)
    return (Direction.INGRESS, Direction.EGRESS) if spec.ingress else (Direction.EGRESS,)
