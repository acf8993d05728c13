"""How the fields of the policies of the Admin and Baseline tiers are read (NET-87..99)."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from kubeaudit.model.objects.admin import (
    AdminEgressRule,
    AdminIngressRule,
    AdminPort,
    PodPeer,
    Protocol,
    Rule,
    TierPolicy,
)
from kubeaudit.network.fields import InvalidFieldError
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS, Interval
from kubeaudit.network.verdicts import Direction

LONGEST_NAME = 100
"""How many characters the name of a rule may have."""
LONGEST_NETWORK = 43
"""How many characters a CIDR of ``networks`` may have."""
_LABEL = r"[A-z0-9](?:[-A-Za-z0-9_]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:\*\.)?(?:{_LABEL}\.)+{_LABEL}\.?", re.ASCII)
"""As the schema has it, where what a label begins with runs from ``A`` to ``z``, ``_`` included."""


def rules(policy: TierPolicy, direction: Direction) -> tuple[Rule, ...]:
    """The rules of a direction."""
    return policy.spec.ingress if direction is Direction.INGRESS else policy.spec.egress


def port_items(rule: Rule) -> tuple[str, tuple[AdminPort | Protocol, ...] | None]:
    """What narrows the traffic of a rule: field and items; None, without the field, is all traffic (NET-91, NET-92)."""
    if isinstance(rule, AdminIngressRule | AdminEgressRule):
        return "ports", rule.ports
    return "protocols", rule.protocols


def port_names(policies: Iterable[TierPolicy]) -> Iterator[str]:
    """Every port name of the rules."""
    for item in _items(policies):
        name = item.named_port if isinstance(item, AdminPort) else item.destination_named_port
        if name is not None:
            yield name


def intervals(policies: Iterable[TierPolicy]) -> Iterator[Interval]:
    """Every port interval of the rules whose edges cut the port space."""
    for item in _items(policies):
        with suppress(InvalidFieldError):
            found = port(item)
            if not isinstance(found, str):
                yield found


def port(item: AdminPort | Protocol) -> Interval | str:
    """The ports of an item, or its port name. Raises :class:`InvalidFieldError`."""
    return _admin_port(item) if isinstance(item, AdminPort) else _protocol(item)


def is_bare(item: AdminPort | Protocol) -> bool:
    """Whether an item names a protocol and nothing of it; the schema wants more, the meaning is every port (NET-92)."""
    transports = (item.tcp, item.udp, item.sctp) if isinstance(item, Protocol) else ()
    return any(found is not None and found.destination_port is None for found in transports)


def is_domain_name(text: str) -> bool:
    """Whether a text may stand in ``domainNames``; of wildcards only a leading ``*.`` (NET-89)."""
    return _DOMAIN.fullmatch(text) is not None


def fields_of(peer: PodPeer) -> tuple[str, ...]:
    """The known fields that a peer or subject sets; of one that the API server accepted, exactly one."""
    return tuple(name for name in type(peer).__struct_encode_fields__ if _value(peer, name) is not None)


def _value(peer: PodPeer, name: str) -> object:
    return getattr(peer, "domain_names" if name == "domainNames" else name)


def _items(policies: Iterable[TierPolicy]) -> Iterator[AdminPort | Protocol]:
    for policy in policies:
        for direction in Direction:
            for rule in rules(policy, direction):
                yield from port_items(rule)[1] or ()


def _admin_port(item: AdminPort) -> Interval | str:
    number, name, span = item.port_number, item.named_port, item.port_range
    if sum(part is not None for part in (number, name, span)) != 1:
        raise InvalidFieldError("an item needs exactly one of portNumber, namedPort and portRange")
    if number is not None:
        return _interval(number.protocol, number.port, number.port)
    if span is not None:
        return _interval(span.protocol, span.start, span.end)
    return name or ""


def _protocol(item: Protocol) -> Interval | str:
    name = item.destination_named_port
    transports = {"TCP": item.tcp, "UDP": item.udp, "SCTP": item.sctp}
    given = {word: found for word, found in transports.items() if found is not None}
    if len(given) + (name is not None) != 1:
        raise InvalidFieldError("an item needs exactly one of tcp, udp, sctp and destinationNamedPort")
    for word, found in given.items():
        at = found.destination_port
        if at is None:
            return word, FIRST, LAST
        if (at.number is None) == (at.range is None):
            raise InvalidFieldError("destinationPort needs exactly one of number and range")
        if at.range is None:
            return _interval(word, at.number, at.number)
        if at.range.start is not None and at.range.start == at.range.end:
            raise InvalidFieldError("the start of a range must be less than its end")
        return _interval(word, at.range.start, at.range.end)
    return name or ""


def _interval(protocol: str, first: int | None, last: int | None) -> Interval:
    if protocol not in PROTOCOLS:
        raise InvalidFieldError(f"protocol {protocol!r} is not TCP, UDP or SCTP")
    if first is None or last is None:
        raise InvalidFieldError("the port number is missing")
    if not FIRST <= first <= last <= LAST:
        raise InvalidFieldError(f"ports {first} to {last} are no interval within {FIRST} to {LAST}")
    return protocol, first, last
