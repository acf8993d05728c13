"""What Calico's rules compare that no object shows, and what would settle it (V-5)."""

from kubeaudit.findings import Reason, Unseen
from kubeaudit.network.nodes.policies import FORWARDED

SOURCE_PORT, ICMP_TYPE, HTTP, SERVICE = "source_port", "icmp_type", "http", "service_endpoints"
PRE_DNAT, UNTRACKED, FAILSAFE = "pre_dnat", "untracked", "failsafe_ports"

SETTLED: dict[str, tuple[str, Unseen]] = {
    SOURCE_PORT: (
        "the port that the source opens the connection from",
        Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="the port of the source, which the rule compares"),
    ),
    ICMP_TYPE: (
        "the type and code of the ICMP message",
        Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="the type of the ICMP message, which the rule compares"),
    ),
    HTTP: (
        "the HTTP request",
        Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="the HTTP request, which the rule compares"),
    ),
    SERVICE: (
        "the endpoints of the Service that the rule names",
        Unseen(Reason.READ_INCOMPLETE, "endpointslices.discovery.k8s.io", detail="endpoints that no selector tells"),
    ),
    PRE_DNAT: (
        "the destination that the packet had on its way in",
        Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="what a policy before destination translation is asked about"),
    ),
    UNTRACKED: (
        "the untracked rules for both directions of the connection",
        Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="whether untracked policies let replies pass"),
    ),
    FAILSAFE: (
        "list felixconfigurations and daemonsets",
        Unseen(Reason.READ_INCOMPLETE, "felixconfigurations", detail="the failsafe ports of Felix"),
    ),
    FORWARDED: (
        "the interface of the node that carries the traffic, and how it is encapsulated there",
        Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="whether a host policy with applyOnForward meets the traffic"),
    ),
}
"""By the name of the doubt: what would settle it, and what is not known."""

UNREAD = frozenset([FAILSAFE])
"""Doubts about objects that were not read."""
