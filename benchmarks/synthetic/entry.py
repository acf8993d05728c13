"""Services, EndpointSlices and Ingresses."""

from collections.abc import Iterator, Sequence

from synthetic.state import Machine, State
from synthetic.template import Json

Address = tuple[str, str, str, Machine]
"""Pod name, pod UID, address, node."""
_SLICE = 100
"""Endpoints per slice (``--max-endpoints-per-slice`` of kube-controller-manager)."""
_SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"
_TYPE = "service.beta.kubernetes.io/aws-load-balancer-type"


def service(state: State, namespace: str, name: str, selector: Json, port: int, kind: str = "ClusterIP") -> Json:
    """A Service with one port 80 that leads to ``port``."""
    address = state.cluster_ip()
    public = state.rng.random() < 0.5
    annotations = (
        {_TYPE: "external", _SCHEME: "internet-facing" if public else "internal"} if kind == "LoadBalancer" else {}
    )
    entry: Json = {"name": "http", "protocol": "TCP", "port": 80, "targetPort": port}
    if kind != "ClusterIP":
        entry["nodePort"] = state.node_port()
    spec: Json = {
        "ports": [entry],
        "selector": selector,
        "clusterIP": address,
        "clusterIPs": [address],
        "type": kind,
        "sessionAffinity": "None",
        **({"externalTrafficPolicy": "Cluster"} if kind != "ClusterIP" else {}),
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        **({"allocateLoadBalancerNodePorts": True} if kind == "LoadBalancer" else {}),
        "internalTrafficPolicy": "Cluster",
    }
    metadata = state.metadata(name, namespace, labels={"app.kubernetes.io/name": name}, annotations=annotations)
    status = {"loadBalancer": {"ingress": [_front(state, namespace, name, public)]} if kind == "LoadBalancer" else {}}
    return {"metadata": metadata, "spec": spec, "status": status}


def _front(state: State, namespace: str, name: str, public: bool) -> Json:
    if state.rng.random() < 0.7:
        return {"hostname": f"k8s-{namespace[:8]}-{name[:8]}-{state.hexadecimal(10)}.elb.eu-central-1.amazonaws.com"}
    return {
        "ip": f"203.0.113.{state.rng.randrange(1, 255)}"
        if public
        else f"10.1.{state.rng.randrange(256)}.{state.rng.randrange(1, 255)}"
    }


def endpoint_slice(state: State, front: Json, addresses: Sequence[Address], port: int) -> Iterator[Json]:
    """The slices of a Service, at most 100 endpoints each."""
    owner = front["metadata"]
    namespace = owner["namespace"]
    for start in range(0, len(addresses), _SLICE):
        endpoints = [
            {
                "addresses": [ip],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "targetRef": {"kind": "Pod", "namespace": namespace, "name": pod, "uid": uid},
                "nodeName": machine.name,
                "zone": machine.zone,
            }
            for pod, uid, ip, machine in addresses[start : start + _SLICE]
        ]
        metadata = state.metadata(
            f"{owner['name']}-{state.suffix()}",
            namespace,
            generateName=f"{owner['name']}-",
            labels={
                "kubernetes.io/service-name": owner["name"],
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
            ownerReferences=[
                {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "name": owner["name"],
                    "uid": owner["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        )
        yield {
            "metadata": metadata,
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        }


def ingress(state: State, namespace: str, name: str) -> Json:
    """An Ingress of class ``nginx`` for one host, three out of four with TLS."""
    host = f"{name}.{namespace}.example.com"
    backend = {"service": {"name": name, "port": {"number": 80}}}
    spec: Json = {
        "ingressClassName": "nginx",
        "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
    }
    if state.rng.random() < 0.75:
        spec["tls"] = [{"hosts": [host], "secretName": f"{name}-tls"}]
    notes = {"cert-manager.io/cluster-issuer": "letsencrypt"} if "tls" in spec else {}
    front = {"hostname": "k8s-ingress-controll-0a1b2c3d4e.elb.eu-central-1.amazonaws.com"}
    return {
        "metadata": state.metadata(name, namespace, annotations=notes, generation=1),
        "spec": spec,
        "status": {"loadBalancer": {"ingress": [front]}},
    }
