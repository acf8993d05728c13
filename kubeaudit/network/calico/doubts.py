"""What Calico's rules compare that no object shows, and what would settle it (V-5)."""

from kubeaudit.findings import Reason, Unseen

SOURCE_PORT, ICMP_TYPE, HTTP, SERVICE = "source_port", "icmp_type", "http", "service_endpoints"

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
}
"""By the name of the doubt: what would settle it, and what is not known."""
