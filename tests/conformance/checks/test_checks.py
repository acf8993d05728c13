"""The check corpora of other tools: agreed verdicts are ours, malformed input never ends a run."""

import pytest
from tallies import Counts

from ..corpora import disputes, folders
from .cases import Case, cases, differences, run

CORPORA = folders("checks") or ["regolibrary"]


@pytest.mark.parametrize("corpus", CORPORA)
def test_expectations(corpus: str, tally: Counts) -> None:
    """Hard gate on agreed cases and on disputed ones whose note states our verdict; opinions are counted."""
    open_disputes = disputes(corpus)
    wrong: list[str] = []
    for case in cases(corpus):
        for check, found in _found(corpus, case, tally):
            disputed = open_disputes.pop((case.id, check), None) if case.gated and found else None
            if disputed is None and case.gated:
                wrong += [f"{case.id}: {check}: {text}" for text in found]
            tally[corpus, _column(case, bool(found), disputed is not None)] += 1
    assert not wrong, "\n".join(wrong)
    assert not open_disputes, f"settled: {sorted(open_disputes)}"


def _found(corpus: str, case: Case, tally: Counts) -> list[tuple[str, list[str]]]:
    """Differences by check, of the expectations whose checks are shipped."""
    result = run(corpus, case)
    decided = [wanted for wanted in case.expect if wanted.shipped]
    tally[corpus, "out of scope"] += len(case.expect) - len(decided)
    if result is None:
        return []
    return [("|".join(wanted.checks), list(differences(result, wanted))) for wanted in decided]


def _column(case: Case, differs: bool, disputed: bool) -> str:
    if case.gated:
        return "disputed" if disputed else "differs" if differs else "agreed"
    return "opinion differs" if differs else "opinion agrees"
