"""Facts of the demo cluster that nobody writes into a manifest: nodes, addresses, API groups, built-in objects."""

import hashlib
import uuid
from dataclasses import dataclass

Json = dict[str, object]

CLUSTER = "larkfield-prod"
REGION = "eu-central-1"
ACCOUNT = "111122223333"
SERVER = "https://api.larkfield-prod.internal"
SERVER_VERSION = "v1.34.5-eks-3025e55"
AUDITOR = "system:serviceaccount:kubeaudit:kubeaudit"
STARTED, ENDED = "2026-04-14T06:30:00Z", "2026-04-14T06:30:02Z"
"""The moment the demo shows; no clock is read, so that every build gives the same file."""

_NAMES = uuid.UUID("0e2f6a0c-7a55-5c53-9b1c-6c7a0f4f2c11")
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True)
class Node:
    """One node: pool, zone, address inside the VPC, and the block that Calico gives to its pods."""

    pool: str
    zone: str
    address: str
    block: str
    instance: str

    @property
    def name(self) -> str:
        """As AWS names it."""
        return f"ip-{self.address.replace('.', '-')}.{REGION}.compute.internal"


NODES = (
    Node("web", "a", "10.40.17.21", "192.168.12", "m7g.xlarge"),
    Node("web", "b", "10.40.33.84", "192.168.41", "m7g.xlarge"),
    Node("core", "a", "10.40.17.96", "192.168.77", "m7g.2xlarge"),
    Node("core", "b", "10.40.33.150", "192.168.103", "m7g.2xlarge"),
)
API_ADDRESSES = ("10.40.18.7", "10.40.34.52")
"""Of the interfaces that EKS puts into the VPC for its API server."""
DEFAULT_NAMESPACES = ("default", "kube-node-lease", "kube-public")

CRDS = (
    ("crd.projectcalico.org", "v1", "FelixConfiguration", "felixconfigurations", "Cluster"),
    ("crd.projectcalico.org", "v1", "GlobalNetworkPolicy", "globalnetworkpolicies", "Cluster"),
    ("crd.projectcalico.org", "v1", "GlobalNetworkSet", "globalnetworksets", "Cluster"),
    ("crd.projectcalico.org", "v1", "HostEndpoint", "hostendpoints", "Cluster"),
    ("crd.projectcalico.org", "v1", "IPPool", "ippools", "Cluster"),
    ("crd.projectcalico.org", "v1", "NetworkPolicy", "networkpolicies", "Namespaced"),
    ("crd.projectcalico.org", "v1", "NetworkSet", "networksets", "Namespaced"),
    ("crd.projectcalico.org", "v1", "Tier", "tiers", "Cluster"),
    ("elbv2.k8s.aws", "v1beta1", "IngressClassParams", "ingressclassparams", "Cluster"),
    ("elbv2.k8s.aws", "v1beta1", "TargetGroupBinding", "targetgroupbindings", "Namespaced"),
    ("karpenter.k8s.aws", "v1", "EC2NodeClass", "ec2nodeclasses", "Cluster"),
    ("karpenter.sh", "v1", "NodeClaim", "nodeclaims", "Cluster"),
    ("karpenter.sh", "v1", "NodePool", "nodepools", "Cluster"),
    ("policy.networking.k8s.io", "v1alpha1", "AdminNetworkPolicy", "adminnetworkpolicies", "Cluster"),
)
_APPROVED = "https://github.com/kubernetes-sigs/network-policy-api/pull/30"
"""The API server wants to know who approved a CRD in a group of the project's own."""
_LOCAL_GROUPS = (
    "v1.",
    "v1.admissionregistration.k8s.io",
    "v1.apiextensions.k8s.io",
    "v1.apps",
    "v1.authentication.k8s.io",
    "v1.authorization.k8s.io",
    "v1.batch",
    "v1.certificates.k8s.io",
    "v1.coordination.k8s.io",
    "v1.discovery.k8s.io",
    "v1.events.k8s.io",
    "v1.networking.k8s.io",
    "v1.node.k8s.io",
    "v1.policy",
    "v1.rbac.authorization.k8s.io",
    "v1.scheduling.k8s.io",
    "v1.storage.k8s.io",
    "v2.autoscaling",
)
GROUPS = frozenset(name.partition(".")[2] for name in _LOCAL_GROUPS)
"""API groups that the server answers itself."""


def digest(*parts: object) -> int:
    """A number that depends on the parts alone: the demo's only source of chance."""
    return int.from_bytes(hashlib.sha256("\0".join(map(str, parts)).encode()).digest()[:16], "big")


def hexadecimal(length: int, *parts: object) -> str:
    """Hexadecimal digits that depend on the parts alone."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:length]


def suffix(length: int, *parts: object) -> str:
    """The tail of a generated name, from the alphabet of the API server."""
    number = digest("suffix", *parts)
    return "".join(_LETTERS[number // len(_LETTERS) ** place % len(_LETTERS)] for place in range(length))


def uid(kind: str, namespace: str, name: str) -> str:
    """The UID of an object."""
    return str(uuid.uuid5(_NAMES, f"{kind}/{namespace}/{name}"))


def moment(day: str, *parts: object) -> str:
    """Some time of a day, RFC 3339."""
    second = digest("moment", *parts) % 72_000
    return f"{day}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def built_in() -> list[Json]:
    """What is there whatever runs: nodes, namespaces, the API server's Service, CRDs, APIServices, Calico defaults."""
    return [
        *(_node(node) for node in NODES),
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in DEFAULT_NAMESPACES),
        *_api_server(),
        _named("networking.k8s.io/v1", "ServiceCIDR", "kubernetes", {"cidrs": ["172.20.0.0/16"]}),
        *(_crd(*row) for row in CRDS),
        *(_api_service(name) for name in _LOCAL_GROUPS),
        *(_api_service(f"{version}.{group}") for group, version in sorted({(row[0], row[1]) for row in CRDS})),
        _named(
            "crd.projectcalico.org/v1",
            "FelixConfiguration",
            "default",
            {"logSeverityScreen": "Info", "vxlanEnabled": True},
        ),
        _named("crd.projectcalico.org/v1", "Tier", "adminnetworkpolicy", {"defaultAction": "Pass", "order": 1000}),
        _named("crd.projectcalico.org/v1", "Tier", "default", {"defaultAction": "Deny", "order": 1000000}),
    ]


def _named(api_version: str, kind: str, name: str, spec: Json) -> Json:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _node(node: Node) -> Json:
    zone = f"{REGION}{node.zone}"
    labels = {
        "karpenter.k8s.aws/ec2nodeclass": node.pool,
        "karpenter.sh/capacity-type": "on-demand",
        "karpenter.sh/nodepool": node.pool,
        "kubernetes.io/arch": "arm64",
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": node.instance,
        "topology.kubernetes.io/region": REGION,
        "topology.kubernetes.io/zone": zone,
    }
    addresses = [
        {"type": "InternalIP", "address": node.address},
        {"type": "InternalDNS", "address": node.name},
        {"type": "Hostname", "address": node.name},
    ]
    info = {
        "architecture": "arm64",
        "containerRuntimeVersion": "containerd://2.1.5",
        "kernelVersion": "6.12.73-95.123.amzn2023.aarch64",
        "kubeProxyVersion": SERVER_VERSION,
        "kubeletVersion": SERVER_VERSION,
        "operatingSystem": "linux",
        "osImage": "Amazon Linux 2023.10.20260330",
    }
    conditions = [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": labels},
        "spec": {"providerID": f"aws:///{zone}/i-0{hexadecimal(16, node.name)}"},
        "status": {
            "capacity": {
                "cpu": "4" if node.pool == "web" else "8",
                "memory": "16Gi" if node.pool == "web" else "32Gi",
                "pods": "58",
            },
            "conditions": conditions,
            "addresses": addresses,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": info,
        },
    }


def _api_server() -> list[Json]:
    labels = {"component": "apiserver", "provider": "kubernetes"}
    port = {"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443}
    service: Json = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "spec": {"type": "ClusterIP", "clusterIP": "172.20.0.1", "ports": [port]},
    }
    slices: Json = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in API_ADDRESSES],
        "ports": [{"name": "https", "port": 443, "protocol": "TCP"}],
    }
    return [service, slices]


def _crd(group: str, version: str, kind: str, plural: str, scope: str) -> Json:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    spec: Json = {
        "group": group,
        "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
        "scope": scope,
        "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        "conversion": {"strategy": "None"},
    }
    found = _named("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{group}", spec)
    if group.endswith(".k8s.io"):
        found["metadata"]["annotations"] = {"api-approved.kubernetes.io": _APPROVED}
    return found


def _api_service(name: str) -> Json:
    version, _, group = name.partition(".")
    spec: Json = {"group": group, "version": version, "groupPriorityMinimum": 17_800, "versionPriority": 15}
    condition = {
        "type": "Available",
        "status": "True",
        "reason": "Local",
        "message": "Local APIServices are always available",
    }
    found = _named("apiregistration.k8s.io/v1", "APIService", name, spec)
    return {**found, "status": {"conditions": [condition]}}
