"""Geometry of path drawings (REP-35)."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.findings import Hop, PathResult
from kubeaudit.proof import State
from kubeaudit.report.svg import INDENT, ROW_WIDTH, TURN, Drawing, Node, drawing
from kubeaudit.report.svg_text import NAME_COLUMNS, NAME_LINES, label, wrapped
from kubeaudit.settings import Severity

from .sample_paths import console_path, unknown_path

names = st.text(st.characters(codec="utf-8"), max_size=80)


def path_of(labels: list[str], verb: str = "may connect to") -> PathResult:
    hops = tuple(
        Hop("EXP-1", "workload/a.net", "workload/b.ctl", a, b, verb, "", State.YES, "obj", 1, ())
        for a, b in itertools.pairwise(labels)
    )
    return PathResult("id", "route", "", labels[0], "", labels[-1], "", State.YES, Severity.HIGH, 1, hops)


@given(st.lists(names, min_size=2, max_size=12), names)
def test_boxes_never_overlap_and_stay_inside(labels: list[str], verb: str) -> None:
    drawn = drawing(path_of(labels, verb))
    assert len(drawn.nodes) == len(labels)
    assert len(drawn.edges) == len(labels) - 1
    for node in drawn.nodes:
        assert 0 < node.x < node.x + node.width < drawn.width
        assert 0 < node.y < node.y + node.height < drawn.height
    for before, after in zip(drawn.nodes, drawn.nodes[1:], strict=False):
        below = after.y > before.y + before.height
        assert below or (after.y == before.y and after.x > before.x + before.width + 40)


@given(st.lists(names, min_size=2, max_size=12))
def test_rows_fit_the_column_of_the_report(labels: list[str]) -> None:
    drawn = drawing(path_of(labels))
    rows = rows_of(drawn)
    widest = max(node.width for node in drawn.nodes)
    assert drawn.width <= max(ROW_WIDTH, INDENT + widest) + TURN + 2
    assert all(row[0].x in {1, INDENT} for row in rows)


def test_a_short_path_is_one_row_and_a_longer_one_is_balanced() -> None:
    assert len(rows_of(drawing(path_of(["internet", "Service a/b", "cluster-admin"])))) == 1
    assert [len(row) for row in rows_of(drawing(console_path()))] == [3, 3]


def test_the_first_and_last_boxes_are_entry_and_jewel() -> None:
    assert [node.role for node in drawing(console_path()).nodes] == ["entry", "", "", "", "", "jewel"]


def test_edges_carry_number_fix_and_doubt() -> None:
    edges = drawing(unknown_path()).edges
    assert [edge.number for edge in edges] == [1, 2, 3, 4]
    assert [edge.unknown for edge in edges] == [False, False, True, False]
    assert [edge.fix for edge in drawing(console_path()).edges] == [True, False, False, True, True]


def test_text_alternative_says_every_hop() -> None:
    drawn = drawing(unknown_path())
    assert drawn.title == "Path from internet to all secrets"
    assert "1. internet may connect to Service payments/gateway:8443." in drawn.text
    assert drawn.text.count("(not decided)") == 1


def test_labels_show_kind_name_and_what_the_attacker_has() -> None:
    shown = label("workload/shop/Deployment/frontend.ssrf", "Deployment shop/frontend")
    assert (shown.kind, shown.name, shown.facet) == ("Deployment", ("shop/frontend",), "sends requests")
    assert label("sink/cluster-admin", "cluster-admin").kind == "crown jewel"
    assert label("internet", "internet").kind == ""
    assert label("api-server/1", "API server 192.0.2.1:443").kind == "API server"
    assert label("workload/shop/Deployment/a.ctl", "Deployment shop/a (code)").name == ("shop/a",)
    assert label("something-new/x", "x").lines == 1


@given(names)
def test_wrapped_lines_keep_to_their_columns(text: str) -> None:
    lines = wrapped(text, NAME_COLUMNS, NAME_LINES)
    assert 1 <= len(lines) <= NAME_LINES
    assert all(len(line) <= NAME_COLUMNS for line in lines)


def test_long_names_break_after_separators() -> None:
    assert wrapped("payments/gateway-canary-blue", 20, 4) == ("payments/gateway-", "canary-blue")
    assert wrapped("a" * 100, 20, 2)[-1].endswith("…")


def rows_of(drawn: Drawing) -> list[list[Node]]:
    rows: dict[int, list[Node]] = {}
    for node in drawn.nodes:
        rows.setdefault(node.y, []).append(node)
    return list(rows.values())
