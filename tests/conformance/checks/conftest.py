"""Counts of the check corpora, shown at the end of a run whether or not a case failed."""

from collections import Counter

import pytest

Tally = Counter[tuple[str, str]]
_COUNTS = pytest.StashKey[Tally]()
_COLUMNS = ("agree", "differ", "disputed", "opinion agrees", "opinion differs", "out of scope")


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Expectations by corpus and how they came out."""
    return request.config.stash.setdefault(_COUNTS, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash.get(_COUNTS, Counter())
    if counts:
        terminalreporter.section("Check corpora")
    for corpus in sorted({corpus for corpus, _ in counts}):
        told = ", ".join(f"{counts[corpus, column]} {column}" for column in _COLUMNS if counts[corpus, column])
        terminalreporter.line(f"{corpus}: {told}")
