"""Characters that do not print become escapes (REP-41)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.report.visible import clipped, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Deployment shop/frontend", "Deployment shop/frontend"),
        ("größe שלום 価格", "größe שלום 価格"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202eb\u2066c\u200fd", "a\\u202eb\\u2066c\\u200fd"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("lone\ud800", "lone\\ud800"),
        ("two\nlines\tand\rmore", "two\\x0alines\\x09and\\x0dmore"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_line_breaks_and_tabs_stay_where_lines_are_wanted() -> None:
    assert visible("a:\n\tb\r\x1b", lines=True) == "a:\n\tb\\x0d\\x1b"


@given(st.text())
def test_result_prints_and_encodes(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    shown.encode()
    assert visible(shown) == shown


def test_clipped_says_how_long_the_text_is() -> None:
    assert clipped("abc", 3) == "abc"
    assert clipped("x" * 65_536, 4) == "xxxx… (65,536 characters)"
