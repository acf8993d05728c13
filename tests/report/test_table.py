"""Plain text tables."""

from kubeaudit.report.table import table


def test_columns_are_as_wide_as_their_content_and_the_last_is_not_padded() -> None:
    assert table(("a", "name"), [("1", "x"), ("long", "")], "  ") == ["  A     NAME", "  1     x", "  long"]


def test_without_rows_there_are_no_lines() -> None:
    assert table(("a", "b"), []) == []


def test_what_a_terminal_would_act_on_is_escaped() -> None:
    assert table(("a",), [("x\x1b[2J\ny",)]) == ["A", r"x\x1b[2J\x0ay"]
