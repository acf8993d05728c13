"""Policies of kinds that perhaps nothing implements (NET-78)."""

from collections.abc import Iterable, Iterator

from msgspec import structs

from kubeaudit.network.compiled import CompiledPolicy
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.plugin.profiles import CLUSTER
from kubeaudit.settings import Fact


def marked(policies: Iterable[CompiledPolicy], cni: CniProfile) -> Iterator[CompiledPolicy]:
    """The policies, those marked of which it is not known whether they have effect."""
    for policy in policies:
        perhaps = cni.effect(policy.resource) is Fact.UNKNOWN
        yield structs.replace(policy, inert=_together(policy.resource)) if perhaps else policy


def _together(resource: str) -> str:
    """Kinds that a plugin implements together or not at all: an API group, but for ClusterNetworkPolicy, which takes
    the place of the other kinds of its group.
    """
    return resource if resource in CLUSTER else resource.partition(".")[2].removeprefix("crd.")
