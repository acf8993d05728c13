"""netpol-analyzer's differences of two folders against ours: for every pair the ports that opened and closed (AGG-8).

Compared are ports gained and lost, not the two lists of ports upstream prints; ranges of equal change are merged.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from conformance.netpol.analyzer import (
    CONTROLLER,
    EXTERNAL,
    PROFILE,
    Ports,
    Ranges,
    interval_of,
    is_range,
    joined_ranges,
    load,
    names_of,
    ports,
    through,
)
from conformance.netpol.analyzer_cases import CASES, NAME, ROOT, disputed, settled
from conformance.netpol.corpora import absent, manifests
from kubeaudit.edges.context import Context
from kubeaudit.network.ports import PROTOCOLS
from kubeaudit.network.reach import assemble
from kubeaudit.proof import State
from kubeaudit.queries.network_diff import difference, flat
from kubeaudit.rbac import access
from kubeaudit.settings import Settings

_CASES = [case for case in CASES if case["command"] == "diff"]
_TEXT = re.compile(
    r"diff-type: \w+, source: (\S+), destination: (\S+), [^,:]+: (.*?), [^,:]+: (.*?)(?:, workloads-diff-info: .*)?$"
)
"""The two sides are called ref1 and ref2, or as a case's options say."""
_CAME = re.compile(r"workload (\S+) (added|removed)")
_EDGE = re.compile(r'^\s*"([^"]+)" -> "([^"]+)" \[label="([^"]*)" color="([^"]+)"', re.MULTILINE)
_COLORS = {"#008000": "added", "red2": "removed", "magenta": "changed", "grey": ""}
_NONE = "No Connections"

Bits = tuple[int, int, int]
"""Ports of each protocol, one bit a port."""
Changes = frozenset[tuple[str, str, Bits, Bits, Ranges]]
"""(source, destination, ports gained, ports lost, addresses of the external end)."""

pytestmark = pytest.mark.skipif(not _CASES, reason=absent(ROOT))


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["id"])
def test_a_difference_is_ours(case: dict[str, Any], tally: Counter[tuple[str, str]]) -> None:
    read = {"txt": _txt, "csv": _csv, "md": _md, "dot": _dot}[case["format"]]
    expected = _changes(
        (*(end.removesuffix("[External]") for end in (source, target)), _bits(ports(was)), _bits(ports(now)))
        for source, target, was, now in read((ROOT / case["expected"]).read_text())
    )
    found = _ours(case)
    tally[NAME, settled(case, found == expected)] += 1
    if not disputed(case):
        assert found - expected == frozenset()
        assert expected - found == frozenset()


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["id"])
def test_workloads_that_came_or_went_are_named(case: dict[str, Any]) -> None:
    """Upstream names those that a row is about; both of two with equal names and kinds are one."""
    stated = {(name, word) for name, word in _CAME.findall((ROOT / case["expected"]).read_text())}
    sides, names, _ = _sides(case)
    found = difference(*sides)
    ours = {
        (name, word)
        for word, listed in (("added", found.workloads_added), ("removed", found.workloads_removed))
        for workload in listed
        for name in names[workload]
    }
    about = {end for source, target, *_ in _ours(case) for end in (source, target)}
    if case["format"] != "dot":
        assert stated == {(name, word) for name, word in ours if name in about}


def _sides(case: dict[str, Any]) -> tuple[list[Context], dict[str, set[str]], list[set[tuple[str, int]]]]:
    """Both states, upstream's names of the workloads, and what Ingresses and Routes of each state lead to."""
    sides: list[Context] = []
    entered: list[set[tuple[str, int]]] = []
    names: dict[str, set[str]] = {}
    for folder in (case["dir"], case["dir2"]):
        found, listed = load(manifests(ROOT / folder))
        by_class = names_of(found, listed)
        for cls in found.classes:
            ref = found.workloads[cls.workload].ref
            mine = by_class[f"{cls.namespace}/{cls.name}"]
            names.setdefault(f"{ref.namespace}/{ref.name}[{ref.kind}]", set()).update(mine)
        sides.append(Context(found, assemble(found, PROFILE), access.build(found), Settings()))
        entered.append({(name, way.port) for way in through(listed) for name in by_class[way.target]})
    return sides, names, entered


def _ours(case: dict[str, Any]) -> Changes:
    sides, names, entered = _sides(case)
    held: dict[tuple[str, str], list[set[tuple[str, int, int]]]] = {}
    for row in flat(sides[0], sides[1], 1_000_000):
        was, now = (State.YES in states for states in (row.before, row.after))
        if row.family != "IPv4" or was == now:
            continue
        for source in names.get(row.source, {row.source}):
            for target in names.get(row.target, {row.target}):
                if source != target:
                    both = held.setdefault((source, target), [set(), set()])
                    both[now].add((row.protocol, row.first, row.last))
    for now, ways in enumerate(entered):
        for target, port in ways:
            held.setdefault((CONTROLLER, target), [set(), set()])[now].add(("TCP", port, port))
    return _changes((*ends, _bits(frozenset(lost)), _bits(frozenset(gained))) for ends, (lost, gained) in held.items())


def _changes(rows: Iterable[tuple[str, str, Bits, Bits]]) -> Changes:
    """Rows as ports gained and lost, with ranges of equal change merged (MAP-6)."""
    places: dict[tuple[str, str, Bits, Bits], list[tuple[int, int]]] = {}
    for source, target, was, now in rows:
        gained, lost = (_less(one, other) for one, other in ((now, was), (was, now)))
        ends, place = (source, target), []
        for number, end in enumerate(ends):
            if is_range(end):
                place = [interval_of(end)]
                ends = (EXTERNAL, target) if number == 0 else (source, EXTERNAL)
        if any((*gained, *lost)):
            places.setdefault((*ends, gained, lost), []).extend(place)
    return frozenset((*key, joined_ranges(found)) for key, found in places.items())


def _less(one: Bits, other: Bits) -> Bits:
    tcp, udp, sctp = (a & ~b for a, b in zip(one, other, strict=True))
    return tcp, udp, sctp


def _bits(found: Ports) -> Bits:
    masks = dict.fromkeys(PROTOCOLS, 0)
    for protocol, first, last in found:
        masks[protocol] |= (1 << last + 1) - (1 << first)
    return masks["TCP"], masks["UDP"], masks["SCTP"]


_Rows = Iterator[tuple[str, str, str, str]]
"""Source, destination, connections before and now."""


def _txt(text: str) -> _Rows:
    for line in text.splitlines():
        if stated := _TEXT.match(line):
            yield stated[1], stated[2], stated[3], stated[4]


def _csv(text: str) -> _Rows:
    for row in list(csv.reader(io.StringIO(text)))[1:]:
        yield row[1], row[2], row[3], row[4]


def _md(text: str) -> _Rows:
    for line in text.splitlines()[2:]:
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 6:
            yield cells[1], cells[2], cells[3], cells[4]


def _dot(text: str) -> _Rows:
    """A changed edge names what it was: ``TCP 80 (ref1: TCP 81)``."""
    for source, target, label, color in _EDGE.findall(text):
        kind = _COLORS[color]
        if kind == "changed":
            now, _, rest = label.removesuffix(")").partition(" (")
            yield source, target, rest.partition(": ")[2], now
        elif kind:
            yield (source, target, _NONE, label) if kind == "added" else (source, target, label, _NONE)
