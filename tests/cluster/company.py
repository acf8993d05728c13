"""A small, believable company cluster on the real API server: nodes at a cloud, running pods, entry points, policies.

No controller runs: what they would make (ReplicaSets, pods with a node and an address, EndpointSlices) is made here,
and what kubelets and clouds report is written through the status subresources. So the cluster stays as it was made.

The story: ``shop/frontend`` faces the internet and nothing keeps it from the metadata service; ``payments/gateway``
faces the internet too, and its namespace's egress policy closes metadata; ``tools/console`` is cluster-admin behind an
Ingress. Calico enforces policies.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .rest import KubeObject, group_path
from .server import ApiServer

METADATA = "169.254.169.254"
CLOSED = (f"{METADATA}/32", "168.63.129.16/32", "192.0.2.0/24")
"""What pods of payments may not open: the metadata service, the WireServer, the network of the API server."""
SHOP_ADDRESS, GATEWAY_ADDRESS, INGRESS_ADDRESS = "20.61.10.7", "20.61.10.8", "20.61.10.9"
"""Of load balancers: public addresses of the cloud."""
NODES = ("aks-web-0", "aks-web-1")
_NETWORKING = "networking.k8s.io/v1"
_MERGE = "application/merge-patch+json"
_PROVIDER = (
    "azure:///subscriptions/0000/resourceGroups/company/providers/Microsoft.Compute/virtualMachineScaleSets/aks-web"
)
EGRESS: dict[str, Any] = {
    "apiVersion": _NETWORKING,
    "kind": "NetworkPolicy",
    "metadata": {"name": "egress", "namespace": "payments"},
    "spec": {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [
            {"to": [{"podSelector": {"matchLabels": {"app": "ledger"}}}], "ports": [{"protocol": "TCP", "port": 8443}]},
            {
                "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": list(CLOSED)}}],
                "ports": [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 80}],
            },
        ],
    },
}
"""The policy that closes the metadata service for namespace payments."""


class App(NamedTuple):
    """A Deployment, or with ``everywhere`` a DaemonSet on the nodes' own network, and its pods."""

    namespace: str
    name: str
    image: str
    replicas: int = 1
    account: str = "default"
    everywhere: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """Of its pods."""
        return {"app": self.name}


APPS = (
    App("kube-system", "calico-node", "docker.io/calico/node:v3.31.0", len(NODES), "calico-node", everywhere=True),
    App("shop", "frontend", "registry.example.com/shop/frontend:latest", 2),
    App("shop", "cart", "registry.example.com/shop/cart:4.2.0"),
    App("payments", "gateway", "registry.example.com/payments/gateway:1.8.1", 2),
    App("payments", "ledger", "registry.example.com/payments/ledger:2.0.3"),
    App("ingress-nginx", "controller", "registry.k8s.io/ingress-nginx/controller:v1.13.3"),
    App("tools", "console", "registry.example.com/tools/console:0.9.0", 1, "console"),
)
SERVICES = {
    ("shop", "frontend"): SHOP_ADDRESS,
    ("shop", "cart"): "",
    ("payments", "gateway"): GATEWAY_ADDRESS,
    ("payments", "ledger"): "",
    ("ingress-nginx", "controller"): INGRESS_ADDRESS,
    ("tools", "console"): "",
}
"""Service of an app, and the public address of its load balancer; "" is a ClusterIP."""


def build(server: ApiServer) -> None:
    """Makes the cluster."""
    for namespace in ("shop", "payments", "ingress-nginx", "tools"):
        server.namespace(namespace)
    for number, name in enumerate(NODES):
        _node(server, name, number)
    server.apply(_rights())
    server.apply(_policies())
    addresses = (f"10.244.1.{number}" for number in range(10, 200))
    pods = {(app.namespace, app.name): _run(server, app, addresses) for app in APPS}
    for (namespace, name), address in SERVICES.items():
        _service(server, namespace, name, address, pods[namespace, name])
    _ingress(server)
    server.apply(_named_configmaps())


def status(server: ApiServer, path: str, value: Mapping[str, object]) -> None:
    """Writes ``status`` of the object at ``path`` as the component that owns it would."""
    server.request("PATCH", f"{path}/status", {"status": value}, content_type=_MERGE).expect(200)


def _node(server: ApiServer, name: str, number: int) -> None:
    labels = {"kubernetes.io/hostname": name, "kubernetes.azure.com/agentpool": "web"}
    spec = {"providerID": f"{_PROVIDER}/virtualMachines/{number}"}
    server.apply([{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec}])
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
    address = {"type": "InternalIP", "address": f"10.224.0.{number + 4}"}
    status(server, f"/api/v1/nodes/{name}", {"addresses": [address], "conditions": [ready]})


def _rights() -> Iterator[KubeObject]:
    for namespace, name in (("kube-system", "default"), ("kube-system", "calico-node"), ("tools", "console")):
        yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
    group = "rbac.authorization.k8s.io"
    for name, role, namespace in (("console", "cluster-admin", "tools"), ("calico-node", "view", "kube-system")):
        yield {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{namespace}-{name}"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        }


def _policies() -> Iterator[KubeObject]:
    yield EGRESS
    sources: tuple[tuple[str, dict[str, Any]], ...] = (
        ("gateway", {"ipBlock": {"cidr": "0.0.0.0/0"}}),
        ("ledger", {"podSelector": _app("gateway")}),
    )
    for name, source in sources:
        rule: dict[str, Any] = {"from": [source], "ports": [{"protocol": "TCP", "port": 8443}]}
        spec = {"podSelector": _app(name), "policyTypes": ["Ingress"], "ingress": [rule]}
        metadata = {"name": name, "namespace": "payments"}
        yield {"apiVersion": _NETWORKING, "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def _app(name: str) -> dict[str, Any]:
    return {"matchLabels": {"app": name}}


def _run(server: ApiServer, app: App, addresses: Iterator[str]) -> list[dict[str, Any]]:
    """Makes a workload and its running pods; the pods as they are then."""
    metadata: dict[str, Any] = {"name": app.name, "namespace": app.namespace, "labels": app.labels}
    spec: dict[str, Any] = {"selector": {"matchLabels": app.labels}, "template": _template(app)}
    kind = "DaemonSet" if app.everywhere else "Deployment"
    if not app.everywhere:
        spec["replicas"] = app.replicas
    owner = _made(server, {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec})
    if not app.everywhere:
        metadata = {**metadata, "name": f"{app.name}-59d5c98b4d", "ownerReferences": [_owner(owner)]}
        owner = _made(server, {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec})
    return [_pod(server, app, owner, number, addresses) for number in range(app.replicas)]


def _template(app: App) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": app.name,
        "image": app.image,
        "ports": [{"name": "https", "containerPort": 8443}],
    }
    if app.everywhere:
        container = {"name": app.name, "image": app.image, "securityContext": {"privileged": True}}
    spec = {"serviceAccountName": app.account, "hostNetwork": app.everywhere, "containers": [container]}
    return {"metadata": {"labels": app.labels}, "spec": spec}


def _pod(server: ApiServer, app: App, owner: KubeObject, number: int, addresses: Iterator[str]) -> dict[str, Any]:
    template = _template(app)
    at = number % len(NODES)
    name = f"{_metadata(owner)['name']}-{'bcdfg'[number]}x7k2"
    metadata = {"name": name, "namespace": app.namespace, "labels": app.labels, "ownerReferences": [_owner(owner)]}
    spec = {**template["spec"], "nodeName": NODES[at]}
    _made(server, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    host = f"10.224.0.{at + 4}"
    address = host if app.everywhere else next(addresses)
    path = f"/api/v1/namespaces/{app.namespace}/pods/{name}"
    ready = {"type": "Ready", "status": "True"}
    told = {"phase": "Running", "hostIP": host, "podIP": address, "podIPs": [{"ip": address}], "conditions": [ready]}
    status(server, path, told)
    body = server.request("GET", path).expect(200).body
    assert isinstance(body, dict)
    return body


def _service(server: ApiServer, namespace: str, name: str, address: str, pods: Sequence[dict[str, Any]]) -> None:
    spec: dict[str, Any] = {"selector": {"app": name}, "ports": [{"name": "https", "port": 443, "targetPort": "https"}]}
    if address:
        spec["type"] = "LoadBalancer"
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    service = _made(server, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    if address:
        status(
            server, f"/api/v1/namespaces/{namespace}/services/{name}", {"loadBalancer": {"ingress": [{"ip": address}]}}
        )
    metadata = {
        "name": f"{name}-8vhqt",
        "namespace": namespace,
        "labels": {"kubernetes.io/service-name": name},
        "ownerReferences": [_owner(service)],
    }
    slices = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": [_endpoint(pod) for pod in pods],
        "ports": [{"name": "https", "port": 8443, "protocol": "TCP"}],
    }
    server.apply([slices])


def _endpoint(pod: dict[str, Any]) -> dict[str, Any]:
    metadata = pod["metadata"]
    target = {"kind": "Pod", "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}
    ready = {"ready": True, "serving": True, "terminating": False}
    place = pod["spec"]["nodeName"]
    return {"addresses": [pod["status"]["podIP"]], "conditions": ready, "nodeName": place, "targetRef": target}


def _ingress(server: ApiServer) -> None:
    metadata = {"name": "nginx"}
    spec: dict[str, Any] = {"controller": "k8s.io/ingress-nginx"}
    server.apply([{"apiVersion": _NETWORKING, "kind": "IngressClass", "metadata": metadata, "spec": spec}])
    backend = {"service": {"name": "console", "port": {"number": 443}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec = {"ingressClassName": "nginx", "rules": [{"host": "console.example.com", "http": {"paths": [path]}}]}
    metadata = {"name": "console", "namespace": "tools"}
    server.apply([{"apiVersion": _NETWORKING, "kind": "Ingress", "metadata": metadata, "spec": spec}])
    where = f"{group_path(_NETWORKING)}/namespaces/tools/ingresses/console"
    status(server, where, {"loadBalancer": {"ingress": [{"ip": INGRESS_ADDRESS}]}})


def _named_configmaps() -> Iterator[KubeObject]:
    """Two of those that are read by name, and one that must not be."""
    for namespace, name, data in (
        ("kube-system", "coredns", {"Corefile": ".:53 { kubernetes cluster.local }"}),
        ("kube-system", "kube-proxy", {"config.conf": "mode: iptables"}),
        ("shop", "settings", {"greeting": "never read"}),
    ):
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace},
            "data": data,
        }


def _made(server: ApiServer, item: KubeObject) -> dict[str, Any]:
    """Applies one object; the object as the server keeps it."""
    (answer,) = server.apply([item])
    assert isinstance(answer.body, dict)
    return answer.body


def _owner(item: KubeObject) -> dict[str, object]:
    metadata = _metadata(item)
    named = {"apiVersion": item["apiVersion"], "kind": item["kind"], "name": metadata["name"], "uid": metadata["uid"]}
    return {**named, "controller": True, "blockOwnerDeletion": True}


def _metadata(item: KubeObject) -> dict[str, Any]:
    found = item["metadata"]
    assert isinstance(found, dict)
    return found
