"""netpol-analyzer's relation, read from its output formats and rebuilt from ours (network.md, 8.1, MAP-1..9)."""

import csv
import io
import ipaddress
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from network.clusters import cluster, pod

from kubeaudit.edges.context import Context
from kubeaudit.model.cluster import Cluster
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS
from kubeaudit.network.reach import assemble
from kubeaudit.proof import State
from kubeaudit.queries.ingress_hop import hops
from kubeaudit.rbac import access
from kubeaudit.settings import Fact, Settings

Ports = frozenset[tuple[str, int, int]]
Ranges = tuple[tuple[int, int], ...]
Relation = frozenset[tuple[str, str, Ports, Ranges]]
"""(source, destination, ports, addresses of the external end): ranges with equal peer and ports are merged (MAP-6)."""

EXTERNAL = "external"
CONTROLLER = "{ingress-controller}"
ENTRIES = ("Ingress", "Route")
PROFILE = CniProfile(
    name="netpol-analyzer",
    enforces=Fact.YES,
    ipblock_matches_pods=Fact.NO,
    networks_match_pods=Fact.NO,
    implements=("policy.networking.k8s.io",),
)
"""ipBlocks and ``networks`` never match pods (MAP-7)."""
_ANY_CONTROLLER = pod("ingress-controller", "ingress-controller-ns")
_TEMPLATED = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job", "CronJob")
_PLACED = ("hostNetwork", "nodeName", "replicas", "parallelism", "completions", "suspend")
"""Fields of specs that say where pods are and how many."""
_EXPOSURE = "Exposure Analysis Result"
_EDGE = r'^\s*"([^"]+)" -> "([^"]+)" \[label="([^"]*)"(?!.*style=dashed)'
_EVERYTHING: Ports = frozenset((protocol, FIRST, LAST) for protocol in PROTOCOLS)


class Focus(NamedTuple):
    """What a list is narrowed to: workloads (name, or namespace/name), their peers, the direction seen from the
    workloads, one port.
    """

    workloads: frozenset[str] = frozenset()
    peers: frozenset[str] = frozenset()
    direction: str = ""
    port: tuple[str, int, int] | None = None

    def keeps(self, source: str, target: str) -> bool:
        """Whether a row is shown."""
        seen = {"ingress": ((target, source),), "egress": ((source, target),)}
        ends = seen.get(self.direction, ((source, target), (target, source)))
        return any(_among(one, self.workloads) and _among(other, self.peers) for one, other in ends)

    def covers(self, workload: str, direction: str) -> bool:
        """Whether what a workload is exposed to in a direction is shown."""
        return _among(workload, self.workloads) and self.direction in ("", direction)

    def held(self, ports: Ports) -> Ports:
        """What is shown of the ports of a row."""
        if self.port is None:
            return ports
        protocol, number, _ = self.port
        inside = any(word == protocol and first <= number <= last for word, first, last in ports)
        return frozenset([self.port]) if inside else frozenset()


EVERYTHING = Focus()


def focus(options: dict[str, Any]) -> Focus:
    """The options of a case as a focus; a direction and peers mean something beside workloads only."""
    workloads = frozenset(options.get("focusworkload", ()))
    protocol, _, number = options.get("focus_conn", "").upper().partition("-")
    return Focus(
        workloads,
        frozenset(options.get("focusworkload_peer", ())) if workloads else frozenset(),
        options.get("focus_direction", "") if workloads else "",
        (protocol, int(number), int(number)) if protocol else None,
    )


def _among(end: str, names: frozenset[str]) -> bool:
    full = end.partition("[")[0].strip("{}")
    return not names or full in names or full.partition("/")[2] in names


def read(text: str, fmt: str, narrowed: Focus = EVERYTHING) -> Relation:
    """The relation an output file states; what it says of exposure to unknown peers is left out (MAP-11).

    Lists of one port leave it out of their rows.
    """
    if fmt != "dot":
        text = text.partition(_EXPOSURE)[0].rstrip("#\n ")
    rows = {"txt": _txt, "md": _md, "csv": _csv, "json": _json, "dot": _dot}[fmt](text)
    return merged(
        (*_ends(source, target), frozenset([narrowed.port]) if narrowed.port else ports(conn))
        for source, target, conn in rows
    )


def load(objects: Iterable[dict[str, Any]]) -> tuple[Cluster, list[dict[str, Any]]]:
    """The cluster of a case, and the objects as they were given to it (MAP-7)."""
    listed = [_as_seen(found) for found in _one_each(objects)]
    return cluster(*listed), listed


def ours(found: Cluster, listed: Iterable[dict[str, Any]], narrowed: Focus = EVERYTHING) -> Relation:
    """The same relation by our engine. Host network, nodes, phases and IPv6 play no part in it (MAP-7)."""
    names, reach = names_of(found, listed), assemble(found, PROFILE)
    grouped: dict[tuple[str, str], set[tuple[str, int, int]]] = {}
    for way in through(listed):
        grouped.setdefault((CONTROLLER, way.target), set()).add(("TCP", way.port, way.port))
    for row in reach.relation(["IPv4"]):
        if row.state is State.YES:
            grouped.setdefault((row.source, row.target), set()).add((row.protocol, row.first, row.last))
    return merged(
        (one, other, narrowed.held(ports_of(ports_mask(held)) if source == CONTROLLER else frozenset(held)))
        for (source, target), held in grouped.items()
        for one in names.get(source, {source})
        for other in names.get(target, {target})
        if one != other and narrowed.keeps(one, other)
    )


class Way(NamedTuple):
    """A way in through an Ingress or a Route: its kind and name, and a port of a class."""

    kind: str
    entry: str
    target: str
    port: int


def through(listed: Iterable[dict[str, Any]]) -> frozenset[Way]:
    """The ways in for a controller that stands for every controller: a pod without labels, in a namespace of its own,
    whatever controllers the objects show (MAP-13). Services lead where their selectors say. Ports that no container
    declares are closed upstream.
    """
    objects = [_unclassed(found) for found in listed if found["kind"] not in ("IngressClass", "EndpointSlice")]
    if not any(found["kind"] in ENTRIES for found in objects):
        return frozenset()
    found = cluster(*objects, _ANY_CONTROLLER)
    reach = assemble(found, PROFILE)
    source = next(cls.index for cls in found.classes if cls.namespace == _ANY_CONTROLLER["metadata"]["namespace"])
    ways = set()
    for hop in hops(Context(found, reach, access.build(found), Settings())):
        cls, entry = found.classes[hop.target], hop.entry
        declared = {port.container_port for container in cls.shape.containers for port in container.ports}
        if hop.port in declared and reach.connect(source, cls.index, "TCP", hop.port).state is State.YES:
            ways.add(Way(entry.kind, f"{entry.namespace}/{entry.name}", f"{cls.namespace}/{cls.name}", hop.port))
    return frozenset(ways)


def _unclassed(found: dict[str, Any]) -> dict[str, Any]:
    """An Ingress without its class: upstream does not ask whose it is."""
    if found["kind"] != "Ingress":
        return found
    spec = {key: value for key, value in found.get("spec", {}).items() if key != "ingressClassName"}
    return found | {"spec": spec, "metadata": found["metadata"] | {"annotations": {}}}


def ports(conn: str) -> Ports:
    """``TCP 1-9089,9091-65535,UDP 53``: a protocol word holds for the intervals that follow it (MAP-2)."""
    if conn == "All Connections":
        return _EVERYTHING
    found, protocol = set(), ""
    for part in conn.split(",") if conn != "No Connections" else ():
        word, _, interval = part.strip().rpartition(" ")
        protocol = word or protocol
        first, _, last = interval.partition("-")
        found.add((protocol, int(first), int(last or first)))
    return frozenset(found)


def ports_mask(found: Iterable[tuple[str, int, int]]) -> int:
    """Ports as one int, a bit for each port of each protocol."""
    mask = 0
    for protocol, first, last in found:
        mask |= (1 << last + 1) - (1 << first) << PROTOCOLS.index(protocol) * (LAST + 1)
    return mask


def ports_of(mask: int) -> Ports:
    """The intervals of such an int."""
    found = set()
    for number, protocol in enumerate(PROTOCOLS):
        held = mask >> number * (LAST + 1) & (1 << LAST + 1) - 1
        while held:
            first = (held & -held).bit_length() - 1
            run = held >> first
            length = (~run & run + 1).bit_length() - 1
            found.add((protocol, first, first + length - 1))
            held &= ~((1 << first + length) - 1)
    return frozenset(found)


OPEN = ports_mask(_EVERYTHING)


def merged(rows: Iterable[tuple[str, str, Any]]) -> frozenset[Any]:
    """Rows with something to tell, ranges of equal peer and content joined (MAP-6)."""
    by_peer: dict[tuple[str, str, Any], list[tuple[int, int]]] = {}
    for source, target, held in rows:
        ends, place = (source, target), None
        for number, end in enumerate(ends):
            if is_range(end):
                place = interval_of(end)
                ends = (EXTERNAL, target) if number == 0 else (source, EXTERNAL)
        if held:
            by_peer.setdefault((*ends, held), []).extend([place] if place else [])
    return frozenset((*key, joined_ranges(places)) for key, places in by_peer.items())


def joined_ranges(places: list[tuple[int, int]]) -> Ranges:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(set(places)):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def is_range(end: str) -> bool:
    return end[:1].isdigit() and "[" not in end and end.count(".") >= 3 and "/" not in end.partition("/")[2]


def interval_of(end: str) -> tuple[int, int]:
    if "/" in end:
        network = ipaddress.ip_network(end)
        return int(network.network_address), int(network.broadcast_address)
    first, _, last = end.partition("-")
    return int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last or first))


def _ends(source: str, target: str) -> tuple[str, str]:
    return source.removesuffix("[External]"), target.removesuffix("[External]")


def _txt(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines():
        if " => " in line:
            ends, _, conn = line.partition(" : ")
            source, _, target = ends.partition(" => ")
            yield source.strip(), target.strip(), conn.strip()


def _md(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) in (2, 3):
            yield cells[0], cells[1], "".join(cells[2:])


def _csv(text: str) -> Iterator[tuple[str, str, str]]:
    for row in csv.DictReader(io.StringIO(text)):
        yield row["src"], row["dst"], row.get("conn", "")


def _json(text: str) -> Iterator[tuple[str, str, str]]:
    stated = json.loads(text)
    if isinstance(stated, dict):
        stated = next(found for key, found in stated.items() if key.startswith("connlist")) or ()
    for row in stated:
        yield row["src"], row["dst"], row.get("conn", "")


def _dot(text: str) -> Iterator[tuple[str, str, str]]:
    yield from re.findall(_EDGE, text, re.MULTILINE)


def _one_each(objects: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """An object that is listed twice is one."""
    seen: dict[tuple[str, str, str], dict[str, Any]] = {}
    for found in objects:
        seen.setdefault((found["kind"], found["metadata"].get("namespace", ""), found["metadata"]["name"]), found)
    yield from seen.values()


def _as_seen(found: dict[str, Any]) -> dict[str, Any]:
    """An object without what plays no part: hosts and nodes, phases, how many pods there are (MAP-4), and owners of
    what is no pod, which are not followed (MAP-3).
    """
    if found["kind"] not in ("Pod", *_TEMPLATED):
        return found
    kept = {key: value for key, value in _off_nodes(found).items() if key != "status"}
    if found["kind"] == "Pod":
        return kept | {"status": {key: value for key, value in found.get("status", {}).items() if key != "phase"}}
    metadata = {key: value for key, value in found["metadata"].items() if key != "ownerReferences"}
    return kept | {"metadata": metadata}


def _off_nodes(found: Any) -> Any:
    """An object, or a part of one, whose pods are of no node and no certain number."""
    if not isinstance(found, dict):
        return found
    nested = {key: _off_nodes(found[key]) for key in ("spec", "template", "jobTemplate") if key in found}
    return {key: nested.get(key, value) for key, value in found.items() if key not in _PLACED}


def names_of(found: Cluster, listed: Iterable[dict[str, Any]]) -> dict[str, set[str]]:
    """Upstream's names of every class: the direct controllers of its pods, else its workload (MAP-3)."""
    owners = {
        (pod["metadata"]["namespace"], pod["metadata"]["name"]): _owner(pod["metadata"])
        for pod in listed
        if pod["kind"] == "Pod"
    }
    names: dict[str, set[str]] = {}
    for cls in found.classes:
        ref = found.workloads[cls.workload].ref
        pods = (found.pods[number] for number in cls.pods)
        held = {f"{pod.namespace}/{owners[pod.namespace, pod.name]}" for pod in pods}
        names[f"{cls.namespace}/{cls.name}"] = held or {f"{ref.namespace}/{ref.name}[{ref.kind}]"}
    return names


def _owner(metadata: dict[str, Any]) -> str:
    for owner in metadata.get("ownerReferences", []):
        if owner.get("controller"):
            kind = owner.get("kind", "") or "Pod"
            return f"{owner['name']}[{kind}]" if kind != "Node" else f"{metadata['name']}[Pod]"
    return f"{metadata['name']}[Pod]"
