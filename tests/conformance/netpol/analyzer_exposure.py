"""netpol-analyzer's exposure to peers that no object shows, read from its formats and rebuilt from ours (MAP-11)."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from conformance.netpol.analyzer import (
    EVERYTHING,
    OPEN,
    PROFILE,
    Focus,
    Ports,
    names_of,
    ports,
    ports_mask,
    ports_of,
)
from kubeaudit.model.cluster import METADATA_NAME, Cluster
from kubeaudit.model.implied import NOTHING, Form, form, implies, known
from kubeaudit.model.objects.admin import TierPolicy
from kubeaudit.model.objects.meta import LabelSelector, Requirement
from kubeaudit.model.selectors import index
from kubeaudit.network.reach import Direction, assemble
from kubeaudit.network.strangers import ANYBODY, Stranger, members, strangers
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
    peer: Peer
    ports: Ports
    names: frozenset[str] = frozenset()


class Exposure(NamedTuple):
    """Everything a file says; ``unprotected`` is None where its format leaves that out."""

    rows: frozenset[Row]
    unprotected: frozenset[tuple[str, str]] | None


def read_exposure(text: str, fmt: str, narrowed: Focus = EVERYTHING) -> Exposure:
    """What a file says of exposure. Lists of one port leave it out of their rows."""
    rows = {"txt": _txt, "md": _md, "csv": _csv, "json": _json, "dot": _dot}[fmt](text)
    listed = frozenset((name, found.lower()) for name, found in _UNPROTECTED.findall(text))
    return Exposure(frozenset(_rows(rows, narrowed)), listed if fmt == "txt" and not narrowed.port else None)


def _rows(listed: Iterable[tuple[str, str, str, str]], narrowed: Focus) -> Iterator[Row]:
    """Rows with addresses repeat the relation; they are left out."""
    for workload, direction, peer, stated in listed:
        if not peer.endswith("[External]"):
            held, names = _conn(stated or "{} {}".format(*narrowed.port or ("", "")))
            yield Row(workload, direction, _peer(peer), narrowed.held(held), names)


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
                peer, _, conn = rest.partition(" : ")
                yield workload.strip(), direction, peer.strip(), conn.strip()


def _md(text: str) -> _Lines:
    direction = ""
    for line in text.partition(_RESULT)[2].splitlines():
        if line.startswith("### "):
            direction = line.split()[1].lower()
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) in (2, 3) and cells[0] not in ("src", "dst") and not cells[0].startswith("---"):
            yield cells[0], direction, cells[1], "".join(cells[2:])


def _csv(text: str) -> _Lines:
    direction = ""
    for cells in csv.reader(io.StringIO(text.partition(_RESULT)[2].partition("\n")[2])):
        if cells and cells[0].endswith("Exposure:"):
            direction = cells[0].split()[0].lower()
        elif cells and cells[0] not in ("src", "dst", ""):
            yield cells[0], direction, cells[1], "".join(cells[2:])


def _json(text: str) -> _Lines:
    stated = json.loads(text)
    stated = next((found for key, found in stated.items() if key.startswith("exposure")), {})
    for direction, mine, other in (("egress", "src", "dst"), ("ingress", "dst", "src")):
        for row in stated.get(f"{direction}_exposure") or ():
            yield row[mine], direction, row[other], row.get("conn", "")


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
    return (
        f"[{namespace}]/[{pods}]"
        if namespace.startswith(("namespace with", "all namespaces"))
        else f"{namespace}/[{pods}]"
    )


def ours_exposure(found: Cluster, listed: Iterable[dict[str, Any]], narrowed: Focus = EVERYTHING) -> Exposure:
    """The same by our engine."""
    reach, names = assemble(found, PROFILE), names_of(found, listed)
    rows = set()
    for row in openings(reach, range(len(found.classes)), ["IPv4"]):
        if row.state is State.YES and not (row.matched and _names_pods(row.peer)):
            held, called = frozenset(row.ports), frozenset(name for _, name in row.names)
            for name in _named(found, row.cls, names):
                rows.add(Row(name, str(row.direction), _key(row.peer), held, called))
    kept = frozenset(_shown(rows, narrowed))
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


def _shown(rows: Iterable[Row], narrowed: Focus) -> Iterator[Row]:
    """Of one port a row is shown where the port is open, and not to all pods anyhow."""
    covered = [row for row in rows if narrowed.covers(row.workload, row.direction)]
    if narrowed.port is None:
        yield from covered
        return
    on_port = [row._replace(ports=narrowed.held(row.ports), names=frozenset()) for row in covered]
    everyone = {row[:2] for row in on_port if row.ports and row.peer == _key(ANYBODY)}
    yield from (row for row in on_port if row.ports and (row.peer == _key(ANYBODY) or row[:2] not in everyone))


def implied(stated: Exposure, found: Cluster) -> Exposure:
    """What a file states, with what follows from it.

    A rule holds for all pods that its selectors match, while upstream has it hold for pods named by equal selectors
    alone. Where a selector may less than all pods, a rule of a tier denies it something: nothing is added to what is
    stated of it. Nor is in tiers, whose rules outrank each other, what upstream has counted already.
    """
    reach = assemble(found, PROFILE)
    tiers = any(isinstance(policy.source, TierPolicy) for policy in reach.judge.policies)
    universe = reach.judge.universe
    sorts = [
        peer
        for peer in strangers(found, reach.judge.policies)
        if peer != ANYBODY and not (_names_pods(peer) and members(universe, peer))
    ]
    rows = set()
    for workload, direction in {(row.workload, row.direction) for row in stated.rows}:
        mine = [row for row in stated.rows if row[:2] == (workload, direction)]
        held: dict[Peer, Row] = {}
        for row in mine:
            place = _placed(row.peer, found)
            held[place] = _both(held[place], row) if place in held else row._replace(peer=place)
        usual = held.pop(_key(ANYBODY), Row(workload, direction, _key(ANYBODY), frozenset()))
        rows.add(usual)
        for peer in sorts:
            others = [
                row for row in mine if row.peer != _key(ANYBODY) and not (tiers and _counted(_key(peer), row.peer))
            ]
            row = _follows(peer, held.get(_key(peer)), others, usual, found)
            if row[3:] != usual[3:]:
                rows.add(row)
        rows.update(row for peer, row in held.items() if peer not in set(map(_key, sorts)))
    return Exposure(
        frozenset(row for row in rows if row.peer != _key(ANYBODY) or row.ports or row.names), stated.unprotected
    )


def _placed(peer: Peer, found: Cluster) -> Peer:
    """A selector that asks for a namespace by name, and holds for it, as that namespace."""
    _, namespaces, pods = peer
    selector = _selector(namespaces)
    name = known(selector).get(METADATA_NAME, NOTHING).only
    if name and index([found.namespaces.get(name, {METADATA_NAME: name})]).select(selector):
        return name, (), pods
    return peer


def _both(one: Row, other: Row) -> Row:
    """Two rows of one peer."""
    return one._replace(ports=ports_of(ports_mask(one.ports | other.ports)), names=one.names | other.names)


def _counted(peer: Peer, other: Peer) -> bool:
    """Whether rules for one peer hold of another upstream: each of their selectors is empty or the same."""
    return other[:2] in (peer[:2], ("", ())) and other[2] in (peer[2], ())


def _follows(peer: Stranger, mine: Row | None, others: list[Row], usual: Row, found: Cluster) -> Row:
    wider = [row for row in others if row.peer != _key(peer) and _within(peer, row.peer, found)]
    if mine is not None and not _less(mine, usual):
        wider.append(mine)
    elif mine is not None:
        return mine
    narrowed = [row for row in wider if _less(row, usual)]
    bits, names = 0, frozenset[str]()
    for row in narrowed or [usual, *wider]:
        bits, names = bits | ports_mask(row.ports), names | row.names
    return Row(usual.workload, usual.direction, _key(peer), ports_of(bits), names if bits != OPEN else frozenset())


def _less(row: Row, usual: Row) -> bool:
    return bool(ports_mask(usual.ports) & ~ports_mask(row.ports))


def _within(peer: Stranger, other: Peer, found: Cluster) -> bool:
    """Whether every pod of one sort is one of the other."""
    namespace, namespaces, pods = other
    facts = known(peer.namespaces)
    if namespace and namespace != (peer.namespace or facts.get(METADATA_NAME, NOTHING).only):
        return False
    if peer.namespace:
        labels = found.namespaces.get(peer.namespace, {METADATA_NAME: peer.namespace})
        facts = known(LabelSelector(labels))
        if not index([labels]).select(_selector(namespaces)):
            return False
        namespaces = ()
    return implies(facts, _selector(namespaces)) and implies(known(peer.pods), _selector(pods))


def _selector(found: Form) -> LabelSelector:
    return LabelSelector(match_expressions=tuple(Requirement(*term) for term in found))


def _names_pods(peer: Stranger) -> bool:
    """Whether both selectors are labels alone: upstream leaves such peers out where a pod matches."""
    some = (peer.namespace or peer.namespaces.match_labels) and peer.pods.match_labels
    return bool(some) and not (peer.namespaces.match_expressions or peer.pods.match_expressions)


def _key(peer: Stranger) -> Peer:
    return peer.namespace, form(peer.namespaces), form(peer.pods)
