"""The overview matrix and the paths under it (EXP-973, EXP-981)."""

from msgspec.structs import replace

from kubeaudit.findings import Cell
from kubeaudit.report.html_paths import DRAWN, paths_view

from .names import CONSOLE_PATH, METADATA_PATH, UNKNOWN_PATH
from .sample import sample


def test_every_path_stands_once_under_its_cell() -> None:
    view = paths_view(sample())
    assert [(group.anchor, [path.path.id for path in group.paths]) for group in view.groups] == [
        ("paths-internet-to-cluster-admin", [CONSOLE_PATH]),
        ("paths-internet-to-all-secrets", [UNKNOWN_PATH]),
        ("paths-internet-to-cloud-identity", [METADATA_PATH]),
    ]
    assert view.matrix.jewels == ("cluster-admin", "all-secrets", "node-root", "cloud identity")
    entry, cells = view.matrix.rows[0]
    assert entry == "internet"
    assert [cell.state if cell else None for cell in cells] == ["yes", "unknown", "none", "yes"]


def test_a_path_two_cells_count_is_listed_once_and_linked_twice() -> None:
    cells = (Cell("internet", "a", "yes", 1, (CONSOLE_PATH,)), Cell("anonymous", "a", "yes", 1, (CONSOLE_PATH,)))
    view = paths_view(replace(sample(), matrix=cells))
    anchors = [cell.anchor for _, row in view.matrix.rows for cell in row if cell]
    assert anchors == ["paths-internet-to-a", f"p-{CONSOLE_PATH}"]
    assert sum(len(group.paths) for group in view.groups) == len(sample().paths)


def test_a_cell_that_was_not_asked_is_none() -> None:
    view = paths_view(replace(sample(), matrix=(Cell("a", "x", "none", 0), Cell("b", "y", "none", 0))))
    assert [[cell is None for cell in row] for _, row in view.matrix.rows] == [[False, True], [True, False]]


def test_paths_beyond_the_drawn_ones_keep_their_hops_and_the_page_says_so() -> None:
    path = sample().paths[0]
    paths = tuple(replace(path, id=f"{number:016x}") for number in range(DRAWN + 5))
    view = paths_view(replace(sample(), matrix=(), paths=paths))
    views = [item for group in view.groups for item in group.paths]
    assert sum(item.drawing is not None for item in views) == DRAWN
    assert all(len(item.hops) == len(path.hops) for item in views)
    assert view.note == "200 paths of 205 are drawn; the others are listed hop by hop."


def test_anchors_of_alike_names_differ() -> None:
    path = sample().paths[0]
    paths = (replace(path, id="1", jewel_kind="a b"), replace(path, id="2", jewel_kind="a-b"))
    view = paths_view(replace(sample(), matrix=(), paths=paths))
    assert [group.anchor for group in view.groups] == ["paths-internet-to-a-b", "paths-internet-to-a-b-2"]
