"""Lints about port names that stand for no port: that part of a rule allows nothing (NET-27, NET-28)."""

from collections.abc import Iterator

from kubeaudit.model.objects.admin import AdminPort, TierPolicy
from kubeaudit.model.objects.networking import NetworkPolicy
from kubeaudit.network.admin import fields as adminfields
from kubeaudit.network.compiled import CompiledPolicy
from kubeaudit.network.evidence import value_at
from kubeaudit.network.fields import PEERS, directions, rules
from kubeaudit.network.lint.contract import Lint
from kubeaudit.network.ports import PROTOCOLS
from kubeaudit.network.reach import Reach
from kubeaudit.network.verdicts import Direction
from kubeaudit.proof import Path


def unknown(reach: Reach) -> Iterator[Lint]:
    """Names that no pod declares with the protocol: for ingress no selected one, for egress none at all."""
    for policy in reach.policies:
        for direction, place, protocols, name in _names(policy):
            among = policy.selected if direction is Direction.INGRESS else reach.judge.universe.classes
            if among and not among & _holders(reach, protocols, name):
                whose = "the selected pods" if direction is Direction.INGRESS else "the pods"
                kinds = f"{protocols[0]} port" if len(protocols) == 1 else "port"
                text = f"{policy.ref} names {kinds} {name}, which none of {whose} declares: it allows nothing."
                yield Lint("unknown-port-name", policy.ref, text, "NET-27", (value_at(policy, place),))


def of_addresses(reach: Reach) -> Iterator[Lint]:
    """Names beside an ipBlock: addresses declare no ports. For ingress the selected pods declare them."""
    for policy in reach.policies:
        source = policy.source
        if not isinstance(source, NetworkPolicy) or Direction.EGRESS not in directions(source):
            continue
        for number, rule in enumerate(rules(source, Direction.EGRESS)):
            names = [port.port for port in rule.ports if isinstance(port.port, str) and not port.port.isdecimal()]
            for place, peer in enumerate(rule.peers if names else ()):
                if peer.ip_block is not None:
                    path: Path = ("spec", "egress", number, PEERS[Direction.EGRESS], place)
                    block = peer.ip_block.cidr
                    text = f"{policy.ref} names port {names[0]} for {block}: addresses have no port names."
                    yield Lint("port-name-of-addresses", policy.ref, text, "NET-27", (value_at(policy, path),))


def _names(policy: CompiledPolicy) -> Iterator[tuple[Direction, Path, tuple[str, ...], str]]:
    """Direction, place, protocols and name; a rule of a tier takes the protocol that the pod declares (NET-91)."""
    source = policy.source
    if isinstance(source, NetworkPolicy):
        for direction in directions(source):
            for number, rule in enumerate(rules(source, direction)):
                for place, port in enumerate(rule.ports):
                    if isinstance(port.port, str) and not port.port.isdecimal():
                        path = ("spec", str(direction), number, "ports", place, "port")
                        yield direction, path, (port.protocol,), port.port
    elif isinstance(source, TierPolicy):
        for direction in Direction:
            for number, tier_rule in enumerate(adminfields.rules(source, direction)):
                field, items = adminfields.port_items(tier_rule)
                for place, item in enumerate(items or ()):
                    name = item.named_port if isinstance(item, AdminPort) else item.destination_named_port
                    if name:
                        yield direction, ("spec", str(direction), number, field, place), PROTOCOLS, name


def _holders(reach: Reach, protocols: tuple[str, ...], name: str) -> int:
    named, found = reach.judge.universe.named, 0
    for protocol in protocols:
        for mask in named.get((name, protocol), {}).values():
            found |= mask
    return found
