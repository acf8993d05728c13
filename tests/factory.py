"""Small clusters for tests: objects as manifests spell them, into a snapshot, a world or a scan."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from kubeaudit import data
from kubeaudit.cli.bundle import compile_all
from kubeaudit.documents import Document, parse
from kubeaudit.edges.contract import Edge
from kubeaudit.findings import CheckResult, Finding, Run, ScanResult, Tool
from kubeaudit.kinds import CONFIGMAPS, KINDS, Origin, by_api_kind
from kubeaudit.model import cluster as model
from kubeaudit.model.cluster import Cluster
from kubeaudit.policy.load import read_folder
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import State
from kubeaudit.scan import scan
from kubeaudit.settings import Facts, Settings
from kubeaudit.snapshot import Header, Outcome, Read, Snapshot, pack_all
from kubeaudit.world import World, build

Object = dict[str, Any]
Outcomes = Mapping[str | tuple[str, str], Outcome]
"""How reads ended that were not complete: by resource, or by resource and namespace."""

FILE_KINDS = {
    ("apps.openshift.io", "DeploymentConfig"): "deploymentconfigs.apps.openshift.io",
    ("argoproj.io", "Rollout"): "rollouts.argoproj.io",
}
RUN = Run(Tool("kubeaudit", "0", "shipped", ""), "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 0.0, "live")


def manifests(text: str) -> list[Object]:
    """The documents of a YAML text."""
    found = list(parse(text.encode(), "objects.yaml"))
    bad = [document for document in found if not isinstance(document, Document)]
    assert not bad, bad
    return [document.value for document in found if isinstance(document, Document) and isinstance(document.value, dict)]


def snapshot(objects: Iterable[Object], outcomes: Outcomes | None = None, **header: Any) -> Snapshot:
    """A cluster that was read whole, but for ``outcomes``: a kind that was not read has no objects."""
    ended = dict(outcomes or {})
    frames = {
        key: items for key, items in _by_key(objects).items() if ended.get(key, Outcome.COMPLETE) in _WITH_OBJECTS
    }
    reads = [Read(kind.key, "", ended.pop(kind.key, Outcome.COMPLETE)) for kind in KINDS]
    reads.append(Read(CONFIGMAPS, "kube-system/kube-proxy", ended.pop(CONFIGMAPS, Outcome.COMPLETE)))
    reads.extend(Read(key[0], key[1], outcome) for key, outcome in ended.items() if isinstance(key, tuple))
    return _snapshot("live", frames, reads, header)


_WITH_OBJECTS = (Outcome.COMPLETE, Outcome.PARTIAL)


def files(objects: Iterable[Object], **header: Any) -> Snapshot:
    """What manifests show: authored kinds are whole, observed kinds are there only where an object shows them."""
    frames = _by_key(objects)
    authored = {kind.key for kind in KINDS if kind.origin is Origin.AUTHORED}
    reads = [
        Read(k.key, "", Outcome.COMPLETE if k.key in authored or k.key in frames else Outcome.ABSENT) for k in KINDS
    ]
    return _snapshot("files", frames, reads, header)


def _snapshot(
    source: str, frames: Mapping[str, list[bytes]], reads: Iterable[Read], header: Mapping[str, Any]
) -> Snapshot:
    packed = tuple(frame for key, items in frames.items() for frame in pack_all(key, items))
    known = {"server_version": "v1.30.0", "cluster_id": "c-1", **header}
    return Snapshot(Header("0", source, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", **known), tuple(reads), packed)


def _by_key(objects: Iterable[Object]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for item in objects:
        name = (item["apiVersion"].rpartition("/")[0], item["kind"])
        kind = by_api_kind().get(name)
        key = kind.key if kind else FILE_KINDS.get(name, CONFIGMAPS)
        found.setdefault(key, []).append(msgspec.json.encode(item))
    return found


def cluster(objects: Iterable[Object], outcomes: Outcomes | None = None, **header: Any) -> Cluster:
    """The typed model of a cluster that was read whole, but for ``outcomes``."""
    return model.build(snapshot(objects, outcomes, **header))


def world(objects: Iterable[Object] | Snapshot, settings: Settings | None = None, **facts: Any) -> World:
    """The world of some objects, or of a snapshot, under facts such as ``rce=Fact.NO``."""
    read = objects if isinstance(objects, Snapshot) else snapshot(objects)
    return build(read, settings or Settings(facts=Facts(**facts)))


def edges(found: World, *rows: str, source: str = "", target: str = "") -> list[Edge]:
    """Edges of some rows, whose vertex keys hold these texts."""
    return [
        edge
        for edge in found.graph.edges()
        if (not rows or edge.row in rows) and source in edge.source.key and target in edge.target.key
    ]


def edge(found: World, row: str, source: str = "", target: str = "") -> Edge:
    """The only edge of a row between two vertices."""
    (one,) = edges(found, row, source=source, target=target)
    return one


def states(found: World, row: str, source: str = "", target: str = "") -> set[State]:
    """The states of the edges of a row."""
    return {one.state for one in edges(found, row, source=source, target=target)}


@cache
def shipped() -> dict[str, Policy]:
    """The shipped policies by id."""
    return {policy.id: policy for policy in compile_all(read_folder(data.policy_folder()))}


def scanned(objects: Iterable[Object] | Snapshot, *ids: str, settings: Settings | None = None) -> ScanResult:
    """The scan of some objects, or of a snapshot, by some shipped policies, or by all."""
    read = objects if isinstance(objects, Snapshot) else snapshot(objects)
    chosen = [policy for name, policy in shipped().items() if not ids or name in ids]
    return scan(read, chosen, settings or Settings(), RUN)


def check(result: ScanResult, name: str) -> CheckResult:
    """One check of a scan."""
    return next(found for found in result.checks if found.id == name)


def failing(result: ScanResult, name: str) -> list[Finding]:
    """The findings of one check."""
    return [found for found in result.findings if found.check == name]


def named(kind: str, api: str, name: str, namespace: str = "shop", **rest: Any) -> Object:
    """An object; ``metadata`` of ``rest`` adds to its name and namespace."""
    meta = {"name": name, **({"namespace": namespace} if namespace else {}), **rest.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": meta, **rest}


def namespace(name: str = "shop", **labels: str) -> Object:
    """A namespace."""
    return named("Namespace", "v1", name, "", metadata={"labels": labels})


def node(name: str = "n1", provider: str = "", *addresses: str, **labels: str) -> Object:
    """A node; labels are written with ``__`` for ``/`` and ``_`` for ``.``."""
    listed = [{"type": "InternalIP", "address": address} for address in (addresses or ("10.0.0.1",))]
    keys = {key.replace("__", "/").replace("_", "."): value for key, value in labels.items()}
    return named(
        "Node", "v1", name, "", metadata={"labels": keys}, spec={"providerID": provider}, status={"addresses": listed}
    )


def spec(image: str = "shop/web:1", ports: Iterable[int] = (8080,), **fields: Any) -> Object:
    """A pod spec with one container."""
    listed = [{"containerPort": port} for port in ports]
    return {"containers": [{"name": "web", "image": image, "ports": listed}], **fields}


def container(name: str = "web", **fields: Any) -> Object:
    """A container."""
    return {"name": name, "image": "shop/web:1", **fields}


def pod(
    name: str = "web-1",
    owner: Object | None = None,
    ip: str = "10.1.0.1",
    place: str = "n1",
    space: str = "shop",
    phase: str = "Running",
    **fields: Any,
) -> Object:
    """A running pod with label ``app: web``; ``fields`` are those of its spec, ``labels`` and ``ips`` apart."""
    labels = fields.pop("labels", {"app": "web"})
    ips = fields.pop("ips", [ip] if ip else [])
    meta: Object = {"uid": f"uid-{space}-{name}", "labels": labels}
    if owner is not None:
        meta["ownerReferences"] = [controlled_by(owner)]
    status = {"phase": phase, "podIP": ips[0] if ips else "", "podIPs": [{"ip": item} for item in ips]}
    described = fields if "containers" in fields else spec(**fields)
    return named("Pod", "v1", name, space, metadata=meta, spec={**described, "nodeName": place}, status=status)


def controlled_by(owner: Object) -> Object:
    """The ownerReference to a controller."""
    meta = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": meta["name"],
        "uid": meta.get("uid", "u"),
        "controller": True,
    }


def deployment(name: str = "web", space: str = "shop", labels: Object | None = None, **fields: Any) -> Object:
    """A Deployment with label ``app: web`` on its pods; ``fields`` are those of its pod spec."""
    template = {
        "metadata": {"labels": labels or {"app": name}},
        "spec": fields if "containers" in fields else spec(**fields),
    }
    return named(
        "Deployment",
        "apps/v1",
        name,
        space,
        metadata={"uid": f"uid-{name}"},
        spec={"replicas": 1, "template": template},
    )


def service(
    name: str = "web", kind: str = "ClusterIP", space: str = "shop", port: Object | None = None, **fields: Any
) -> Object:
    """A Service that selects ``app: web``; ``status`` and ``annotations`` apart, ``fields`` are those of its spec."""
    annotations, status = fields.pop("annotations", {}), fields.pop("status", [])
    ports = [port or {"port": 80, "targetPort": 8080, "protocol": "TCP"}]
    described = {"type": kind, "selector": {"app": "web"}, "ports": ports, **fields}
    return named(
        "Service",
        "v1",
        name,
        space,
        metadata={"annotations": annotations},
        spec=described,
        status={"loadBalancer": {"ingress": status}},
    )


def slice_of(owner: str, *pods: str, space: str = "shop", port: int = 8080, name: str = "", **fields: Any) -> Object:
    """An EndpointSlice of a Service with ready endpoints of some pods, or with ``endpoints``."""
    made = [{"addresses": ["10.1.0.1"], "targetRef": {"kind": "Pod", "name": pod, "namespace": space}} for pod in pods]
    rest = {
        "addressType": "IPv4",
        "endpoints": made,
        "ports": [{"name": "", "protocol": "TCP", "port": port}],
        **fields,
    }
    label = {"labels": {"kubernetes.io/service-name": owner}}
    return named("EndpointSlice", "discovery.k8s.io/v1", name or f"{owner}-1", space, metadata=label, **rest)


def policy(name: str = "deny", space: str = "shop", **fields: Any) -> Object:
    """A NetworkPolicy on every pod of the namespace; it denies ingress where nothing else is said."""
    described = {"podSelector": {}, "policyTypes": ["Ingress"], **fields}
    return named("NetworkPolicy", "networking.k8s.io/v1", name, space, spec=described)


def deny_egress(*excluded: str, cidr: str = "0.0.0.0/0") -> Object:
    """A NetworkPolicy that lets a namespace out to everything but some networks."""
    rule = {"to": [{"ipBlock": {"cidr": cidr, "except": list(excluded)}}]}
    return policy("egress", policyTypes=["Egress"], egress=[rule])


def calico() -> Object:
    """A DaemonSet that shows a network plugin which enforces policies."""
    template = {
        "spec": {"containers": [{"name": "calico-node", "image": "docker.io/calico/node:v3.28.0"}], "hostNetwork": True}
    }
    return named("DaemonSet", "apps/v1", "calico-node", "kube-system", spec={"template": template})


RBAC = "rbac.authorization.k8s.io/v1"


def rule(verbs: str, resources: str, groups: str = "core") -> Object:
    """A rule of blank-separated words; ``core`` is the group without a name."""
    return {
        "verbs": verbs.split(),
        "resources": resources.split(),
        "apiGroups": ["" if group == "core" else group for group in groups.split()],
    }


def role(name: str, *rules: Object, space: str = "") -> Object:
    """A ClusterRole, or a Role where a namespace is given."""
    return named("Role" if space else "ClusterRole", RBAC, name, space, rules=list(rules))


def bind(name: str, to: str, *subjects: str, space: str = "") -> Object:
    """A ClusterRoleBinding, or a RoleBinding in a namespace, of ClusterRole ``to`` or of ``Role/to``.

    Subjects are ``sa:namespace/name``, ``group:name`` and ``user:name``.
    """
    kind, _, role_name = to.rpartition("/")
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind or "ClusterRole", "name": role_name}
    return named(
        "RoleBinding" if space else "ClusterRoleBinding",
        RBAC,
        name,
        space,
        roleRef=ref,
        subjects=list(_subjects(subjects)),
    )


def _subjects(words: Iterable[str]) -> Iterator[Object]:
    for word in words:
        kind, _, name = word.partition(":")
        if kind == "sa":
            space, _, account = name.partition("/")
            yield {"kind": "ServiceAccount", "name": account, "namespace": space}
        else:
            yield {"apiGroup": "rbac.authorization.k8s.io", "kind": kind.capitalize(), "name": name}


def account(name: str = "default", space: str = "shop", **fields: Any) -> Object:
    """A ServiceAccount."""
    return named("ServiceAccount", "v1", name, space, **fields)


def ingress(name: str = "site", cls: str | None = "nginx", host: str = "shop.example", **fields: Any) -> Object:
    """An Ingress of one host to Service ``web`` port 80; ``annotations`` and ``status`` apart, the rest is its spec."""
    annotations, status = fields.pop("annotations", {}), fields.pop("status", [])
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rules = [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]
    described = {**({"ingressClassName": cls} if cls is not None else {}), "rules": rules, **fields}
    return named(
        "Ingress",
        "networking.k8s.io/v1",
        name,
        metadata={"annotations": annotations},
        spec=described,
        status={"loadBalancer": {"ingress": status}},
    )


def ingress_class(name: str = "nginx", controller: str = "k8s.io/ingress-nginx", **annotations: str) -> Object:
    """An IngressClass."""
    spec_ = {"controller": controller}
    return named("IngressClass", "networking.k8s.io/v1", name, "", metadata={"annotations": annotations}, spec=spec_)


def controller(address: str = "203.0.113.9") -> list[Object]:
    """ingress-nginx behind a load balancer of its own."""
    image = "registry.k8s.io/ingress-nginx/controller:v1.12.1"
    return [
        pod("nginx-1", space="ingress", ip="10.1.9.1", labels={"app": "nginx"}, image=image, ports=(80,)),
        service(
            "nginx",
            "LoadBalancer",
            "ingress",
            {"port": 80, "targetPort": 80},
            status=[{"ip": address}],
            selector={"app": "nginx"},
        ),
        slice_of("nginx", "nginx-1", space="ingress", port=80),
        ingress_class(),
    ]


def admin_path(suffix: str) -> list[Object]:
    """A Deployment behind a public load balancer whose token amounts to cluster-admin; pods are named by ``suffix``."""
    owner = deployment()
    return [
        namespace(),
        node(),
        owner,
        pod(f"web-{suffix}", owner),
        account(),
        service(kind="LoadBalancer", status=[{"ip": "203.0.113.1"}]),
        slice_of("web", f"web-{suffix}", name=f"web-{suffix}"),
        role("cluster-admin", rule("*", "*", "*")),
        bind("b", "cluster-admin", "sa:shop/default"),
    ]
