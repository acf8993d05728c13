"""network-config-analyzer: its configurations as clusters, and our relation between their pods (network.md, 8.2).

A set of connections is an int: a bit for each port of TCP, UDP and SCTP, and one for what has no ports (MAP-24).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from network.clusters import cluster

from conformance.corpora import documents
from conformance.netpol.corpora import manifests
from conformance.netpol.nca_ingress import ingress_policies, simulated
from conformance.netpol.nca_mesh import HOSTS, ROOT, ROUTES, SIDECARS, mesh_policies, narrowed, registry
from conformance.netpol.nca_nets import without_pods
from kubeaudit.kinds import by_api_kind
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.selectors import bits_of
from kubeaudit.network.mesh.membership import Mesh
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.plugin.profiles import CALICO
from kubeaudit.network.ports import PROTOCOLS
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.network.verdicts import Direction
from kubeaudit.settings import Fact

Object = dict[str, Any]
PROFILE = CniProfile(name="network-config-analyzer", enforces=Fact.YES, ipblock_matches_pods=Fact.NO, implements=CALICO)
"""Addresses never match pods; everything that is installed is enforced."""
_WIDTH = 1 << 16
PORTLESS = 1 << len(PROTOCOLS) * _WIDTH
EVERYTHING = PORTLESS | sum((1 << _WIDTH) - 2 << number * _WIDTH for number in range(len(PROTOCOLS)))
TCP = ((1 << _WIDTH) - 2) << PROTOCOLS.index("TCP") * _WIDTH
_TOPOLOGY = ("Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController")
_BESIDE = ("Service", "Node", "ServiceAccount", "HostEndpoint", "NetworkSet", "GlobalNetworkSet", "ServiceEntry")
_OWN = ("NetworkPolicy", "GlobalNetworkPolicy", "Profile", "NetworkSet", "GlobalNetworkSet", "AuthorizationPolicy")
"""Kinds that we evaluate as they are. Upstream reads no PeerAuthentication."""
_TRANSLATED = ("Ingress", "Sidecar", "Gateway", "VirtualService")
_UNKNOWN = ("Sidecar", "ServiceEntry", "WorkloadEndpoint")
"""Kinds that the product has no use for."""
_OWN_TOPOLOGY = ("podList", "namespaceList", "resourceList")
"""A configuration with none of these has the pods that all share, to which upstream adds none."""
_HEADING = re.compile(r"^apiVersion: (\S+)\nkind: (\w+)", re.MULTILINE)
_CLASSES = {
    "K8sNetworkPolicy": "networking.k8s.io",
    "CalicoNetworkPolicy": "projectcalico.org",
    "CalicoGlobalNetworkPolicy": "projectcalico.org",
    "IstioAuthorizationPolicy": "security.istio.io",
    "IstioSidecar": "networking.istio.io",
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
class Captured:
    """Connections that policies are about: those below a mesh, and those of a mesh."""

    below: int = 0
    mesh: int = 0

    def of(self, held: int) -> int:
        """What is explicit in the connections of a pair. A rule of a mesh that lets all of TCP pass lets all pass."""
        return held & self.below | (held if held & TCP == TCP else held & TCP) & self.mesh


@dataclass(frozen=True)
class Config:
    """A configuration: its peers, our engine, and the addresses that stand for hosts of ServiceEntries."""

    name: str
    peers: tuple[Peer, ...]
    reach: Reach
    hosts: dict[str, str]

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
        judge, universe = self.reach.judge, self.reach.judge.universe
        for direction in Direction:
            for ports, found in self._rows(cls, direction):
                held = _connections(judge.ports, ports)
                for place in universe.space.ranges(universe.atoms_of(found)):
                    for peer in peers:
                        relation.with_outside(peer.key, str(direction), place, held)
                for host, address in self.hosts.items() if direction is Direction.EGRESS else ():
                    if found & universe.address_bit(address):
                        for peer in peers:
                            relation.pair(peer.key, host, held & TCP)

    def _rows(self, cls: int, direction: Direction) -> Iterator[tuple[int, int]]:
        """Ports with their peers as policies have them, and what a mesh leaves of them."""
        judge = self.reach.judge
        narrowed = judge.narrowing.rows(cls) if judge.narrowing and direction is Direction.INGRESS else ()
        for row in judge.table(direction).of(cls).row:
            left = row.ports
            for other in narrowed:
                left &= ~other.ports
                yield row.ports & other.ports, row.peers & other.peers
            yield left, row.peers

    def captured(self, direction: Direction) -> dict[str, Captured]:
        """What policies of the configuration are about, of every peer (MAP-20)."""
        judge = self.reach.judge
        below, mesh = list[tuple[int, int]](), list[tuple[int, int]]()
        for policy in self.reach.policies:
            if policy.half(direction) and policy.tier.name != HOSTS:
                kept = mesh if policy.tier.name in (SIDECARS, ROUTES) else below
                kept.append((policy.selected, TCP if policy.tier.name == ROUTES else EVERYTHING))
        for policy in judge.narrowing.policies if judge.narrowing and direction is Direction.INGRESS else ():
            narrow = all(rule.operations for rule in policy.source.spec.rules)
            mesh.append((policy.selected, TCP if narrow else EVERYTHING))
        return {peer.key: Captured(_about(below, peer.cls), _about(mesh, peer.cls)) for peer in self.peers}


def _about(policies: list[tuple[int, int]], cls: int) -> int:
    held = 0
    for selected, connections in policies:
        held |= connections if selected >> cls & 1 else 0
    return held


def _connections(space: Any, ports: int) -> int:
    held = PORTLESS if ports & space.icmp else 0
    for protocol, first, last in space.intervals(ports):
        held |= span(protocol, first, last)
    return held


def config(root: Path, name: str, definition: dict[str, Any], given: dict[str, Any]) -> Config:
    """The cluster of a configuration; a name like ``config/namespace/policy`` keeps that policy alone."""

    def read(key: str, kinds: tuple[str, ...]) -> list[Object]:
        """Objects of a list, else of the resources; those of the configuration come before what all of them share."""
        stated = (some.get(k) for some in (definition, given) for k in (key, "resourceList"))
        return list(_read(root, next(filter(None, stated), []), kinds))

    policies = [p for p in read("networkPolicyList", (*_OWN, *_TRANSLATED)) if _is_chosen(p, name)]
    topology = read("podList", (*_TOPOLOGY, *_BESIDE))
    added = list(simulated(policies, topology)) if any(key in definition for key in _OWN_TOPOLOGY) else []
    topology += added
    known = registry(topology)
    made = [*ingress_policies(policies, topology), *mesh_policies(policies, known)]
    own = [narrowed(p) if p["kind"] == "AuthorizationPolicy" else p for p in policies if p["kind"] in _OWN]
    evaluated = without_pods([*own, *made], topology)
    listed = list(_one_each([*added, *read("namespaceList", ("Namespace",)), *topology, *evaluated]))
    found = cluster(*listed)
    everyone = Mesh(inside=(1 << len(found.classes)) - 1, perhaps=0, ambient=0, root=ROOT)
    return Config(name, tuple(_peers(found, listed)), assemble(found, PROFILE, everyone), known.addresses)


def _one_each(objects: Iterable[Object]) -> Iterator[Object]:
    """Every object once, pods without what upstream does not look at: host network, node, phase."""
    seen = set()
    for value in objects:
        meta = value["metadata"]
        key = (value["apiVersion"], value["kind"], meta.get("namespace", ""), meta["name"])
        if key in seen or value["kind"] in _UNKNOWN:
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
    """The objects of a file or folder, read once for all cases, with those of kinds that the product has no use for."""
    files = [file for file in sorted(place.rglob("*")) if file.is_file()] if place.is_dir() else [place]
    others = [v for file in files if _has_odd(file.read_text("utf-8")) for v in documents(file) if isinstance(v, dict)]
    return (*manifests(place), *(_placed(v) for v in others if v.get("kind") in _UNKNOWN or _is_misplaced(v)))


def _has_odd(text: str) -> bool:
    """Whether a file may have objects that manifests of the product cannot be."""
    headings = ({"apiVersion": version, "kind": kind} for version, kind in _HEADING.findall(text))
    return any(kind in text for kind in _UNKNOWN) or any(map(_is_misplaced, headings))


def _is_misplaced(value: Object) -> bool:
    """Whether a workload stands in an API that does not have it, or no longer; upstream looks at its kind alone."""
    group = str(value.get("apiVersion")).rpartition("/")[0]
    return value.get("kind") in _TOPOLOGY and (group, value["kind"]) not in by_api_kind()


def _placed(value: Object) -> Object:
    """An object in its namespace and its API, and a pod that Calico shows as a workload endpoint as a pod."""
    placed = value | {"metadata": {"namespace": "default"} | value["metadata"]}
    if _is_misplaced(value):
        return placed | {"apiVersion": "v1" if value["kind"] == "Pod" else "apps/v1"}
    return _pod(placed) if value["kind"] == "WorkloadEndpoint" else placed


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
        if policy["apiVersion"].partition("/")[0] != _CLASSES[wanted[0]]:
            return False
        wanted = wanted[1:]
    own = [meta["namespace"], meta["name"]] if policy["kind"] != "GlobalNetworkPolicy" else [meta["name"]]
    return wanted == own


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
