"""Counts of the network policy corpora, shown at the end of a run whether or not a case failed."""

from collections import Counter

import pytest

_TALLY = pytest.StashKey[Counter[tuple[str, str]]]()


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Counter[tuple[str, str]]:
    """Counts by (corpus, outcome); outcomes are ``agreed``, ``differs`` and ``out of scope: why``."""
    return request.config.stash.setdefault(_TALLY, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash.get(_TALLY, Counter())
    if not counts:
        return
    terminalreporter.section("network policy corpora")
    for corpus in sorted({corpus for corpus, _ in counts}):
        found = {outcome: number for (name, outcome), number in sorted(counts.items()) if name == corpus}
        judged = sum(number for outcome, number in found.items() if not outcome.startswith("out of scope"))
        terminalreporter.line(f"{corpus}: {judged} judged; " + ", ".join(f"{n} {o}" for o, n in found.items()))
