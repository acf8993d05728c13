"""What the objects of Calico tell pods apart by (see ``model.looks``)."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from kubeaudit.model.calico_selector import SelectorSyntaxError, keys_of, parse
from kubeaudit.model.looks import Looks
from kubeaudit.model.objects.calico import (
    CalicoPolicy,
    FelixConfiguration,
    HostEndpoint,
    NetworkSet,
    Profile,
    Rule,
    Tier,
)

NAMESPACE_LABELS, SERVICE_ACCOUNT_LABELS = "pcns.", "pcsa."
"""Prefixes of the labels that pods inherit from their namespace and service account (NET-127)."""


def policy_looks(policy: CalicoPolicy) -> Looks:
    """NetworkPolicy and GlobalNetworkPolicy."""
    spec = policy.spec
    keys = _keys([spec.selector]) | _keys([spec.namespace_selector], NAMESPACE_LABELS)
    keys |= _keys([spec.service_account_selector], SERVICE_ACCOUNT_LABELS)
    return _with_rules(keys, (*spec.ingress, *spec.egress))


def profile_looks(profile: Profile) -> Looks:
    """Profile."""
    return _with_rules(frozenset(), (*profile.spec.ingress, *profile.spec.egress))


def set_looks(found: NetworkSet) -> Looks:
    """NetworkSet and GlobalNetworkSet."""
    return Looks(networks=frozenset(found.spec.nets))


def host_looks(found: HostEndpoint) -> Looks:
    """HostEndpoint: rules name its addresses by its labels; host-network pods differ by their node."""
    return Looks(networks=frozenset(found.spec.expected_ips), nodes=True)


def nothing(_: object) -> Looks:
    """Tier and FelixConfiguration look at no pod."""
    return Looks()


def _with_rules(keys: frozenset[str], rules: Iterable[Rule]) -> Looks:
    networks: set[str] = set()
    for rule in rules:
        for end in (rule.source, rule.destination):
            keys |= _keys([end.selector, end.not_selector]) | _keys([end.namespace_selector], NAMESPACE_LABELS)
            if end.service_accounts is not None:
                keys |= _keys([end.service_accounts.selector], SERVICE_ACCOUNT_LABELS)
            networks.update((*end.nets, *end.not_nets))
    return Looks(keys, frozenset(networks))


def _keys(texts: Iterable[str], prefix: str = "") -> frozenset[str]:
    return frozenset(prefix + key for key in _all_keys(texts))


def _all_keys(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        with suppress(SelectorSyntaxError):
            yield from keys_of(parse(text))


GROUPS = ("crd.projectcalico.org", "projectcalico.org")
"""The group that the objects are stored in, and the one that Calico's API server shows (NET-131)."""
KINDS: tuple[tuple[str, type[Any], Callable[[Any], Looks]], ...] = (
    ("networkpolicies", CalicoPolicy, policy_looks),
    ("globalnetworkpolicies", CalicoPolicy, policy_looks),
    ("tiers", Tier, nothing),
    ("profiles", Profile, profile_looks),
    ("networksets", NetworkSet, set_looks),
    ("globalnetworksets", NetworkSet, set_looks),
    ("hostendpoints", HostEndpoint, host_looks),
    ("felixconfigurations", FelixConfiguration, nothing),
)
"""The kinds of both groups: plural, Struct, and what the objects look at."""
