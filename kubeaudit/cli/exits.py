"""Exit codes and their order (checks.md section 11), and the one place where errors become text."""

import os
import signal
import sys
import traceback
from collections.abc import Iterable, Sequence

import click

from kubeaudit.errors import KubeauditError
from kubeaudit.findings import ObjectClass, ScanResult, Verdict
from kubeaudit.garbage import collection_paused
from kubeaudit.report.visible import visible
from kubeaudit.settings import Gates

OK, FINDINGS, USAGE, FAILED, COVERAGE, OUTPUT = 0, 1, 2, 3, 4, 5
_ORDER = (USAGE, FAILED, OUTPUT, COVERAGE, FINDINGS)
"""When several apply, the first of these is the exit code (CHK-56)."""
UNFINISHED = "the run was ended before it was complete"
INTERRUPTED = 128 + signal.SIGINT
_COUNTED = (ObjectClass.USER, ObjectClass.VENDOR)


def code_of(reasons: Iterable[tuple[int, str]]) -> int:
    """The exit code of a finished run, from its reasons (code, text)."""
    codes = {code for code, _ in reasons}
    return next((code for code in _ORDER if code in codes), OK)


def gate(result: ScanResult, gates: Gates, *, exit_zero: bool) -> list[tuple[int, str]]:
    """Why a finished run does not end with 0: incomplete, coverage, findings.

    ``exit_zero`` lifts findings and coverage (CHK-57).
    """
    reasons: list[tuple[int, str]] = []
    if not result.run.complete:
        reasons.append((FAILED, UNFINISHED))
    if exit_zero:
        return reasons
    percent = 100 * result.coverage.ratio
    if percent < gates.min_coverage:
        reasons.append((COVERAGE, f"coverage {percent:.0f} % is below {gates.min_coverage:g} %"))
    undecided = [c.id for c in result.checks if c.verdict is Verdict.NOT_EVALUATED]
    if gates.strict and undecided:
        reasons.append((COVERAGE, f"not evaluated: {', '.join(undecided)}"))
    if gates.fail_on is not None:
        wanted = gates.fail_on.rank
        counted = [f for f in result.findings if f.severity.rank <= wanted and f.subject.object_class in _COUNTED]
        if counted:
            reasons.append((FINDINGS, f"{len(counted)} findings at or above severity {gates.fail_on}"))
    return reasons


def run_guarded(command: click.Command, arguments: Sequence[str]) -> int:
    """Run a command; every failure becomes one clear message and an exit code, a traceback only with -v."""
    verbose = any(word in ("-v", "--verbose") for word in arguments)
    try:
        # What a command makes lives until it ends: the collector would search it for nothing.
        with collection_paused():
            code = command.main(list(arguments), prog_name="kubeaudit", standalone_mode=False, obj=tuple(arguments))
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted; no file was left half-written")
        return INTERRUPTED
    except BrokenPipeError:
        drop_output()
        return OK
    except KubeauditError as error:
        if verbose:
            traceback.print_exc()
        tell(error)
        return error.exit_code
    except Exception as error:  # a defect of the program: the user gets one line, the traceback on request
        if verbose:
            traceback.print_exc()
        _say(f"error: internal error: {type(error).__name__}: {error}")
        _say("hint: run again with -v for the traceback, and report it")
        return FAILED
    return code if isinstance(code, int) else OK


def tell(error: KubeauditError) -> None:
    """Say what happened and how to fix it."""
    _say(f"error: {error.message}")
    if error.hint:
        _say(f"hint: {error.hint}")


def drop_output() -> None:
    """Let standard output lead nowhere: its reader has gone, and the interpreter's last flush must not fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    """One message on standard error; names of objects in it may hold what a terminal would obey."""
    click.echo(visible(text, lines=True), err=True)
