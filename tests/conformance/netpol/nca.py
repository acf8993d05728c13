"""network-config-analyzer: its configurations as clusters, and our relation between their pods (network.md, 8.2).

A set of connections is an int: a bit for each port of TCP, UDP and SCTP, and one for what has no ports (MAP-24).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from network.clusters import cluster

from conformance.corpora import documents
from conformance.netpol.corpora import manifests
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.selectors import bits_of
from kubeaudit.network.cni import CniProfile
from kubeaudit.network.ports import PROTOCOLS
from kubeaudit.network.profiles import CALICO
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.network.verdicts import Direction
from kubeaudit.settings import Fact

Object = dict[str, Any]
PROFILE = CniProfile(name="network-config-analyzer", enforces=Fact.YES, ipblock_matches_pods=Fact.NO, implements=CALICO)
"""Addresses never match pods; everything that is installed is enforced."""
_WIDTH = 1 << 16
PORTLESS = 1 << len(PROTOCOLS) * _WIDTH
EVERYTHING = PORTLESS | sum((1 << _WIDTH) - 2 << number * _WIDTH for number in range(len(PROTOCOLS)))
_TOPOLOGY = ("Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController")
_BESIDE = ("Service", "Node", "ServiceAccount", "HostEndpoint", "NetworkSet", "GlobalNetworkSet")
_POLICY_KINDS = (
    "NetworkPolicy",
    "GlobalNetworkPolicy",
    "Profile",
    "Ingress",
    "NetworkSet",
    "GlobalNetworkSet",
)
_CLASSES = {
    "K8sNetworkPolicy": "networking.k8s.io/v1",
    "CalicoNetworkPolicy": "projectcalico.org/v3",
    "CalicoGlobalNetworkPolicy": "projectcalico.org/v3",
}


SIMULATED = "ingress-controller-livesim"
_CONTROLLER: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": SIMULATED, "namespace": "ingress-controller-ns"},
    "spec": {"containers": []},
    "status": {},
}


def span(protocol: str, first: int = 1, last: int = _WIDTH - 1) -> int:
    """Some ports of a protocol; every protocol without ports is one bit."""
    if protocol not in PROTOCOLS:
        return PORTLESS
    return ((1 << last + 1) - (1 << first)) << PROTOCOLS.index(protocol) * _WIDTH


@dataclass(frozen=True)
class Peer:
    """A pod, or a workload without pods, under every name upstream has for it."""

    key: str
    namespace: str
    names: frozenset[str]
    labels: dict[str, str]
    cls: int

    @property
    def owner(self) -> str:
        return min(self.names, key=len)


Range = tuple[int, int, int]
"""IP version, first and last address."""


@dataclass
class Relation:
    """Connections by pair of peers; those with outside addresses by (peer, direction), as ranges with connections."""

    pairs: dict[tuple[str, str], int] = field(default_factory=dict)
    outside: dict[tuple[str, str], list[tuple[Range, int]]] = field(default_factory=dict)

    def pair(self, source: str, target: str, connections: int) -> None:
        if source != target and connections:
            self.pairs[source, target] = self.pairs.get((source, target), 0) | connections

    def with_outside(self, peer: str, direction: str, place: Range, connections: int) -> None:
        if connections:
            self.outside.setdefault((peer, direction), []).append((place, connections))

    def flat(self, keep: Any = lambda *ends: True, versions: tuple[int, ...] = (4,)) -> dict[Any, Any]:
        """Everything in a form that can be compared: ranges are merged where they have the same connections."""
        found: dict[Any, Any] = {ends: held for ends, held in self.pairs.items() if keep(*ends)}
        for (peer, direction), ranges in self.outside.items():
            merged = _merged([(place, held) for place, held in ranges if place[0] in versions])
            if keep(peer) and merged:
                found[peer, direction, "outside"] = merged
        return found


def _merged(ranges: list[tuple[Range, int]]) -> list[tuple[Range, int]]:
    """Cut at every edge, unite the connections of what overlaps, and join neighbours with equal ones."""
    found: list[tuple[Range, int]] = []
    for version in (4, 6):
        listed = [(first, last, held) for (v, first, last), held in ranges if v == version]
        cuts = sorted({first for first, _, _ in listed} | {last + 1 for _, last, _ in listed})
        for first, behind in pairwise(cuts):
            held = 0
            for low, high, connections in listed:
                held |= connections if low <= first and behind - 1 <= high else 0
            if not held:
                continue
            if found and found[-1][1] == held and found[-1][0][0] == version and found[-1][0][2] == first - 1:
                found[-1] = ((version, found[-1][0][1], behind - 1), held)
            else:
                found.append(((version, first, behind - 1), held))
    return found


def overlaid(some: list[tuple[Range, int]], others: list[tuple[Range, int]]) -> Iterator[tuple[int, int]]:
    """The connections of both over every piece of the address space that any of their edges cuts."""
    for version in (4, 6):
        edges = {edge for (v, low, high), _ in (*some, *others) if v == version for edge in (low, high + 1)}
        for edge in sorted(edges):
            yield _at(some, version, edge), _at(others, version, edge)


def _at(ranges: list[tuple[Range, int]], version: int, address: int) -> int:
    held = 0
    for (v, low, high), connections in ranges:
        held |= connections if v == version and low <= address <= high else 0
    return held


@dataclass(frozen=True)
class Config:
    """A configuration: its peers, our engine, and what it was made from."""

    name: str
    peers: tuple[Peer, ...]
    reach: Reach
    namespaces: frozenset[str]

    def relation(self) -> Relation:
        """What our engine lets through. A state that is not known fails the case."""
        relation, by_class = Relation(), dict[int, list[Peer]]()
        for peer in self.peers:
            by_class.setdefault(peer.cls, []).append(peer)
        space = self.reach.judge.ports
        for target, targets in by_class.items():
            for column in self.reach.matrix.columns(target, exempt=False):
                held = _connections(space, column.ports)
                assert not column.unknown or not held & ~PORTLESS, f"unknown towards {targets[0].key}"
                for source in bits_of(column.reachable):
                    for peer in by_class.get(source, ()):
                        for other in targets:
                            relation.pair(peer.key, other.key, held)
            self._outside(relation, target, targets)
        return relation

    def _outside(self, relation: Relation, cls: int, peers: list[Peer]) -> None:
        universe, judge = self.reach.judge.universe, self.reach.judge
        for direction in Direction:
            for row in judge.table(direction).of(cls).row:
                held = _connections(judge.ports, row.ports)
                for place in universe.space.ranges(universe.atoms_of(row.peers)):
                    for peer in peers:
                        relation.with_outside(peer.key, str(direction), place, held)

    def captured(self, direction: Direction) -> frozenset[str]:
        """Peers that some policy of the configuration is about in a direction (MAP-20)."""
        selected = self.reach.judge.table(direction).selected
        return frozenset(peer.key for peer in self.peers if selected >> peer.cls & 1)


def _connections(space: Any, ports: int) -> int:
    held = PORTLESS if ports & space.icmp else 0
    for protocol, first, last in space.intervals(ports):
        held |= span(protocol, first, last)
    return held


def config(root: Path, name: str, definition: dict[str, Any], given: dict[str, Any], simulated: bool = False) -> Config:
    """The cluster of a configuration; a name like ``config/namespace/policy`` keeps that policy alone.

    ``simulated``: upstream adds a pod for an ingress controller that the files lack.
    """
    lists = {key: definition.get(key, given.get(key, [])) for key in ("podList", "namespaceList", "networkPolicyList")}
    whole = definition.get("resourceList", given.get("resourceList", []))
    topology = list(_read(root, [*lists["podList"], *whole], (*_TOPOLOGY, *_BESIDE)))
    spaces = list(_read(root, [*lists["namespaceList"], *whole], ("Namespace",)))
    policies = [p for p in _read(root, [*lists["networkPolicyList"], *whole], _POLICY_KINDS) if _is_chosen(p, name)]
    topology += [_CONTROLLER] if simulated else []
    policies = [made for policy in policies for made in _as_policies(policy, topology)]
    listed = list(_one_each([*spaces, *topology, *policies]))
    found = cluster(*listed)
    return Config(name, tuple(_peers(found, listed)), assemble(found, PROFILE), frozenset(found.namespaces))


def _one_each(objects: Iterable[Object]) -> Iterator[Object]:
    """Every object once, pods without what upstream does not look at: host network, node, phase."""
    seen = set()
    for value in objects:
        meta = value["metadata"]
        key = (value["apiVersion"], value["kind"], meta.get("namespace", ""), meta["name"])
        if key in seen:
            continue
        seen.add(key)
        if value["kind"] == "Pod":
            spec = {k: v for k, v in value.get("spec", {}).items() if k not in ("hostNetwork", "nodeName")}
            spec["containers"] = [c | {"ports": _ports(c.get("ports"))} for c in spec.get("containers", [])]
            value = value | {"spec": spec, "status": {k: v for k, v in value.get("status", {}).items() if k != "phase"}}
        yield value


def _ports(listed: Any) -> list[Object]:
    """Ports of a container; where a file has one port instead of a list, upstream reads it all the same."""
    return [listed] if isinstance(listed, dict) else listed or []


@cache
def _objects(place: Path) -> tuple[Object, ...]:
    """The objects of a file or folder, read once for all cases, and pods that Calico shows as workload endpoints."""
    listed = tuple(manifests(place))
    if place.is_dir():
        return listed
    endpoints = (v for v in documents(place) if isinstance(v, dict) and v.get("kind") == "WorkloadEndpoint")
    return (*listed, *map(_pod, endpoints))


def _read(root: Path, files: list[str], kinds: tuple[str, ...]) -> Iterator[Object]:
    for file in files:
        yield from (value for value in _objects(root / file) if value["kind"] in kinds)


def _pod(endpoint: Object) -> Object:
    """Calico's view of a pod, made a pod again (MAP-28)."""
    meta, spec = endpoint["metadata"], endpoint["spec"]
    labels = meta.get("labels", {})
    ports = [
        {"name": p.get("name", ""), "protocol": p["protocol"].upper(), "containerPort": p["port"]}
        for p in spec.get("ports", [])
    ]
    account = labels.get("projectcalico.org/serviceaccount", "default")
    containers = [{"name": "main", "image": "main", "ports": ports}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": spec["pod"], "namespace": meta["namespace"], "labels": labels},
        "spec": {"serviceAccountName": account, "containers": containers},
        "status": {"podIPs": [{"ip": net.partition("/")[0]} for net in spec.get("ipNetworks", [])]},
    }


def _is_chosen(policy: Object, name: str) -> bool:
    _, *wanted = name.split("/")
    if not wanted:
        return True
    meta = policy["metadata"]
    if wanted[0] in _CLASSES:
        if policy["apiVersion"] != _CLASSES[wanted[0]]:
            return False
        wanted = wanted[1:]
    own = [meta["namespace"], meta["name"]] if policy["kind"] != "GlobalNetworkPolicy" else [meta["name"]]
    return wanted == own


def _as_policies(policy: Object, topology: list[Object]) -> Iterator[Object]:
    """Upstream an Ingress restricts its controllers to its backends, in a layer of its own: a tier here."""
    if policy["kind"] != "Ingress":
        yield policy
        return
    space = policy["metadata"]["namespace"]
    services = {(s["metadata"]["namespace"], s["metadata"]["name"]): s for s in topology if s["kind"] == "Service"}
    rules = [rule for backend in _backends(policy["spec"]) for rule in _to_backend(backend, space, services)]
    controllers = [_pods_of(s) for (_, name), s in services.items() if "ingress-nginx" in name] or [_in(space)]
    if _CONTROLLER in topology:
        controllers = [_in(_CONTROLLER["metadata"]["namespace"])]
    yield {
        "apiVersion": "projectcalico.org/v3",
        "kind": "Tier",
        "metadata": {"name": "ingress"},
        "spec": {"order": 1, "defaultAction": "Deny"},
    }
    yield {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": f"{space}-{policy['metadata']['name']}"},
        "spec": {"tier": "ingress", "selector": " || ".join(controllers), "types": ["Egress"], "egress": rules},
    }


def _backends(spec: Object) -> Iterator[Object]:
    if "defaultBackend" in spec:
        yield spec["defaultBackend"]["service"]
    for rule in spec.get("rules", []):
        for path in rule.get("http", {}).get("paths", []):
            yield path["backend"]["service"]


def _to_backend(backend: Object, space: str, services: dict[tuple[str, str], Object]) -> Iterator[Object]:
    service = services.get((space, backend["name"]))
    wanted = backend.get("port", {})
    for port in service["spec"]["ports"] if service else ():
        if wanted.get("number") == port["port"] or (wanted.get("name") and wanted["name"] == port.get("name")):
            target = {"selector": _pods_of(service), "ports": [port.get("targetPort", port["port"])]}
            yield {"action": "Pass", "protocol": "TCP", "destination": target}


def _pods_of(service: Object) -> str:
    terms = [f"{key} == '{value}'" for key, value in service["spec"].get("selector", {}).items()]
    return f"({' && '.join([_in(service['metadata']['namespace']), *terms])})"


def _in(space: str) -> str:
    return f"projectcalico.org/namespace == '{space}'"


def _peers(found: Cluster, listed: Iterable[Object]) -> Iterator[Peer]:
    classes = {(pod.namespace, pod.name): pod.cls for pod in found.pods}
    bare = {
        (ref.kind, ref.namespace, ref.name): cls.index
        for cls in found.classes
        if not cls.pods
        for ref in (found.workloads[cls.workload].ref,)
    }
    for value in listed:
        meta, kind = value["metadata"], value["kind"]
        space, name = meta.get("namespace", ""), meta["name"]
        if kind == "Pod":
            owners = [owner for owner in meta.get("ownerReferences", []) if owner.get("name")]
            above = [owner["name"].rpartition("-")[0] for owner in owners if owner["kind"] == "ReplicaSet"]
            names = frozenset([name, *(owner["name"] for owner in owners), *filter(None, above)])
            yield Peer(f"{space}/{name}", space, names, meta.get("labels") or {}, classes[space, name])
        elif (kind, space, name) in bare:
            labels = value["spec"].get("template", {}).get("metadata", {}).get("labels", {})
            yield Peer(f"{space}/{name}", space, frozenset([name]), labels, bare[kind, space, name])
