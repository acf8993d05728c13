"""What the API server or the agent refuses in a Cilium policy (pkg/policy/api, ``Rule.Validate``).

The agent takes a policy as a whole or not at all, so one fault leaves all of it without effect.
"""

import re
from collections.abc import Iterator, Sequence

from kubeaudit.model.objects.cilium import (
    CIDRRule,
    CiliumPolicy,
    FQDNSelector,
    L7Rules,
    PortRule,
    Rule,
    Selector,
    ServicePeer,
    Spec,
    every_spec,
    items,
)
from kubeaudit.model.selectors import InvalidSelectorError
from kubeaudit.network.cilium.fields import ANY, REQUIRES, has_l7, ports_of, section, stated
from kubeaudit.network.cilium.places import ENTITIES
from kubeaudit.network.cilium.selectors import check
from kubeaudit.network.cilium.switches import NO_EMPTY_RULE, SERVICE_SELECTORS, CiliumSwitches
from kubeaudit.network.fields import InvalidFieldError, network
from kubeaudit.network.verdicts import Action, Direction
from kubeaudit.proof import Path
from kubeaudit.settings import Fact

Fault = tuple[Path, str]
_MOST = 40
"""Ports and ICMP types of one item."""
_DNS_NAME = re.compile(r"[-a-zA-Z0-9_.]+")
_DNS_PATTERN = re.compile(r"[-a-zA-Z0-9_.*]+")
_FAMILIES = (None, "", "IPv4", "IPv6")


def faults(policy: CiliumPolicy, namespaced: bool, switches: CiliumSwitches) -> Iterator[Fault]:
    """Every fault of a policy, with the path to it."""
    if policy.spec is None and not policy.specs:
        yield ("spec",), "the policy has neither spec nor specs"
    for path, spec in every_spec(policy):
        yield from _subject(path, spec, namespaced)
        if is_empty(spec) and switches.since(NO_EMPTY_RULE) is Fact.YES:
            yield path, "no ingress, ingressDeny, egress or egressDeny has a rule"
        for direction in Direction:
            for action in (Action.ALLOW, Action.DENY):
                name, rules = section(spec, direction, action)
                for position, rule in enumerate(items(rules)):
                    place = (*path, name, position)
                    yield from _peers(place, rule, direction, switches)
                    yield from _ports(place, rule, direction, action, isinstance(spec.node_selector, Selector))


def is_empty(spec: Spec) -> bool:
    """Whether no section has a rule (NET-102); null is not empty."""
    found = [section(spec, direction, action)[1] for direction in Direction for action in (Action.ALLOW, Action.DENY)]
    return not any(found) and None not in found


def _subject(path: Path, spec: Spec, namespaced: bool) -> Iterator[Fault]:
    pods, nodes = spec.endpoint_selector, spec.node_selector
    if not isinstance(pods, Selector) and not isinstance(nodes, Selector):
        yield path, "the rule has neither endpointSelector nor nodeSelector"
    if isinstance(pods, Selector):
        yield from _selector((*path, "endpointSelector"), pods)
    if isinstance(nodes, Selector):
        if namespaced or isinstance(pods, Selector):
            with_what = "endpointSelector" if isinstance(pods, Selector) else "a namespace"
            yield (*path, "nodeSelector"), f"nodeSelector cannot stand together with {with_what}"
        yield from _selector((*path, "nodeSelector"), nodes)


def _peers(path: Path, rule: Rule, direction: Direction, switches: CiliumSwitches) -> Iterator[Fault]:
    other = Direction.EGRESS if direction is Direction.INGRESS else Direction.INGRESS
    for name in stated(rule, other):
        yield (*path, name), f"a rule for {direction} has no field {name}"
    found = stated(rule, direction)
    used = [name for name, listed in found.items() if listed]
    for name in used[1:]:
        yield (*path, name), f"{name} cannot stand together with {used[0]}"
    requires, attribute = REQUIRES[direction]
    for name, selectors in (*found.items(), (requires, items(getattr(rule, attribute)))):
        for position, one in enumerate(selectors):
            place = (*path, name, position)
            if isinstance(one, Selector):
                yield from _selector(place, one)
            elif isinstance(one, CIDRRule):
                yield from _cidr_rule(place, one)
            elif isinstance(one, ServicePeer):
                chosen = one.k8s_service_selector.selector if one.k8s_service_selector else None
                yield from _selector((*place, "k8sServiceSelector", "selector"), chosen) if chosen else ()
            elif isinstance(one, FQDNSelector):
                yield from _domain(place, one)
            elif name in ("fromEntities", "toEntities") and one not in ENTITIES:
                yield place, f"{one!r} is no entity"
            elif name in ("fromCIDR", "toCIDR"):
                yield from _cidr(place, str(one))
    for name in {"fromNodes", "toNodes"}.intersection(used):
        if switches.on("enable-node-selector-labels") is Fact.NO:
            yield (*path, name), f"{name} needs enable-node-selector-labels in cilium-config"
    if "toServices" in used and items(rule.to_ports) and switches.since(SERVICE_SELECTORS) is Fact.NO:
        yield (*path, "toPorts"), "this release takes no toPorts beside toServices"


def _ports(path: Path, rule: Rule, direction: Direction, action: Action, host: bool) -> Iterator[Fault]:
    if bool(items(rule.icmps)) and bool(items(rule.to_ports)):
        yield (*path, "icmps"), "icmps cannot stand together with toPorts"
    for position, found in enumerate(items(rule.icmps)):
        fields = found.fields or ()
        if len(fields) > _MOST:
            yield (*path, "icmps", position), f"{len(fields)} types are more than {_MOST}"
        for at, field in enumerate(fields):
            if field.family not in _FAMILIES:
                yield (*path, "icmps", position, "fields", at, "family"), f"{field.family!r} is not IPv4 or IPv6"
    for position, item in enumerate(items(rule.to_ports)):
        place = (*path, "toPorts", position)
        yield from _port_items(place, item)
        if item.rules is not None and action is Action.DENY:
            yield (*place, "rules"), "a rule that denies cannot look at L7"
        elif item.rules is not None and has_l7(item):
            yield from _l7(place, item, item.rules, direction, host)
        if item.listener and (direction is Direction.INGRESS or has_l7(item)):
            yield (*place, "listener"), "a listener stands in egress rules without L7 rules only"
        if "" in (item.server_names or ()):
            yield (*place, "serverNames"), "a server name is empty"
    if action is Action.DENY and items(rule.to_fqdns):
        yield (*path, "toFQDNs"), "a rule that denies cannot name domains"


def _port_items(path: Path, item: PortRule) -> Iterator[Fault]:
    ports = item.ports or ()
    if len(ports) > _MOST:
        yield (*path, "ports"), f"{len(ports)} ports are more than {_MOST}"
    for position, port in enumerate(ports):
        try:
            ports_of(port)
        except InvalidFieldError as error:
            yield (*path, "ports", position), str(error)


def _l7(path: Path, item: PortRule, rules: L7Rules, direction: Direction, host: bool) -> Iterator[Fault]:
    ports = item.ports or ()
    if sum(part is not None for part in (rules.http, rules.kafka, rules.dns, rules.l7)) > 1:
        yield (*path, "rules"), "the rules are of more than one L7 protocol"
    if rules.l7 is not None and not rules.l7proto:
        yield (*path, "rules", "l7"), "l7 needs l7proto"
    if host and (rules.http or rules.kafka or direction is Direction.INGRESS):
        yield (*path, "rules"), "a policy of nodes has no L7 rules but those of DNS for egress"
    if rules.dns and direction is Direction.INGRESS:
        yield (*path, "rules", "dns"), "DNS rules stand in egress rules only"
    if rules.dns is not None and not ports:
        yield (*path, "ports"), "DNS rules need a port"
    if item.server_names and not item.terminating_tls:
        yield (*path, "serverNames"), "serverNames beside L7 rules need terminatingTLS"
    for position, port in enumerate(ports):
        place = (*path, "ports", position)
        if not rules.dns and port.protocol != "TCP":
            yield (*place, "protocol"), f"L7 rules are for TCP, not {port.protocol or ANY}"
        if isinstance(port.port, str) and port.port.isdecimal():
            if port.port.strip("0") == "":
                yield (*place, "port"), "L7 rules need a port other than 0"
            elif rules.dns and (port.end_port or 0) > int(port.port):
                yield (*place, "endPort"), "DNS rules take no range of ports"


def _selector(path: Path, selector: Selector) -> Iterator[Fault]:
    try:
        check(selector)
    except InvalidSelectorError as error:
        yield path, str(error)


def _cidr(path: Path, text: str) -> Iterator[Fault]:
    try:
        network(text)
    except InvalidFieldError as error:
        yield path, str(error)


def _cidr_rule(path: Path, rule: CIDRRule) -> Iterator[Fault]:
    given: Sequence[object] = [rule.cidr, rule.cidr_group_ref, rule.cidr_group_selector]
    if sum(bool(one) if isinstance(one, str) else one is not None for one in given) != 1:
        yield path, "one of cidr, cidrGroupRef and cidrGroupSelector must be given"
        return
    if rule.cidr_group_selector is not None:
        yield from _selector((*path, "cidrGroupSelector"), rule.cidr_group_selector)
    bad = [*_cidr((*path, "cidr"), rule.cidr)] if rule.cidr else []
    yield from bad
    for position, text in enumerate(rule.excluded or ()):
        place = (*path, "except", position)
        wrong = list(_cidr(place, text))
        yield from wrong
        if rule.cidr and not bad and not wrong:
            whole, less = network(rule.cidr), network(text)
            if whole.version != less.version or less.network_address not in whole or less.prefixlen < whole.prefixlen:
                yield place, f"except {text} is no part of {whole}"


def _domain(path: Path, selector: FQDNSelector) -> Iterator[Fault]:
    name, pattern = selector.match_name, selector.match_pattern
    if bool(name) == bool(pattern):
        yield path, "one of matchName and matchPattern must be given"
    if name and not _DNS_NAME.fullmatch(name):
        yield (*path, "matchName"), f"{name!r} is no domain name"
    if pattern and not _DNS_PATTERN.fullmatch(pattern):
        yield (*path, "matchPattern"), f"{pattern!r} is no pattern of domain names"
