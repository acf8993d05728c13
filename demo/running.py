"""What a running cluster makes of manifests: ReplicaSets, pods with node and address, Jobs, EndpointSlices, numbers.

Every choice a controller or scheduler would make by chance is made here by a hash of the names involved.
"""

import copy
from collections import Counter
from collections.abc import Iterator

from cluster import CLUSTER, NODES, REGION, Json, Node, digest, hexadecimal, moment, suffix, uid

_ROLLED_OUT = "2026-04-09"
_SCHEDULED = ("2026-04-13T02:15:00Z", "2026-04-14T02:15:00Z")
_ROLE = "eks.amazonaws.com/role-arn"
_IRSA = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
_API_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"
_PRIVATE = "service.beta.kubernetes.io/aws-load-balancer-private-ipv4-addresses"
_NOT_READY: list[Json] = [
    {"key": f"node.kubernetes.io/{state}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for state in ("not-ready", "unreachable")
]


def run(authored: list[Json]) -> list[Json]:
    """All objects of the cluster: the authored ones with what is allocated to them, and what controllers make."""
    objects = [copy.deepcopy(item) for item in authored]
    namespaces = [name_of(item) for item in objects if item["kind"] == "Namespace"]
    objects += [_account("default", namespace) for namespace in namespaces]
    _aggregate([item for item in objects if item["kind"] == "ClusterRole"])
    for item in objects:
        _allocate(item)
    accounts = {(namespace_of(item), name_of(item)): item for item in objects if item["kind"] == "ServiceAccount"}
    pods = _Pods(accounts)
    made = [new for item in objects for new in _controlled(item, pods)]
    running = [item for item in made if item["kind"] == "Pod"]
    fronts = [item for item in objects if item["kind"] == "Service" and item["spec"].get("selector")]
    return [*objects, *made, *(_endpoint_slice(front, running) for front in fronts)]


def name_of(item: Json) -> str:
    """``metadata.name``."""
    return str(item["metadata"]["name"])


def namespace_of(item: Json) -> str:
    """``metadata.namespace``, "" for what has none."""
    return str(item["metadata"].get("namespace", ""))


def _account(name: str, namespace: str) -> Json:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}


def _aggregate(roles: list[Json]) -> None:
    """Fill in aggregated ClusterRoles as the aggregation controller does, by name; ``admin`` takes from ``edit``."""
    by_need = sorted(
        roles, key=lambda role: ["view", "edit", "admin"].index(name_of(role)) if "aggregationRule" in role else -1
    )
    for role in by_need:
        for selector in role.get("aggregationRule", {}).get("clusterRoleSelectors", []):
            wanted = selector["matchLabels"].items()
            for other in sorted(roles, key=name_of):
                if wanted <= other["metadata"].get("labels", {}).items():
                    role["rules"] += [rule for rule in other["rules"] if rule not in role["rules"]]


def _allocate(item: Json) -> None:
    """What the API server and the cloud add to an authored object."""
    kind, name, namespace = item["kind"], name_of(item), namespace_of(item)
    if kind == "Namespace":
        item["metadata"]["labels"] = {"kubernetes.io/metadata.name": name} | item["metadata"].get("labels", {})
        item |= {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    elif kind == "Service":
        _service(item, namespace, name)
    elif kind == "Ingress":
        item["status"] = {
            "loadBalancer": {"ingress": [{"hostname": _hostname("ingress-nginx", "ingress-nginx-controller")}]}
        }
    elif kind in ("Deployment", "DaemonSet"):
        count = len(NODES) if kind == "DaemonSet" else item["spec"]["replicas"]
        ready = (
            {"numberReady": count, "desiredNumberScheduled": count}
            if kind == "DaemonSet"
            else {"replicas": count, "readyReplicas": count}
        )
        item["status"] = {"observedGeneration": 1, **ready}


def _service(item: Json, namespace: str, name: str) -> None:
    spec = item["spec"]
    number = digest("clusterIP", namespace, name) % 65_000 + 256
    address = spec.setdefault("clusterIP", f"172.20.{number >> 8}.{number & 255}")
    spec |= {"clusterIPs": [address], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        for port in spec["ports"]:
            port.setdefault("nodePort", 30_000 + digest("nodePort", namespace, name, port["port"]) % 2_768)
    front: Json = {}
    if spec.get("type") == "LoadBalancer":
        private = item["metadata"]["annotations"].get(_PRIVATE)
        front = {"ingress": [{"ip": private} if private else {"hostname": _hostname(namespace, name)}]}
    item["status"] = {"loadBalancer": front}


def _hostname(namespace: str, name: str) -> str:
    """Of a network load balancer, as the AWS Load Balancer Controller names it."""
    tail = f"{hexadecimal(10, CLUSTER, namespace, name)}-{hexadecimal(16, 'nlb', namespace, name)}"
    return f"k8s-{namespace.replace('-', '')[:8]}-{name.replace('-', '')[:8]}-{tail}.elb.{REGION}.amazonaws.com"


def _controlled(item: Json, pods: "_Pods") -> Iterator[Json]:
    """Everything that comes of one controller."""
    kind, name, namespace = item["kind"], name_of(item), namespace_of(item)
    if kind == "Deployment":
        tail = suffix(10, "template", namespace, name)
        made = _replica_set(item, f"{name}-{tail}", tail)
        yield made
        names = [f"{name}-{tail}-{suffix(5, namespace, name, number)}" for number in range(item["spec"]["replicas"])]
        yield from pods.of(made, names, {})
    elif kind == "DaemonSet":
        labels = {"controller-revision-hash": suffix(10, "revision", namespace, name), "pod-template-generation": "1"}
        names = [f"{name}-{suffix(5, namespace, name, node.name)}" for node in NODES]
        yield from pods.of(item, names, labels)
    elif kind == "CronJob":
        for scheduled in _SCHEDULED:
            job = _job(item, scheduled)
            yield job
            yield from pods.of(job, [f"{name_of(job)}-{suffix(5, name_of(job))}"], {}, finished=True)


def _replica_set(deployment: Json, name: str, tail: str) -> Json:
    spec = copy.deepcopy(deployment["spec"])
    labels = {**spec["template"]["metadata"]["labels"], "pod-template-hash": tail}
    spec["template"]["metadata"]["labels"] = labels
    size = spec["replicas"]
    selector = {"matchLabels": {**spec["selector"]["matchLabels"], "pod-template-hash": tail}}
    notes = {"deployment.kubernetes.io/desired-replicas": str(size), "deployment.kubernetes.io/revision": "1"}
    metadata = {
        "name": name,
        "namespace": namespace_of(deployment),
        "labels": labels,
        "annotations": notes,
        "ownerReferences": [_owner(deployment)],
        "creationTimestamp": moment(_ROLLED_OUT, name),
    }
    status = {
        "replicas": size,
        "readyReplicas": size,
        "availableReplicas": size,
        "fullyLabeledReplicas": size,
        "observedGeneration": 1,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": metadata,
        "spec": {"replicas": size, "selector": selector, "template": spec["template"]},
        "status": status,
    }


def _job(cron_job: Json, scheduled: str) -> Json:
    name = f"{name_of(cron_job)}-{29_601_495 + _SCHEDULED.index(scheduled) * 1440}"
    namespace = namespace_of(cron_job)
    spec = copy.deepcopy(cron_job["spec"]["jobTemplate"]["spec"])
    identity = uid("Job", namespace, name)
    labels = {"batch.kubernetes.io/controller-uid": identity, "batch.kubernetes.io/job-name": name}
    spec["template"]["metadata"]["labels"] |= labels
    spec |= {"selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": identity}}}
    metadata = {
        "name": name,
        "namespace": namespace,
        "labels": dict(spec["template"]["metadata"]["labels"]),
        "annotations": {"batch.kubernetes.io/cronjob-scheduled-timestamp": scheduled},
        "ownerReferences": [_owner(cron_job)],
        "creationTimestamp": scheduled,
    }
    done = {"type": "Complete", "status": "True", "lastTransitionTime": scheduled}
    status = {"succeeded": 1, "startTime": scheduled, "conditions": [done]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec, "status": status}


def _owner(item: Json) -> Json:
    return {
        "apiVersion": item["apiVersion"],
        "kind": item["kind"],
        "name": name_of(item),
        "uid": uid(item["kind"], namespace_of(item), name_of(item)),
        "controller": True,
        "blockOwnerDeletion": True,
    }


class _Pods:
    """Makes pods: scheduler, admission and kubelet in one. Addresses are counted per node."""

    def __init__(self, accounts: dict[tuple[str, str], Json]) -> None:
        self._accounts = accounts
        self._used: Counter[str] = Counter()
        self._placed = 0

    def of(self, owner: Json, names: list[str], labels: Json, *, finished: bool = False) -> Iterator[Json]:
        """The pods of a controller."""
        template = owner["spec"]["template"]
        everywhere = owner["kind"] == "DaemonSet"
        pool = template["spec"].get("nodeSelector", {}).get("karpenter.sh/nodepool")
        nodes = [node for node in NODES if pool in (None, node.pool)]
        first = 0 if everywhere else digest("node", name_of(owner))
        for number, name in enumerate(names):
            yield self._pod(owner, template, name, labels, nodes[(first + number) % len(nodes)], finished)

    def _pod(self, owner: Json, template: Json, name: str, labels: Json, node: Node, finished: bool) -> Json:
        namespace = namespace_of(owner)
        created = owner["metadata"].get("creationTimestamp") or moment(_ROLLED_OUT, name)
        metadata: Json = {
            "name": name,
            "generateName": f"{name_of(owner)}-",
            "namespace": namespace,
            "labels": {**template["metadata"]["labels"], **labels},
            "ownerReferences": [_owner(owner)],
            "creationTimestamp": created,
        }
        spec = self._spec(template["spec"], namespace, name, node, everywhere=owner["kind"] == "DaemonSet")
        address = node.address if spec.get("hostNetwork") else self._address(node)
        if address != node.address:
            metadata["annotations"] = {
                "cni.projectcalico.org/podIP": f"{address}/32",
                "cni.projectcalico.org/podIPs": f"{address}/32",
            }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": spec,
            "status": _status(spec, node, address, created, finished),
        }

    def _address(self, node: Node) -> str:
        self._used[node.name] += 1
        return f"{node.block}.{192 + self._used[node.name]}"

    def _spec(self, template: Json, namespace: str, name: str, node: Node, *, everywhere: bool) -> Json:
        """What admission and the scheduler make of a template's spec."""
        spec = copy.deepcopy(template)
        account = self._accounts[namespace, spec.setdefault("serviceAccountName", "default")]
        spec["serviceAccount"] = spec["serviceAccountName"]
        role = account["metadata"].get("annotations", {}).get(_ROLE)
        if role:
            _web_identity(spec, role)
        if spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True)):
            _mount(spec, f"kube-api-access-{suffix(5, 'access', name)}", _API_TOKEN, _api_token_sources())
        spec |= {
            "nodeName": node.name,
            "priority": 2_000_001_000 if spec.get("priorityClassName") else 0,
            "preemptionPolicy": "PreemptLowerPriority",
        }
        added = (
            _NOT_READY
            if not everywhere
            else [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}]
        )
        spec["tolerations"] = [*spec.get("tolerations", []), *added]
        return spec


def _api_token_sources() -> list[Json]:
    place = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    return [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": place}]}},
    ]


def _web_identity(spec: Json, role: str) -> None:
    """What the EKS webhook adds to pods whose ServiceAccount names a role (IRSA)."""
    token = {"serviceAccountToken": {"audience": "sts.amazonaws.com", "expirationSeconds": 86_400, "path": "token"}}
    _mount(spec, "aws-iam-token", _IRSA, [token])
    for container in spec["containers"]:
        container.setdefault("env", []).extend(
            [
                {"name": "AWS_REGION", "value": REGION},
                {"name": "AWS_ROLE_ARN", "value": role},
                {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": f"{_IRSA}/token"},
            ]
        )


def _mount(spec: Json, name: str, path: str, sources: list[Json]) -> None:
    spec.setdefault("volumes", []).append({"name": name, "projected": {"sources": sources, "defaultMode": 420}})
    for container in [*spec["containers"], *spec.get("initContainers", [])]:
        container.setdefault("volumeMounts", []).append({"name": name, "mountPath": path, "readOnly": True})


def _status(spec: Json, node: Node, address: str, created: str, finished: bool) -> Json:
    state = {"terminated": {"exitCode": 0, "reason": "Completed"}} if finished else {"running": {"startedAt": created}}
    containers = [
        {
            "name": container["name"],
            "state": state,
            "ready": not finished,
            "restartCount": 0,
            "image": container["image"],
            "imageID": _image_id(container["image"]),
        }
        for container in spec["containers"]
    ]
    ready = "False" if finished else "True"
    return {
        "phase": "Succeeded" if finished else "Running",
        "conditions": [{"type": "Ready", "status": ready}, {"type": "PodScheduled", "status": "True"}],
        "hostIP": node.address,
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": created,
        "containerStatuses": containers,
    }


def _image_id(image: str) -> str:
    """The digest that the runtime found behind a name."""
    return image if "@" in image else f"{image.rpartition(':')[0]}@sha256:{hexadecimal(64, image)}"


def _endpoint_slice(service: Json, pods: list[Json]) -> Json:
    namespace, name = namespace_of(service), name_of(service)
    selector = service["spec"]["selector"].items()
    chosen = [
        pod
        for pod in pods
        if namespace_of(pod) == namespace
        and selector <= pod["metadata"]["labels"].items()
        and pod["status"]["phase"] == "Running"
    ]
    zones = {node.name: f"{REGION}{node.zone}" for node in NODES}
    endpoints = [
        {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "nodeName": pod["spec"]["nodeName"],
            "targetRef": {
                "kind": "Pod",
                "namespace": namespace,
                "name": name_of(pod),
                "uid": uid("Pod", namespace, name_of(pod)),
            },
            "zone": zones[pod["spec"]["nodeName"]],
        }
        for pod in chosen
    ]
    ports = [
        {"name": port.get("name", ""), "port": _target(port, chosen[0]), "protocol": port.get("protocol", "TCP")}
        for port in service["spec"]["ports"]
    ]
    metadata = {
        "name": f"{name}-{suffix(5, 'slice', namespace, name)}",
        "generateName": f"{name}-",
        "namespace": namespace,
        "labels": {
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            "kubernetes.io/service-name": name,
        },
        "ownerReferences": [_owner(service)],
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports,
    }


def _target(port: Json, pod: Json) -> int:
    """The number a Service port leads to; a name is looked up in the pod's containers."""
    wanted = port.get("targetPort", port["port"])
    if isinstance(wanted, int):
        return wanted
    return next(
        item["containerPort"]
        for container in pod["spec"]["containers"]
        for item in container.get("ports", [])
        if item.get("name") == wanted
    )
