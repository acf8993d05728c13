"""Counts of the exposure corpora, shown at the end of a run whether or not a case failed."""

from collections import Counter

import pytest

_COUNTS = pytest.StashKey[Counter[tuple[str, str]]]()


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Counter[tuple[str, str]]:
    """Cases and verdicts by corpus and by what became of them."""
    return request.config.stash.setdefault(_COUNTS, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash.get(_COUNTS, Counter())
    if counts:
        terminalreporter.section("exposure corpora")
    for corpus in sorted({corpus for corpus, _ in counts}):
        words = ("cases", "agreed", "out of scope", "skipped")
        terminalreporter.line(f"{corpus}: " + ", ".join(f"{counts[corpus, word]} {word}" for word in words))
