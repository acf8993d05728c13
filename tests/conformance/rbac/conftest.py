"""Counts of the RBAC corpora, shown at the end of a run whether or not a case failed."""

from collections import Counter

import pytest

_COUNTS = pytest.StashKey[Counter[tuple[str, bool]]]()


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Counter[tuple[str, bool]]:
    """Verdicts by corpus, and whether they agree."""
    return request.config.stash.setdefault(_COUNTS, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash.get(_COUNTS, Counter())
    if counts:
        terminalreporter.section("RBAC corpora")
    for corpus in sorted({corpus for corpus, _ in counts}):
        agreed, differ = counts[corpus, True], counts[corpus, False]
        terminalreporter.line(f"{corpus}: {agreed + differ} verdicts, {agreed} agree, {differ} differ")
