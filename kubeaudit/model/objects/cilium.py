"""Kinds of cilium.io/v2, only the fields that are read.

A list that is absent (UNSET), null (None) and empty may mean three things (NET-102..104), so all are kept apart.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from msgspec import UNSET, Struct, UnsetType

from kubeaudit.model.looks import Looks
from kubeaudit.model.objects.meta import Labels, Metadata

T = TypeVar("T")
_NAMES = {
    "from_cidr": "fromCIDR",
    "from_cidr_set": "fromCIDRSet",
    "to_cidr": "toCIDR",
    "to_cidr_set": "toCIDRSet",
    "to_fqdns": "toFQDNs",
    "cidr_group_ref": "cidrGroupRef",
    "excluded": "except",
    "external_cidrs": "externalCIDRs",
    "terminating_tls": "terminatingTLS",
    "originating_tls": "originatingTLS",
}


def _json(name: str) -> str:
    """The name of a field in JSON."""
    first, *others = name.split("_")
    return _NAMES.get(name) or first + "".join(word.capitalize() for word in others)


class Term(Struct, frozen=True):
    """LabelSelectorRequirement of an EndpointSelector."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] | None = None


class Selector(Struct, frozen=True, rename=_json):
    """EndpointSelector: a label selector whose keys may name a source (``k8s:``, ``any:``, ``reserved:``, NET-107)."""

    match_labels: Labels | None = None
    match_expressions: tuple[Term, ...] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys as they stand, with their sources."""
        return (*(self.match_labels or {}), *(term.key for term in self.match_expressions or ()))


class CIDRRule(Struct, frozen=True, rename=_json):
    """A network, or groups of networks, without its exceptions."""

    cidr: str | None = None
    cidr_group_ref: str | None = None
    cidr_group_selector: Selector | None = None
    excluded: tuple[str, ...] | None = None


class NamedService(Struct, frozen=True, rename=_json):
    """K8sServiceNamespace."""

    service_name: str = ""
    namespace: str = ""


class SelectedServices(Struct, frozen=True):
    """K8sServiceSelectorNamespace; no namespace stands for all."""

    selector: Selector | None = None
    namespace: str = ""


class ServicePeer(Struct, frozen=True, rename=_json):
    """One item of ``toServices``."""

    k8s_service: NamedService | None = None
    k8s_service_selector: SelectedServices | None = None


class FQDNSelector(Struct, frozen=True, rename=_json):
    """One item of ``toFQDNs`` (NET-111)."""

    match_name: str = ""
    match_pattern: str = ""


class PortProtocol(Struct, frozen=True, rename=_json):
    """A port, by number or name, both as text; no protocol stands for any (NET-115)."""

    port: str | int | None = None
    end_port: int | None = None
    protocol: str | None = None


class L7Rules(Struct, frozen=True):
    """What requests must be; an empty list is not the same as none."""

    http: tuple[Any, ...] | None = None
    kafka: tuple[Any, ...] | None = None
    dns: tuple[Any, ...] | None = None
    l7proto: str | None = None
    l7: tuple[Any, ...] | None = None


class PortRule(Struct, frozen=True, rename=_json):
    """Ports with what is asked of the traffic on them."""

    ports: tuple[PortProtocol, ...] | None = None
    rules: L7Rules | None = None
    terminating_tls: Any = None
    originating_tls: Any = None
    server_names: tuple[str, ...] | None = None
    listener: Any = None


class ICMPField(Struct, frozen=True):
    """One ICMP type of a family, IPv4 where none is given."""

    family: str | None = None
    type: int | str | None = None


class ICMPRule(Struct, frozen=True):
    """One item of ``icmps``."""

    fields: tuple[ICMPField, ...] | None = None


class Authentication(Struct, frozen=True):
    """Whether peers must authenticate: ``disabled``, ``required`` or ``test-always-fail``."""

    mode: str = ""


class Rule(Struct, frozen=True, rename=_json):
    """IngressRule, IngressDenyRule, EgressRule or EgressDenyRule."""

    from_endpoints: tuple[Selector, ...] | UnsetType | None = UNSET
    from_requires: tuple[Selector, ...] | UnsetType | None = UNSET
    from_cidr: tuple[str, ...] | UnsetType | None = UNSET
    from_cidr_set: tuple[CIDRRule, ...] | UnsetType | None = UNSET
    from_entities: tuple[str, ...] | UnsetType | None = UNSET
    from_groups: tuple[Any, ...] | UnsetType | None = UNSET
    from_nodes: tuple[Selector, ...] | UnsetType | None = UNSET
    to_endpoints: tuple[Selector, ...] | UnsetType | None = UNSET
    to_requires: tuple[Selector, ...] | UnsetType | None = UNSET
    to_cidr: tuple[str, ...] | UnsetType | None = UNSET
    to_cidr_set: tuple[CIDRRule, ...] | UnsetType | None = UNSET
    to_entities: tuple[str, ...] | UnsetType | None = UNSET
    to_groups: tuple[Any, ...] | UnsetType | None = UNSET
    to_nodes: tuple[Selector, ...] | UnsetType | None = UNSET
    to_services: tuple[ServicePeer, ...] | UnsetType | None = UNSET
    to_fqdns: tuple[FQDNSelector, ...] | UnsetType | None = UNSET
    to_ports: tuple[PortRule, ...] | UnsetType | None = UNSET
    icmps: tuple[ICMPRule, ...] | UnsetType | None = UNSET
    authentication: Authentication | None = None


Section = tuple[Rule, ...] | UnsetType | None


class DefaultDeny(Struct, frozen=True):
    """Whether selected endpoints are isolated; where nothing is said, a direction with rules isolates (NET-100)."""

    ingress: bool | None = None
    egress: bool | None = None


class Spec(Struct, frozen=True, rename=_json):
    """One api.Rule: whom it selects and what it says of each direction."""

    endpoint_selector: Selector | UnsetType | None = UNSET
    node_selector: Selector | UnsetType | None = UNSET
    ingress: Section = UNSET
    ingress_deny: Section = UNSET
    egress: Section = UNSET
    egress_deny: Section = UNSET
    enable_default_deny: DefaultDeny | None = None


class CiliumPolicy(Struct, frozen=True):
    """What both policy kinds are made of; both of ``spec`` and ``specs`` count."""

    metadata: Metadata
    spec: Spec | None = None
    specs: tuple[Spec, ...] | None = None


class CiliumNetworkPolicy(CiliumPolicy, frozen=True):
    """cilium.io/v2 CiliumNetworkPolicy."""


class CiliumClusterwideNetworkPolicy(CiliumPolicy, frozen=True):
    """cilium.io/v2 CiliumClusterwideNetworkPolicy."""


class CIDRGroupSpec(Struct, frozen=True, rename=_json):
    """CiliumCIDRGroupSpec."""

    external_cidrs: tuple[str, ...] | None = None


class CiliumCIDRGroup(Struct, frozen=True):
    """cilium.io/v2 CiliumCIDRGroup."""

    metadata: Metadata
    spec: CIDRGroupSpec | None = None


def items(found: tuple[T, ...] | UnsetType | None) -> tuple[T, ...]:
    """The items of a list that may not be there."""
    return found if isinstance(found, tuple) else ()


def every_spec(policy: CiliumPolicy) -> Iterator[tuple[tuple[str | int, ...], Spec]]:
    """Each api.Rule of a policy with the path to it."""
    if policy.spec is not None:
        yield ("spec",), policy.spec
    for number, spec in enumerate(policy.specs or ()):
        yield ("specs", number), spec


def every_rule(policy: CiliumPolicy) -> Iterator[Rule]:
    """Every rule of both directions, allowing and denying."""
    for _, spec in every_spec(policy):
        for section in (spec.ingress, spec.ingress_deny, spec.egress, spec.egress_deny):
            yield from items(section)


def selectors(policy: CiliumPolicy) -> Iterator[Selector]:
    """Every selector of pods."""
    for _, spec in every_spec(policy):
        if isinstance(spec.endpoint_selector, Selector):
            yield spec.endpoint_selector
    for rule in every_rule(policy):
        for found in (rule.from_endpoints, rule.from_requires, rule.to_endpoints, rule.to_requires):
            yield from items(found)


def networks(policy: CiliumPolicy) -> Iterator[str]:
    """Every CIDR that stands in a policy, exceptions too, as text."""
    for rule in every_rule(policy):
        yield from items(rule.from_cidr)
        yield from items(rule.to_cidr)
        for block in (*items(rule.from_cidr_set), *items(rule.to_cidr_set)):
            yield block.cidr or ""
            yield from block.excluded or ()


def plain_key(key: str) -> str:
    """A key of a selector without the sources that stand for labels of pods (NET-107)."""
    source, colon, rest = key.partition(":")
    return rest if colon and source in ("k8s", "any") else key


def looks(policy: CiliumPolicy) -> Looks:
    """What a policy looks at; nodes are told apart from other addresses by every peer (NET-108, NET-109)."""
    keys = frozenset(plain_key(key) for selector in selectors(policy) for key in selector.keys)
    return Looks(keys, frozenset(networks(policy)), nodes=True)


def group_looks(group: CiliumCIDRGroup) -> Looks:
    """The networks of a group."""
    return Looks(networks=frozenset(cidrs(group)))


def cidrs(group: CiliumCIDRGroup) -> tuple[str, ...]:
    """The networks of a group, as text."""
    return (group.spec and group.spec.external_cidrs) or ()
