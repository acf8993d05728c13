"""Services and network policies (core/v1, discovery/v1 and networking/v1 defaults.go)."""

from kubeaudit.collect.defaults.fields import Fields, child, found, has, items, put, put_text

CLIENT_IP_SECONDS = 10800


def service(obj: Fields) -> None:
    """Service."""
    spec = child(obj, "spec")
    put_text(spec, type="ClusterIP", sessionAffinity="None")
    if spec["sessionAffinity"] == "ClientIP":
        put(child(child(spec, "sessionAffinityConfig"), "clientIP"), timeoutSeconds=CLIENT_IP_SECONDS)
    for port in items(spec, "ports"):
        put_text(port, protocol="TCP")
        if port.get("targetPort") in (None, 0, "") and "port" in port:
            port["targetPort"] = port["port"]
    if spec["type"] in ("NodePort", "LoadBalancer") or (spec["type"] == "ClusterIP" and spec.get("externalIPs")):
        put_text(spec, externalTrafficPolicy="Cluster")
    if spec["type"] in ("ClusterIP", "NodePort", "LoadBalancer"):
        put(spec, internalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        put(spec, allocateLoadBalancerNodePorts=True)
        for address in items(found(found(obj, "status"), "loadBalancer"), "ingress"):
            if address.get("ip"):
                put(address, ipMode="VIP")


def endpoints(obj: Fields) -> None:
    """Endpoints."""
    for subset in items(obj, "subsets"):
        for port in items(subset, "ports"):
            put_text(port, protocol="TCP")


def endpoint_slice(obj: Fields) -> None:
    """EndpointSlice; conditions stay as they are (NET-62)."""
    for port in items(obj, "ports"):
        put(port, name="", protocol="TCP")


def network_policy(obj: Fields) -> None:
    """NetworkPolicy: types of rules (NET-03) and protocols (NET-07)."""
    spec = child(obj, "spec")
    child(spec, "podSelector")
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for rule in (*items(spec, "ingress"), *items(spec, "egress")):
        for port in items(rule, "ports"):
            put(port, protocol="TCP")


def ingress_class(obj: Fields) -> None:
    """IngressClass."""
    spec = child(obj, "spec")
    if has(spec, "parameters"):
        put(found(spec, "parameters"), scope="Cluster")
