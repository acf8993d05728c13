"""What Overview and Paths show: the matrix from entries to crown jewels, and each path hop by hop (REP-35)."""

import re
from collections.abc import Iterable

from msgspec import Struct

from kubeaudit.findings import Cell, Hop, PathResult, ScanResult
from kubeaudit.proof import State
from kubeaudit.report.html_proof import Shown, shown
from kubeaudit.report.svg import Drawing, drawing
from kubeaudit.report.words import count

DRAWN = 200
"""So many paths are drawn; the others keep their list of hops."""


class HopView(Struct, frozen=True):
    """One hop with the number it has in the drawing."""

    number: int
    hop: Hop
    evidence: tuple[Shown, ...]

    @property
    def unknown(self) -> bool:
        """Whether the hop could not be decided."""
        return self.hop.state is not State.YES


class PathView(Struct, frozen=True):
    """One path: its anchor, its drawing where it has one, and its hops."""

    anchor: str
    path: PathResult
    drawing: Drawing | None
    hops: tuple[HopView, ...]

    @property
    def unknown(self) -> bool:
        """Whether a hop of it could not be decided."""
        return self.path.state is not State.YES


class PathGroup(Struct, frozen=True):
    """The paths of one cell of the matrix."""

    anchor: str
    entry: str
    jewel: str
    paths: tuple[PathView, ...]


class CellView(Struct, frozen=True):
    """A cell of the matrix and the group it links to, "" where there is none."""

    state: str
    count: int
    anchor: str


class Matrix(Struct, frozen=True):
    """Entries by crown jewels. A missing cell was not asked."""

    jewels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[CellView | None, ...]], ...]


class PathsView(Struct, frozen=True):
    """The matrix and the paths; ``note`` says which paths are not drawn."""

    matrix: Matrix
    groups: tuple[PathGroup, ...]
    note: str


def paths_view(result: ScanResult) -> PathsView:
    """Paths stand under the cell that counts them, in the order of the matrix; others under their entry and jewel."""
    groups: list[PathGroup] = []
    drawn = 0
    used: set[str] = set()
    for (entry, jewel), found in _members(result).items():
        ranked = sorted(found, key=lambda p: (p.state is not State.YES, p.severity.rank, p.effort, len(p.hops), p.id))
        views = tuple(_path(path, drawn + index < DRAWN) for index, path in enumerate(ranked))
        drawn += len(views)
        groups.append(PathGroup(_anchor(f"{entry} to {jewel}", used), entry, jewel, views))
    note = ""
    if drawn > DRAWN:
        note = f"{count(DRAWN, 'path')} of {drawn:,} are drawn; the others are listed hop by hop."
    return PathsView(_matrix(result.matrix, groups), tuple(groups), note)


def _anchor(words: str, used: set[str]) -> str:
    """A stable anchor of plain letters, e.g. ``paths-internet-to-cluster-admin``."""
    base = anchor = "paths-" + re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    number = 1
    while anchor in used:
        number += 1
        anchor = f"{base}-{number}"
    used.add(anchor)
    return anchor


def _members(result: ScanResult) -> dict[tuple[str, str], list[PathResult]]:
    """Each path once, under the first cell that counts it."""
    paths = {path.id: path for path in result.paths}
    members: dict[tuple[str, str], list[PathResult]] = {}
    for cell in result.matrix:
        found = [paths.pop(name) for name in cell.paths if name in paths]
        if found:
            members.setdefault(_place(cell), []).extend(found)
    kinds = {cell.jewel: _place(cell)[1] for cell in result.matrix}
    for path in paths.values():
        members.setdefault((path.entry_label, kinds.get(path.jewel_kind, path.jewel_kind)), []).append(path)
    return members


def _place(cell: Cell) -> tuple[str, str]:
    """What people read for a cell's entry and jewel."""
    return cell.entry_label or cell.entry, cell.jewel_label or cell.jewel


def _path(path: PathResult, drawn: bool) -> PathView:
    hops = tuple(HopView(number, hop, shown(hop.evidence)) for number, hop in enumerate(path.hops, 1))
    return PathView(f"p-{path.id}", path, drawing(path) if drawn and path.hops else None, hops)


def _matrix(cells: Iterable[Cell], groups: Iterable[PathGroup]) -> Matrix:
    anchors = {(group.entry, group.jewel): group.anchor for group in groups}
    found: dict[tuple[str, str], CellView] = {}
    for cell in cells:
        place = _place(cell)
        # A cell whose paths all stand under another cell leads to the first of them.
        anchor = anchors.get(place) or (f"p-{cell.paths[0]}" if cell.paths else "")
        found[place] = CellView(cell.state, cell.count, anchor)
    entries = tuple(dict.fromkeys(entry for entry, _ in found))
    jewels = tuple(dict.fromkeys(jewel for _, jewel in found))
    rows = tuple((entry, tuple(found.get((entry, jewel)) for jewel in jewels)) for entry in entries)
    return Matrix(jewels, rows)
