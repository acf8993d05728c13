"""The relation for programs: JSON, CSV and DOT (AGG-5)."""

import csv
from collections.abc import Iterable
from io import StringIO

import msgspec

from kubeaudit.network.ports import PROTOCOLS
from kubeaudit.network.relation import Row
from kubeaudit.proof import State
from kubeaudit.report.network_words import STATES, intervals_text

FLAT_SCHEMA = "kubeaudit.network-flat/1"
_STYLES = {State.YES: "solid", State.UNKNOWN: "dashed", State.BLOCKED: "dotted"}


def render_json(document: object) -> bytes:
    """A document, indented, with sorted keys."""
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2) + b"\n"


def render_flat(rows: Iterable[Row]) -> bytes:
    """The flat rows as one document, sorted (AGG-5)."""
    return msgspec.json.encode({"schema": FLAT_SCHEMA, "rows": sorted(set(rows))}) + b"\n"


def render_csv(rows: Iterable[Row]) -> bytes:
    """The flat rows with a header, sorted."""
    out = StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow(("source", "target", "family", "protocol", "first", "last", "state"))
    for row in sorted(set(rows)):
        ends = (row.source, row.target, row.family, row.protocol, row.first, row.last)
        write.writerow((*ends, STATES[row.state]))
    return out.getvalue().encode()


def render_dot(rows: Iterable[Row]) -> bytes:
    """A graph with one edge for every pair and state; dashed edges are not known."""
    edges: dict[tuple[str, str, State], dict[tuple[str, int, int], None]] = {}
    for row in sorted(set(rows)):
        found = edges.setdefault((row.source, row.target, row.state), {})
        found[row.protocol, row.first, row.last] = None
    lines = ["digraph network {", "  rankdir=LR;", "  node [shape=box];"]
    for (source, target, state), ports in edges.items():
        listed = sorted(ports, key=lambda port: (PROTOCOLS.index(port[0]), port))
        label = f"label={quoted(intervals_text(listed))}, style={_STYLES[state]}"
        lines.append(f"  {quoted(source)} -> {quoted(target)} [{label}];")
    return ("\n".join(lines) + "\n}\n").encode()


def quoted(text: str) -> str:
    """A name as DOT writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
