"""Networks of pods beside the cluster's own, which no dialect evaluates (network.md, section 1).

A primary one takes the place of the cluster's own network for the pods of its namespaces, so that who reaches them is
not known. Further ones have interfaces of their own: what goes on there is no part of any answer.
"""

from collections.abc import Iterator

from kubeaudit.findings import Reason, Unseen
from kubeaudit.kinds import by_key
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.networks import (
    ATTACHMENTS,
    CLUSTER_USER_DEFINED,
    MULTI_POLICIES,
    USER_DEFINED,
    ClusterUserDefinedNetwork,
    NetworkAttachmentDefinition,
    UserDefinedNetwork,
)
from kubeaudit.model.selectors import InvalidSelectorError
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.universe import Universe

USER_DEFINED_KINDS = (USER_DEFINED, CLUSTER_USER_DEFINED)
_ASIDE = "networks beside the cluster's own, which no verdict is about"


def primary(cluster: Cluster, universe: Universe, cni: CniProfile) -> dict[str, int]:
    """The classes that are on a primary network of their own, by the key of the kind that says so."""
    if not cni.has_effect(USER_DEFINED):
        return {}
    spaces = {
        USER_DEFINED: [
            found.metadata.namespace
            for found in cluster.held(USER_DEFINED, UserDefinedNetwork)
            if found.spec.is_primary
        ],
        ATTACHMENTS: [
            found.metadata.namespace
            for found in cluster.held(ATTACHMENTS, NetworkAttachmentDefinition)
            if found.is_primary
        ],
    }
    made = dict.fromkeys((*spaces, CLUSTER_USER_DEFINED), 0)
    for key, names in spaces.items():
        for name in names:
            made[key] |= universe.members.get(name, 0)
    for wide in cluster.held(CLUSTER_USER_DEFINED, ClusterUserDefinedNetwork):
        if wide.spec.network.is_primary:
            try:
                made[CLUSTER_USER_DEFINED] |= universe.in_namespaces(wide.spec.namespace_selector)
            except InvalidSelectorError:
                made[CLUSTER_USER_DEFINED] |= universe.classes
    return {key: classes & ~universe.host for key, classes in made.items() if classes & ~universe.host}


def aside(cluster: Cluster, isolating: dict[str, int]) -> Iterator[Unseen]:
    """Kinds that are present and not evaluated, and change no verdict. ``isolating`` is what :func:`primary` found."""
    for key in (*USER_DEFINED_KINDS, ATTACHMENTS, MULTI_POLICIES):
        count = cluster.counts.get(key, 0)
        if count and key not in isolating:
            detail = f"{count} {by_key()[key].kind} not evaluated: {_ASIDE}"
            yield Unseen(Reason.UNKNOWN_IMPLEMENTATION, key, detail=detail)
