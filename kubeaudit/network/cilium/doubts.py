"""What Cilium leaves open beside the switches of its agent, and what would settle it (V-5)."""

from kubeaudit.findings import Reason, Unseen


def _depends(detail: str) -> Unseen:
    return Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=detail)


SETTLED: dict[str, tuple[str, Unseen]] = {
    "cilium_empty_rule": (
        "a rule that says what it means: fromEntities: [] for no peer, fromEntities: [all] for every peer",
        _depends("whether an empty rule of Cilium means every peer or none"),
    ),
    "cilium_requires": (
        "a policy without fromRequires and toRequires, which releases from 1.19 on do not have",
        _depends("what fromRequires and toRequires hold for"),
    ),
    "cilium_labels": (
        "labels that count in every release (cilium-config: labels, cluster-name)",
        _depends("whether Cilium compares a label with the pod"),
    ),
    "cilium_host": (
        "pods that all run on one node",
        _depends("whether a pod and a host-network pod or address are on the same node"),
    ),
    "cilium_hidden": (
        "the addresses of Cilium's own endpoints (health, ingress) and of pods it does not manage",
        _depends("which addresses Cilium's own endpoints have"),
    ),
    "cilium_api_server": (
        "list endpointslices.discovery.k8s.io",
        Unseen(Reason.READ_INCOMPLETE, "endpointslices.discovery.k8s.io", detail="the addresses of the API server"),
    ),
    "cilium_control_plane": (
        "fromEntities: [cluster], where the provider's control plane reaches pods through other nodes",
        _depends("which source address the provider's control plane has"),
    ),
    "cilium_pod_identity": (
        "the identity that Cilium gives the agent of EKS Pod Identity (cilium bpf ipcache get)",
        _depends("whether the agent of EKS Pod Identity counts as the node or as an address outside"),
    ),
    "cilium_cidr_group": (
        "list ciliumcidrgroups.cilium.io",
        Unseen(Reason.READ_INCOMPLETE, "ciliumcidrgroups.cilium.io", detail="the networks of a group"),
    ),
    "cilium_services": (
        "the endpoints of the Service, and the release of Cilium",
        _depends("what toServices stands for"),
    ),
    "cilium_groups": ("the addresses of the cloud's security group", _depends("which addresses a group has")),
    "icmp_type": ("the type of the ICMP message", _depends("which types of ICMP are asked for")),
    "ipblock_node": (
        "policy-cidr-match-mode of cilium-config",
        _depends("whether CIDR rules are compared with addresses of nodes"),
    ),
}
"""By the name of the doubt."""

UNREAD = frozenset(["cilium_api_server", "cilium_cidr_group"])
"""Doubts about objects that were not read."""
