"""Label indexes of things that are only known to match selectors (NET-18..20)."""

from collections.abc import Iterable

from kubeaudit.model.implied import Known, implies, requirements
from kubeaudit.model.objects.meta import LabelSelector
from kubeaudit.model.selectors import LabelIndex, bits_of, mask_of


class _OpenLabels(LabelIndex, frozen=True):
    """Labels of things, some of which (``open``) are only known to match a selector.

    ``facts`` are what is known of those. One that fulfils a term has something known of its key, and of ``In`` one of
    the values: ``may`` has those that may have a label, ``known`` those of which something is known, by key.
    """

    open: int = 0
    facts: dict[int, dict[str, Known]] = {}
    may: dict[tuple[str, str], int] = {}
    known: dict[str, int] = {}

    def select(self, selector: LabelSelector) -> int:
        """What matches for certain. Raises ``InvalidSelectorError``."""
        found, perhaps = LabelIndex.select(self, selector) & ~self.open, self.open
        for term in requirements(selector):
            if term.operator == "In":
                perhaps &= _union(self.may.get((term.key, value), 0) for value in term.values)
            else:
                perhaps &= self.known.get(term.key, 0)
        return found | mask_of(position for position in bits_of(perhaps) if implies(self.facts[position], selector))


def opened(labels: LabelIndex, facts: dict[int, dict[str, Known]]) -> LabelIndex:
    """An index in which selectors match the things with ``facts``, by position, where that follows from these."""
    may: dict[tuple[str, str], list[int]] = {}
    keys: dict[str, list[int]] = {}
    for position, found in facts.items():
        for key, fact in found.items():
            keys.setdefault(key, []).append(position)
            for value in fact.values or ():
                may.setdefault((key, value), []).append(position)
    by_label = {label: mask_of(held) for label, held in may.items()}
    by_key = {key: mask_of(held) for key, held in keys.items()}
    return _OpenLabels(labels.labels, labels.keys, labels.everything, mask_of(facts), facts, by_label, by_key)


def _union(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found
