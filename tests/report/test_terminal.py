"""The terminal summary (REP-21)."""

import re

import pytest
from msgspec.structs import replace

from kubeaudit.findings import CheckResult, Counts, Reason, Unseen, Verdict
from kubeaudit.report.terminal import render_terminal
from kubeaudit.settings import Severity

from . import golden
from .sample import empty, many, sample

SGR = re.compile(r"\x1b\[[0-9;]*m")


def test_rep_21_expected_text() -> None:
    golden.check("terminal.txt", render_terminal(sample(), 100, color=False))


def test_rep_21_expected_text_narrow_with_colour() -> None:
    golden.check("terminal-60-colour.txt", render_terminal(sample(), 60, color=True))


def test_rep_21_expected_text_of_a_clean_run() -> None:
    golden.check("terminal-empty.txt", render_terminal(empty(), 80, color=False))


def test_colour_adds_codes_and_nothing_else() -> None:
    coloured = render_terminal(sample(), 100, color=True)
    assert SGR.search(coloured)
    plain = [line.rstrip() for line in SGR.sub("", coloured).splitlines()]
    assert plain == render_terminal(sample(), 100, color=False).splitlines()


@pytest.mark.parametrize("width", [40, 60, 100, 200])
def test_lines_keep_to_the_width(width: int) -> None:
    assert max(map(len, render_terminal(sample(), width, color=False).splitlines())) <= width


def test_rep_21_every_failed_check_is_named() -> None:
    text = render_terminal(sample(), 120, color=False)
    assert all(check.id in text for check in sample().checks if check.verdict is Verdict.FAIL)


def test_chk_23_other_classes_are_one_line_until_asked_for() -> None:
    folded = render_terminal(sample(), 120, color=False)
    assert "2 findings about vendor objects, listed with --show vendor" in folded
    assert "aws-node" not in folded
    listed = render_terminal(sample(), 120, color=False, show=("vendor", "builtin"))
    assert "aws-node" in listed
    assert "--show vendor" not in listed
    assert "--show system" in listed


def test_the_answer_and_what_was_not_seen_come_before_findings() -> None:
    text = render_terminal(sample(), 100, color=False)
    places = [text.index(word) for word in ("1 way leads", "Coverage 78 %", "Not seen", "Findings", "Paths")]
    assert places == sorted(places)


def test_many_causes_are_one_line_with_their_number() -> None:
    text = render_terminal(many(300), 100, color=False)
    assert re.search(r"▲ high +pod-run-as-non-root +300 +6 causes", text)


def test_checks_that_lack_the_same_thing_share_a_line() -> None:
    unseen = (Unseen(Reason.CONTROL_PLANE_NOT_VISIBLE),)
    checks = tuple(
        CheckResult(f"cp-{n}", "control-plane", "x", Severity.HIGH, Verdict.NOT_EVALUATED, Counts(), unseen=unseen)
        for n in range(40)
    )
    text = " ".join(render_terminal(replace(sample(), checks=checks), 100, color=False).split())
    assert "◐ 40 checks not evaluated: the API does not show the control plane's settings: cp-0, cp-1" in text
    assert "and 32 more" in text


def test_a_stopped_run_says_so() -> None:
    result = sample()
    text = render_terminal(replace(result, run=replace(result.run, complete=False)), 100, color=False)
    assert "stopped before its end" in text


def test_rich_markup_in_a_name_is_not_read() -> None:
    result = sample()
    finding = replace(result.findings[0], cause=replace(result.findings[0].cause, text="[red]x[/red] :smile:"))
    other = replace(finding.subject, container="c", object=replace(finding.subject.object, name="[bold]b"))
    text = render_terminal(replace(result, findings=(replace(finding, subject=other),)), 200, color=False)
    assert "[red]x[/red] :smile:" in text
    assert "[bold]b" in text
