"""Policy kinds beside NetworkPolicy: the Struct of each, and what of pods and addresses its objects look at.

A kind that is not in the table is only counted, and what it could change stays unknown.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from kubeaudit.model import calico_looks
from kubeaudit.model.looks import Looks
from kubeaudit.model.objects import admin, cilium, istio, networks


class PolicyKind(Struct, frozen=True):
    """One resource, by its key in ``kinds``; ``looks`` must name everything that a selector or a peer may compare."""

    key: str
    type: type[Any]
    looks: Callable[[Any], Looks]


POLICY_KINDS: tuple[PolicyKind, ...] = (
    PolicyKind("adminnetworkpolicies.policy.networking.k8s.io", admin.AdminNetworkPolicy, admin.looks),
    PolicyKind("baselineadminnetworkpolicies.policy.networking.k8s.io", admin.BaselineAdminNetworkPolicy, admin.looks),
    PolicyKind("clusternetworkpolicies.policy.networking.k8s.io", admin.ClusterNetworkPolicy, admin.looks),
    *(
        PolicyKind(f"{name}.{group}", kind, looks)
        for group in calico_looks.GROUPS
        for name, kind, looks in calico_looks.KINDS
    ),
    PolicyKind("ciliumnetworkpolicies.cilium.io", cilium.CiliumNetworkPolicy, cilium.looks),
    PolicyKind("ciliumclusterwidenetworkpolicies.cilium.io", cilium.CiliumClusterwideNetworkPolicy, cilium.looks),
    PolicyKind("ciliumcidrgroups.cilium.io", cilium.CiliumCIDRGroup, cilium.group_looks),
    PolicyKind("authorizationpolicies.security.istio.io", istio.AuthorizationPolicy, istio.authorization_looks),
    PolicyKind("peerauthentications.security.istio.io", istio.PeerAuthentication, istio.authentication_looks),
    PolicyKind(istio.DESTINATION_RULES, istio.DestinationRule, istio.destination_looks),
    PolicyKind(networks.USER_DEFINED, networks.UserDefinedNetwork, networks.nothing),
    PolicyKind(networks.CLUSTER_USER_DEFINED, networks.ClusterUserDefinedNetwork, networks.nothing),
    PolicyKind(networks.ATTACHMENTS, networks.NetworkAttachmentDefinition, networks.nothing),
)
"""One row a resource."""


def looks_of(held: Mapping[str, Sequence[Any]], kinds: Iterable[PolicyKind] = POLICY_KINDS) -> Looks:
    """What all objects together look at; ``held`` has the objects of each kind by its key."""
    labels: set[str] = set()
    networks: set[str] = set()
    nodes = False
    for kind in kinds:
        for found in map(kind.looks, held.get(kind.key, ())):
            labels |= found.labels
            networks |= found.networks
            nodes |= found.nodes
    return Looks(frozenset(labels), frozenset(networks), nodes)
