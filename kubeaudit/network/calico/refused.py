"""What Calico refuses of a rule as a whole (its validator, ``libcalico-go/lib/validator/v3``)."""

from kubeaudit.model.objects.calico import EntityRule, Rule
from kubeaudit.network.calico.fields import ICMP, ICMPV6, RefusedError, has_ports, network, port, protocol
from kubeaudit.network.ports import PROTOCOLS
from kubeaudit.network.verdicts import Direction
from kubeaudit.proof import Path

_ICMP = (ICMP, ICMPV6, 1, 58)


def check(path: Path, direction: Direction, rule: Rule, namespace: str) -> None:
    """Raises :class:`RefusedError` for parts of a rule that may not stand together.

    ``namespace`` is that of the policy, "" for a global one.
    """
    if rule.http is not None and direction is Direction.EGRESS:
        raise RefusedError((*path, "http"), "http stands in an egress rule")
    for field, fields in (("icmp", rule.icmp), ("notICMP", rule.not_icmp)):
        if fields is not None and rule.protocol not in _ICMP:
            raise RefusedError((*path, field), f"{field} needs protocol ICMP or ICMPv6")
    near = "destination" if direction is Direction.INGRESS else "source"
    for name, end in (("source", rule.source), ("destination", rule.destination)):
        if end.services is None:
            continue
        place = (*path, name, "services")
        if name == near:
            raise RefusedError(place, f"services stand at the {name} of a rule for {direction}")
        if end.selector or end.not_selector or end.nets or end.not_nets or end.ports or end.not_ports:
            raise RefusedError(place, "services stand together with selectors, networks or ports")
        if not namespace and not end.services.namespace:
            raise RefusedError((*place, "namespace"), "a rule of a global policy names a Service without its namespace")
    _one_family(path, rule)


def _one_family(path: Path, rule: Rule) -> None:
    """Networks of a rule are of one family, and of that of its ipVersion."""
    version = rule.ip_version
    for name, end in (("source", rule.source), ("destination", rule.destination)):
        for field, texts in (("nets", end.nets), ("notNets", end.not_nets)):
            for number, text in enumerate(texts):
                place = (*path, name, field, number)
                found = network(place, text).version
                if version not in (None, found):
                    raise RefusedError(place, f"{text} is not of the family of the rule's ipVersion and other networks")
                version = found


def protocols_of_ports(path: Path, rule: Rule) -> tuple[str, ...]:
    """The protocols that the ports of a rule are about: its own, or all of them where it only names ports.

    Raises :class:`RefusedError` where its protocol has no ports, or it has none and there are numbers.
    """
    place = (*path, "protocol")
    if rule.protocol is not None:
        name = protocol(place, rule.protocol)
        if has_ports(name):
            return (name,)
        raise RefusedError(place, f"a rule with ports has protocol {name}, which has no ports")
    if all(
        _names_only((*path, name), end) for name, end in (("source", rule.source), ("destination", rule.destination))
    ):
        return PROTOCOLS
    raise RefusedError(place, "a rule with port numbers needs protocol TCP, UDP or SCTP")


def _names_only(place: Path, end: EntityRule) -> bool:
    listed = (("ports", end.ports), ("notPorts", end.not_ports))
    return all(
        isinstance(port((*place, field, number), item), str)
        for field, items in listed
        for number, item in enumerate(items)
    )
