"""Calico's objects in a cluster, whichever API group holds them (NET-131)."""

from collections.abc import Callable
from typing import TypeVar

from kubeaudit.model.calico_looks import GROUPS
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.calico import (
    CalicoPolicy,
    FelixConfiguration,
    HostEndpoint,
    NetworkSet,
    Profile,
    Rule,
    Tier,
)
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import Gap

T = TypeVar("T", CalicoPolicy, Tier, Profile, NetworkSet, HostEndpoint, FelixConfiguration)
Held = Callable[[str, type[T]], tuple[T, ...]]
POLICIES = (("networkpolicies", "NetworkPolicy"), ("globalnetworkpolicies", "GlobalNetworkPolicy"))
SETS = (("networksets", "NetworkSet"), ("globalnetworksets", "GlobalNetworkSet"))
TIERS, PROFILES, HOSTS, FELIX = "tiers", "profiles", "hostendpoints", "felixconfigurations"
_SHOWN_AGAIN = ("knp.", "kanp.", "kbanp.", "kcnp.")
"""Names under which Calico's API server lists policies of other kinds a second time."""


def every(held: Held[T], plural: str, kind: str, struct: type[T]) -> list[tuple[str, ObjectRef, T]]:
    """The objects of a kind as (resource key, object, value); what both groups show is taken from the stored one."""
    found: dict[tuple[str, str], tuple[str, ObjectRef, T]] = {}
    for group in GROUPS:
        for value in held(f"{plural}.{group}", struct):
            meta = value.metadata
            entry = (f"{plural}.{group}", ObjectRef(kind, meta.namespace, meta.name, group), value)
            found.setdefault((meta.namespace, meta.name), entry)
    return list(found.values())


def unread(cluster: Cluster, plural: str) -> Gap | None:
    """What is missing of a kind; of the two groups one is enough (NET-131)."""
    stored, shown = (f"{plural}.{group}" for group in GROUPS)
    gap = cluster.complete.gap(stored)
    if gap is None and not cluster.complete.served(stored):
        return cluster.complete.gap(shown)
    return gap


def policies(held: Held[CalicoPolicy]) -> list[tuple[str, ObjectRef, CalicoPolicy]]:
    """NetworkPolicies and GlobalNetworkPolicies that are Calico's own."""
    listed = [found for plural, kind in POLICIES for found in every(held, plural, kind, CalicoPolicy)]
    return [found for found in listed if not found[1].name.startswith(_SHOWN_AGAIN)]


def sets(held: Held[NetworkSet]) -> list[tuple[str, ObjectRef, NetworkSet]]:
    """NetworkSets and GlobalNetworkSets."""
    return [found for plural, kind in SETS for found in every(held, plural, kind, NetworkSet)]


def all_rules(held_policies: Held[CalicoPolicy], held_profiles: Held[Profile]) -> list[Rule]:
    """Every rule of every policy and profile."""
    found = [r for _, _, policy in policies(held_policies) for r in (*policy.spec.ingress, *policy.spec.egress)]
    for _, _, profile in every(held_profiles, PROFILES, "Profile", Profile):
        found += [*profile.spec.ingress, *profile.spec.egress]
    return found
