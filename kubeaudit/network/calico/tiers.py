"""Calico's tiers on the scale of ``compiled.Tier``, and the order of policies in them (NET-120, NET-122, NET-123)."""

import math

from kubeaudit.model.objects import calico
from kubeaudit.network.calico.objects import TIERS, every
from kubeaudit.network.compiled import ADMIN, BASELINE, LAST_RANK, NETWORK_POLICY, Tier
from kubeaudit.network.masks import Masks
from kubeaudit.network.verdicts import Action

DEFAULT = "default"
BUILT_IN = {
    DEFAULT: NETWORK_POLICY,
    "kube-admin": ADMIN,
    "adminnetworkpolicy": ADMIN,
    "kube-baseline": BASELINE,
    "baselineadminnetworkpolicy": BASELINE,
}
"""Tiers that exist without an object: what Calico makes of NetworkPolicy and of the administrator's policies."""
PROFILES = Tier(LAST_RANK, "~profiles", Action.PASS)
"""After every tier, also after those without an order: names of tiers are lower case (NET-121)."""
_ENDS = {"": Action.DENY, "Deny": Action.DENY, "Pass": Action.PASS}


def tiers(masks: Masks) -> dict[str, Tier]:
    """Every tier by its name. A default action that is none is reported, and Deny."""
    found = dict(BUILT_IN)
    for _, ref, tier in every(masks.held, TIERS, "Tier", calico.Tier):
        end = _ENDS.get(tier.spec.default_action)
        if end is None:
            reason = f"default action {tier.spec.default_action!r} is not Deny or Pass"
            masks.report(ref, ("spec", "defaultAction"), reason)
        if ref.name not in BUILT_IN:
            found[ref.name] = Tier(_rank(tier), ref.name, end or Action.DENY)
    return found


def order(policy: calico.CalicoPolicy) -> tuple[float, str]:
    """The place of a policy in its tier: by order, a missing one last, then by name."""
    stated = policy.spec.order
    return (math.inf if stated is None else stated, f"{policy.metadata.name}/{policy.metadata.namespace}")


def _rank(tier: calico.Tier) -> float:
    """The order of a tier; of tiers with one order the name decides, also beside tiers that are built in."""
    rank = LAST_RANK if tier.spec.order is None else tier.spec.order
    for name, built_in in BUILT_IN.items():
        if rank == built_in.rank:
            return math.nextafter(rank, -math.inf if tier.metadata.name < name else math.inf)
    return rank
