"""netpol-analyzer's exposure to peers that no object shows, read from its formats and rebuilt from ours (MAP-11)."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from conformance.netpol.analyzer import (
    EVERYTHING,
    PROFILE,
    Focus,
    Ports,
    Ranges,
    merged,
    names_of,
    ports,
)
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.implied import Form, form
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS
from kubeaudit.network.reach import Direction, Reach, assemble
from kubeaudit.network.strangers import ANYBODY, Stranger
from kubeaudit.proof import State
from kubeaudit.queries.openings import openings

_RESULT = "Exposure Analysis Result"
_UNPROTECTED = re.compile(r"^(\S+) is not protected on (Egress|Ingress)$", re.MULTILINE)
_EDGE = re.compile(r'^\s*"([^"]+)" -> "([^"]+)" \[label="([^"]*)"[^\]]*style=dashed', re.MULTILINE)
_EXPRESSION = re.compile(r"\{Key:(.*?),Operator:(\w+),Values:\[(.*?)\],\}")
_CLUSTER = "entire-cluster"

Peer = tuple[str, Form, Form]
"""Namespace by name, or by labels; pods by labels."""


class Row(NamedTuple):
    """One row; ``names`` are port names, whose protocol upstream leaves out for some policies."""

    workload: str
    direction: str
    peer: Peer | Ranges
    ports: Ports
    names: frozenset[str] = frozenset()


class Exposure(NamedTuple):
    """Everything a file says; ``unprotected`` is None where its format leaves that out."""

    rows: frozenset[Row]
    unprotected: frozenset[tuple[str, str]] | None


def read_exposure(text: str, fmt: str) -> Exposure:
    """What a file says of exposure."""
    rows = {"txt": _txt, "md": _md, "csv": _csv, "json": _json, "dot": _dot}[fmt](text)
    listed = frozenset((name, found.lower()) for name, found in _UNPROTECTED.findall(text))
    return Exposure(_rows(rows), listed if fmt == "txt" else None)


def _rows(listed: Iterable[tuple[str, str, str, str]]) -> frozenset[Row]:
    inside, outside = set(), []
    for workload, direction, peer, conn in listed:
        if peer.endswith("[External]"):
            peer = peer.removesuffix("[External]")
            outside.append((peer, workload, ports(conn)) if direction == "ingress" else (workload, peer, ports(conn)))
        else:
            inside.add(Row(workload, direction, _peer(peer), *_conn(conn)))
    return frozenset((*inside, *_external(outside)))


def _external(rows: Iterable[tuple[str, str, Ports]]) -> Iterator[Row]:
    for source, target, held, ranges in merged(rows):
        if ranges:
            inward = source == "external"
            yield Row(target if inward else source, "ingress" if inward else "egress", ranges, held)


def _conn(conn: str) -> tuple[Ports, frozenset[str]]:
    """Ports and port names: the latter stand among the former."""
    if conn in ("All Connections", "No Connections"):
        return ports(conn), frozenset()
    numbers, names, word = [], set(), ""
    for part in conn.split(","):
        protocol, _, last = part.strip().rpartition(" ")
        word = protocol or word
        if last[:1].isdigit() and last.replace("-", "").isdigit():
            numbers.append(f"{word} {last}")
        else:
            names.add(last)
    return ports(",".join(numbers)) if numbers else frozenset(), frozenset(names)


def _peer(text: str) -> Peer:
    if text == _CLUSTER:
        return "", (), ()
    namespace, _, pods = text.rpartition("/[") if text.endswith("]") else text.rpartition("/")
    selected = () if pods.startswith("all pods") else _labels(pods)
    if namespace == "[all namespaces]":
        return "", (), selected
    if namespace.startswith("[namespace with "):
        return "", _labels(namespace), selected
    return namespace, (), selected


def _labels(text: str) -> Form:
    inside = text[text.index("{") + 1 : text.rindex("}")]
    found = {_term(key, operator, values.split()) for key, operator, values in _EXPRESSION.findall(inside)}
    for pair in filter(None, _EXPRESSION.sub("", inside).split(",")):
        key, _, value = pair.partition("=")
        found.add((key, "In", (value,)))
    return tuple(sorted(found))


def _term(key: str, operator: str, values: list[str]) -> tuple[str, str, tuple[str, ...]]:
    return key, operator, tuple(sorted(values))


_Lines = Iterator[tuple[str, str, str, str]]
"""Workload, direction, peer, connections."""


def _txt(text: str) -> _Lines:
    for line in text.partition(_RESULT)[2].splitlines():
        for arrow, direction in (("=>", "egress"), ("<=", "ingress")):
            workload, found, rest = line.partition(f"\t{arrow}")
            if found:
                peer, _, conn = rest.rpartition(" : ")
                yield workload.strip(), direction, peer.strip(), conn.strip()


def _md(text: str) -> _Lines:
    direction = ""
    for line in text.partition(_RESULT)[2].splitlines():
        if line.startswith("### "):
            direction = line.split()[1].lower()
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and cells[0] not in ("src", "dst") and not cells[0].startswith("---"):
            yield cells[0], direction, cells[1], cells[2]


def _csv(text: str) -> _Lines:
    direction = ""
    for cells in csv.reader(io.StringIO(text.partition(f"{_RESULT}:,,")[2])):
        if cells and cells[0].endswith("Exposure:"):
            direction = cells[0].split()[0].lower()
        elif len(cells) == 3 and cells[0] not in ("src", "dst") and cells[0]:
            yield cells[0], direction, cells[1], cells[2]


def _json(text: str) -> _Lines:
    stated = json.loads(text)["exposure_results"]
    for direction, mine, other in (("egress", "src", "dst"), ("ingress", "dst", "src")):
        for row in stated.get(f"{direction}_exposure") or ():
            yield row[mine], direction, row[other], row["conn"]


def _dot(text: str) -> _Lines:
    """Dashed edges; those with addresses are drawn like any other and belong to the relation."""
    for source, target, conn in _EDGE.findall(text):
        peers = [_dot_peer(end) for end in (source, target)]
        if peers[0]:
            yield target, "ingress", peers[0], conn
        elif peers[1]:
            yield source, "egress", peers[1], conn


def _dot_peer(end: str) -> str:
    if end == _CLUSTER:
        return end
    pods, found, namespace = end.partition("_in_")
    if not found or not pods.startswith(("all pods", "pod with")):
        return ""
    return f"[{namespace}]/[{pods}]" if namespace.startswith(("namespace with", "all namespaces")) else f"{namespace}/[{pods}]"


def ours_exposure(found: Cluster, listed: Iterable[dict[str, Any]], narrowed: Focus = EVERYTHING) -> Exposure:
    """The same by our engine."""
    reach, names = assemble(found, PROFILE), names_of(found, listed)
    rows, outside = set(), []
    for row in openings(reach, range(len(found.classes)), ["IPv4"]):
        if row.state is State.YES and not (row.matched and _is_plain(row.peer)):
            held, called = frozenset(row.ports), frozenset(name for _, name in row.names)
            for name in _named(found, row.cls, names):
                rows.add(Row(name, str(row.direction), _key(row.peer), held, called))
    for row in reach.relation(["IPv4"]):
        if row.state is State.YES and ("." in row.source.partition("/")[0] or "." in row.target.partition("/")[0]):
            for source in names.get(row.source, {row.source}):
                for target in names.get(row.target, {row.target}):
                    outside.append((source, target, (row.protocol, row.first, row.last)))
    rows.update(_external(_united(outside)))
    kept = frozenset(held for row in rows if (held := _shown(row, narrowed)) is not None)
    unprotected = frozenset(
        (name, str(direction))
        for direction in Direction
        for cls in found.classes
        if not reach.judge.table(direction).selected >> cls.index & 1
        for name in _named(found, cls.index, names)
        if narrowed.covers(name, str(direction))
    )
    return Exposure(kept, unprotected)


def _named(found: Cluster, cls: int, names: dict[str, set[str]]) -> set[str]:
    return names[f"{found.classes[cls].namespace}/{found.classes[cls].name}"]


def _united(rows: Iterable[tuple[str, str, tuple[str, int, int]]]) -> Iterator[tuple[str, str, Ports]]:
    held: dict[tuple[str, str], set[tuple[str, int, int]]] = {}
    for source, target, ports_ in rows:
        held.setdefault((source, target), set()).add(ports_)
    for (source, target), ports_ in held.items():
        yield source, target, frozenset(ports_)


def _shown(row: Row, narrowed: Focus) -> Row | None:
    held = narrowed.held(row.ports)
    names = row.names if narrowed.port is None else frozenset()
    return row._replace(ports=held, names=names) if narrowed.covers(row.workload, row.direction) and (held or names) else None


def _is_plain(peer: Stranger) -> bool:
    return peer != ANYBODY and not (peer.namespaces.match_expressions or peer.pods.match_expressions)


def _key(peer: Stranger) -> Peer:
    return peer.namespace, form(peer.namespaces), form(peer.pods)
