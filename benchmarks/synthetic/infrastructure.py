"""What every cluster has whatever runs in it: nodes, add-ons, the ingress controller, cluster-wide objects."""

from collections.abc import Callable, Iterator

from synthetic.applications import Item, pod_values
from synthetic.entry import Address, endpoint_slice, service
from synthetic.pods import pod
from synthetic.podspec import container, pod_spec
from synthetic.state import State
from synthetic.template import Json, Template, encode, managed

_EVERYWHERE: list[Json] = [{"operator": "Exists"}]
_HOST = {
    "hostNetwork": True,
    "tolerations": _EVERYWHERE,
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "priorityClassName": "system-node-critical",
}
_LIBRARIES: list[Json] = [
    {"name": "lib-modules", "hostPath": {"path": "/lib/modules", "type": ""}},
    {"name": "var-run-calico", "hostPath": {"path": "/var/run/calico", "type": ""}},
    {"name": "xtables-lock", "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
]
_ROOT: list[Json] = [{"name": "root", "hostPath": {"path": "/", "type": ""}}]
_LOGS: list[Json] = [{"name": "varlog", "hostPath": {"path": "/var/log", "type": ""}}]
_RULES: list[Json] = [
    {
        "operations": ["CREATE", "UPDATE"],
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["pods"],
        "scope": "Namespaced",
    }
]


def _agents() -> tuple[tuple[str, str, Json], ...]:
    limits = {"limits": {"memory": "200Mi"}, "requests": {"cpu": "100m", "memory": "64Mi"}}
    privileged = {"privileged": True}

    def one(name: str, image: str, volumes: list[Json], **more: object) -> list[Json]:
        mounts = [{"name": volume["name"], "mountPath": volume["hostPath"]["path"]} for volume in volumes]
        return [container(name, image, volumeMounts=mounts, **more)]

    node = one("calico-node", "docker.io/calico/node:v3.29.3", _LIBRARIES, securityContext=privileged)
    proxy = one("kube-proxy", "registry.k8s.io/kube-proxy:v1.34.1", _LIBRARIES[:1], securityContext=privileged)
    port = [{"name": "metrics", "hostPort": 9100, "containerPort": 9100, "protocol": "TCP"}]
    exporter = one("node-exporter", "quay.io/prometheus/node-exporter:v1.9.1", _ROOT, ports=port, resources=limits)
    logs = one("fluent-bit", "docker.io/fluent/fluent-bit:3.2.4", _LOGS, resources=limits)
    return (
        ("kube-system", "calico-node", pod_spec(node, volumes=_LIBRARIES, **_account("calico-node"), **_HOST)),
        ("kube-system", "kube-proxy", pod_spec(proxy, volumes=_LIBRARIES[:1], **_account("kube-proxy"), **_HOST)),
        (
            "observability",
            "node-exporter",
            pod_spec(exporter, volumes=_ROOT, hostPID=True, **_account("node-exporter"), **_HOST),
        ),
        (
            "observability",
            "fluent-bit",
            pod_spec(logs, volumes=_LOGS, tolerations=_EVERYWHERE, **_account("fluent-bit")),
        ),
    )


_SINGLE = (
    ("kube-system", "coredns", "registry.k8s.io/coredns/coredns:v1.12.1", 2, 53),
    ("kube-system", "calico-kube-controllers", "docker.io/calico/kube-controllers:v3.29.3", 1, 9094),
    ("kube-system", "aws-load-balancer-controller", "public.ecr.aws/eks/aws-load-balancer-controller:v2.13.0", 2, 9443),
    ("ingress-nginx", "ingress-nginx-controller", "registry.k8s.io/ingress-nginx/controller:v1.12.1", 2, 80),
)
_COREFILE = (
    ".:53 {\n    errors\n    kubernetes cluster.local in-addr.arpa ip6.arpa\n    forward . /etc/resolv.conf\n}\n"
)
AGENTS_PER_NODE = 4
SINGLE_PODS = sum(size for *_, size, _ in _SINGLE)
NAMESPACES = {
    "default": (),
    "kube-system": ("calico-node", "kube-proxy", "coredns", "calico-kube-controllers", "aws-load-balancer-controller"),
    "kube-public": (),
    "kube-node-lease": (),
    "observability": ("node-exporter", "fluent-bit"),
    "ingress-nginx": ("ingress-nginx-controller",),
}
"""Namespaces of the platform with the ServiceAccounts of its add-ons."""


def nodes(state: State) -> Iterator[Item]:
    """The nodes; one in twenty, but at most ten, has a public address."""
    public = {machine.name for machine in state.rng.sample(state.nodes, min(10, len(state.nodes) // 20))}
    for number, machine in enumerate(state.nodes):
        labels = {
            "beta.kubernetes.io/arch": "amd64",
            "eks.amazonaws.com/capacityType": "ON_DEMAND",
            "eks.amazonaws.com/nodegroup": machine.pool,
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/hostname": machine.name,
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": "m7i.2xlarge",
            "topology.kubernetes.io/region": "eu-central-1",
            "topology.kubernetes.io/zone": machine.zone,
        }
        addresses = [{"type": "InternalIP", "address": machine.address}, {"type": "Hostname", "address": machine.name}]
        if machine.name in public:
            addresses.insert(1, {"type": "ExternalIP", "address": f"198.51.100.{number % 254 + 1}"})
        status: Json = {
            "capacity": {"cpu": "8", "ephemeral-storage": "104779756Ki", "memory": "32140012Ki", "pods": "58"},
            "conditions": [
                {"type": kind, "status": "False"} for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
            ]
            + [{"type": "Ready", "status": "True"}],
            "addresses": addresses,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": _NODE_INFO,
            "images": [
                {"names": [f"registry.example.com/app-{image}@sha256:{state.hexadecimal(64)}"], "sizeBytes": 90_000_000}
                for image in range(30)
            ],
        }
        owned: Json = {"labels": labels}
        metadata = state.metadata(
            machine.name,
            labels=labels,
            managedFields=[managed({"metadata": owned, "status": status}, "kubelet", state.time())],
        )
        spec = {"providerID": f"aws:///{machine.zone}/i-0{state.hexadecimal(16)}"}
        yield "nodes", encode({"metadata": metadata, "spec": spec, "status": status})


_NODE_INFO = {
    "kernelVersion": "6.12.46-66.121.amzn2023.x86_64",
    "osImage": "Amazon Linux 2023.9.20250929",
    "containerRuntimeVersion": "containerd://2.1.4",
    "kubeletVersion": "v1.34.1-eks-113cf36",
    "kubeProxyVersion": "v1.34.1-eks-113cf36",
    "operatingSystem": "linux",
    "architecture": "amd64",
}


def add_ons(state: State) -> Iterator[Item]:
    """DaemonSets on every node, the controllers of kube-system, and the ingress controller."""
    for namespace, name, spec in _agents():
        yield from _daemon_set(state, namespace, name, spec)
    for namespace, name, image, size, port in _SINGLE:
        yield from _deployment(state, namespace, name, image, size, port)


def _daemon_set(state: State, namespace: str, name: str, spec: Json) -> Iterator[Item]:
    labels: Json = {"k8s-app": name}
    hosted = bool(spec.get("hostNetwork"))
    template = pod(spec, labels, "DaemonSet", token=True)
    count = len(state.nodes)
    status = {
        "currentNumberScheduled": count,
        "desiredNumberScheduled": count,
        "numberAvailable": count,
        "numberMisscheduled": 0,
        "numberReady": count,
    }
    uid = state.uid()
    body: Json = {
        "metadata": {**state.metadata(name, namespace, labels=labels), "uid": uid},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
            "updateStrategy": {"type": "RollingUpdate"},
        },
        "status": status,
    }
    yield "daemonsets.apps", encode(body)
    shared = {
        "ns": namespace,
        "owner": name,
        "owner_uid": uid,
        "hash": state.suffix(10),
        "digest": state.hexadecimal(64),
    }
    addresses: list[Address] = []
    for machine in state.nodes:
        values = pod_values(state, {**shared, "pod": f"{name}-{state.suffix()}"}, machine, host_network=hosted)
        addresses.append((str(values["pod"]), str(values["uid"]), str(values["ip"]), machine))
        yield "pods", template.fill(values)
    if name == "node-exporter":
        front = service(state, namespace, name, labels, 9100)
        yield "services", encode(front)
        yield from (
            ("endpointslices.discovery.k8s.io", encode(part)) for part in endpoint_slice(state, front, addresses, 9100)
        )


def _deployment(state: State, namespace: str, name: str, image: str, size: int, port: int) -> Iterator[Item]:
    labels: Json = {"app.kubernetes.io/name": name} if name != "coredns" else {"k8s-app": "kube-dns"}
    ports = [{"name": "main", "containerPort": port, "protocol": "TCP"}]
    spec = pod_spec([container(name, image, ports=ports, resources={"requests": {"cpu": "100m"}})], **_account(name))
    uid, set_uid, tail = state.uid(), state.uid(), state.suffix(10)
    template: Json = {"metadata": {"labels": labels}, "spec": spec}
    body: Json = {
        "metadata": {**state.metadata(name, namespace, labels=labels), "uid": uid},
        "spec": {"replicas": size, "selector": {"matchLabels": labels}, "template": template},
    }
    yield "deployments.apps", encode(body)
    owner = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    hashed = {**labels, "pod-template-hash": tail}
    metadata = {**state.metadata(f"{name}-{tail}", namespace, labels=hashed, ownerReferences=[owner]), "uid": set_uid}
    replica_set = {
        "replicas": size,
        "selector": {"matchLabels": hashed},
        "template": {"metadata": {"labels": hashed}, "spec": spec},
    }
    yield "replicasets.apps", encode({"metadata": metadata, "spec": replica_set, "status": {"replicas": size}})
    pods: Template = pod(spec, labels, "ReplicaSet", token=True)
    shared = {
        "ns": namespace,
        "owner": f"{name}-{tail}",
        "owner_uid": set_uid,
        "hash": tail,
        "digest": state.hexadecimal(64),
    }
    addresses: list[Address] = []
    for _ in range(size):
        values = pod_values(state, {**shared, "pod": f"{name}-{tail}-{state.suffix()}"}, state.place())
        addresses.append((str(values["pod"]), str(values["uid"]), str(values["ip"]), state.nodes[0]))
        yield "pods", pods.fill(values)
    front = service(state, namespace, "kube-dns" if name == "coredns" else name, labels, port)
    if namespace == "ingress-nginx":
        front["spec"]["type"] = "LoadBalancer"
        front["metadata"]["annotations"] = {
            "service.beta.kubernetes.io/aws-load-balancer-type": "external",
            "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing",
        }
        front["status"] = {
            "loadBalancer": {
                "ingress": [{"hostname": "k8s-ingress-controll-0a1b2c3d4e.elb.eu-central-1.amazonaws.com"}]
            }
        }
    yield "services", encode(front)
    yield from (
        ("endpointslices.discovery.k8s.io", encode(part)) for part in endpoint_slice(state, front, addresses, port)
    )


def cluster_wide(state: State) -> Iterator[Item]:
    """The API server's own Service, classes, drivers, webhooks, APIServices and a ConfigMap that is read by name."""
    yield from _api_server(state)
    made: tuple[tuple[str, Callable[[], Json]], ...] = (
        (
            "ingressclasses.networking.k8s.io",
            lambda: {"metadata": state.metadata("nginx"), "spec": {"controller": "k8s.io/ingress-nginx"}},
        ),
        (
            "servicecidrs.networking.k8s.io",
            lambda: {"metadata": state.metadata("kubernetes"), "spec": {"cidrs": ["172.20.0.0/16"]}},
        ),
        (
            "storageclasses.storage.k8s.io",
            lambda: {
                "metadata": state.metadata("gp3"),
                "provisioner": "ebs.csi.aws.com",
                "parameters": {"encrypted": "true"},
                "reclaimPolicy": "Delete",
            },
        ),
        (
            "csidrivers.storage.k8s.io",
            lambda: {
                "metadata": state.metadata("ebs.csi.aws.com"),
                "spec": {"attachRequired": True, "podInfoOnMount": False},
            },
        ),
    )
    for key, build in made:
        yield key, encode(build())
    for kind, name in (("validating", "ingress-nginx-admission"), ("mutating", "aws-load-balancer-webhook")):
        webhook = {
            "name": f"{name}.example.com",
            "clientConfig": {
                "service": {"namespace": "kube-system", "name": name, "path": "/", "port": 443},
                "caBundle": "LS0tCg==",
            },
            "rules": _RULES,
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }
        yield (
            f"{kind}webhookconfigurations.admissionregistration.k8s.io",
            encode({"metadata": state.metadata(name), "webhooks": [webhook]}),
        )
    for name in ("v1.", "v1.apps", "v1.batch", "v1.networking.k8s.io", "v1.rbac.authorization.k8s.io"):
        version, _, group = name.partition(".")
        spec = {"group": group, "version": version, "groupPriorityMinimum": 17_800, "versionPriority": 15}
        yield "apiservices.apiregistration.k8s.io", encode({"metadata": state.metadata(name), "spec": spec})
    yield "configmaps", encode({"metadata": state.metadata("coredns", "kube-system"), "data": {"Corefile": _COREFILE}})


def _api_server(state: State) -> Iterator[Item]:
    metadata = state.metadata("kubernetes", "default", labels={"component": "apiserver", "provider": "kubernetes"})
    spec = {
        "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": 443}],
        "clusterIP": "172.20.0.1",
        "clusterIPs": ["172.20.0.1"],
        "type": "ClusterIP",
    }
    yield "services", encode({"metadata": metadata, "spec": spec, "status": {"loadBalancer": {}}})
    part = {
        "metadata": state.metadata("kubernetes", "default", labels={"kubernetes.io/service-name": "kubernetes"}),
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": ["10.0.0.4"], "conditions": {"ready": True}},
            {"addresses": ["10.0.1.4"], "conditions": {"ready": True}},
        ],
        "ports": [{"name": "https", "port": 443, "protocol": "TCP"}],
    }
    yield "endpointslices.discovery.k8s.io", encode(part)


def _account(name: str) -> Json:
    return {"serviceAccountName": name, "serviceAccount": name}
