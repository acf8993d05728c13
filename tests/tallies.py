"""What a run tells at its end beside its failures: counts by corpus, and lines on comparisons with live servers.

Under pytest-xdist every worker counts for itself and hands its part to the process that prints.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

Counts = Counter[tuple[str, str]]
"""Verdicts by corpus and outcome: ``agreed``, ``differs``, ``disputed``, ``out of scope`` and why."""


def tell(counts: Counts, corpus: str, right: int, wrong: int) -> None:
    """Counts verdicts of a corpus that agree with its expectations, and those that do not."""
    counts[corpus, "agreed"] += right
    counts[corpus, "differs"] += wrong


@dataclass(frozen=True)
class Told:
    """Counts and lines by section of the closing report."""

    counts: dict[str, Counts] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)

    def of(self, section: str) -> Counts:
        return self.counts.setdefault(section, Counter())

    def line(self, section: str, text: str) -> None:
        self.lines.setdefault(section, []).append(text)

    def as_plain(self) -> dict[str, Any]:
        """In types that pass from a worker to the process that prints."""
        counts = {
            section: [[*key, number] for key, number in counts.items()] for section, counts in self.counts.items()
        }
        return {"counts": counts, "lines": self.lines}

    def add(self, plain: dict[str, Any]) -> None:
        """Takes over what a worker told."""
        for section, listed in plain["counts"].items():
            for corpus, outcome, number in listed:
                self.of(section)[corpus, outcome] += number
        for section, lines in plain["lines"].items():
            for line in lines:
                self.line(section, line)


_TOLD = pytest.StashKey[Told]()


def told(config: pytest.Config) -> Told:
    """What this process has counted so far."""
    return config.stash.setdefault(_TOLD, Told())


def sections(found: Told) -> dict[str, list[str]]:
    """Lines by section: for each corpus how many verdicts were judged, and how they came out."""
    return {section: _summary(counts) for section, counts in found.counts.items() if counts} | found.lines


def _summary(counts: Counts) -> list[str]:
    lines = []
    for corpus in sorted({corpus for corpus, _ in counts}):
        outcomes = {outcome: number for (name, outcome), number in sorted(counts.items()) if name == corpus and number}
        judged = sum(number for outcome, number in outcomes.items() if not outcome.startswith("out of scope"))
        lines.append(f"{corpus}: {judged} judged; " + ", ".join(f"{n} {outcome}" for outcome, n in outcomes.items()))
    return lines
