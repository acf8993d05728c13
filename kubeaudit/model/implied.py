"""What a label selector says about everything it matches: whether all of that satisfies another selector too."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.model.objects.meta import LabelSelector, Requirement

Form = tuple[tuple[str, str, tuple[str, ...]], ...]
"""A selector as sorted (key, operator, values): matchLabels are ``In`` of one value."""


class Known(Struct, frozen=True):
    """What is known of one label. ``values``: those it may have, None where any; ``excluded``: those it has not."""

    exists: bool = False
    absent: bool = False
    values: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()

    @property
    def only(self) -> str:
        """The one value it has; "" where that is not known."""
        return next(iter(self.values)) if self.values is not None and len(self.values) == 1 else ""

    @property
    def is_void(self) -> bool:
        """Whether nothing can be like that."""
        return (self.exists and self.absent) or (self.values is not None and not self.values - self.excluded)

    def satisfies(self, asked: Requirement) -> bool:
        """Whether every label of which this is known fulfils a requirement."""
        wanted = frozenset(asked.values)
        values = None if self.values is None else self.values - self.excluded
        match asked.operator:
            case "In":
                return values is not None and values <= wanted
            case "NotIn":
                return self.absent or wanted <= self.excluded or (values is not None and not values & wanted)
            case "Exists":
                return self.exists
            case _:
                return self.absent


NOTHING = Known()


def form(selector: LabelSelector) -> Form:
    """A selector in the form that equal ones share."""
    return tuple(sorted({(r.key, r.operator, tuple(sorted(set(r.values)))) for r in requirements(selector)}))


def known(selector: LabelSelector) -> dict[str, Known]:
    """What a selector says about the labels of everything it matches, by key."""
    found: dict[str, Known] = {}
    for asked in requirements(selector):
        found[asked.key] = _narrowed(found.get(asked.key, NOTHING), asked)
    return found


def implies(facts: dict[str, Known], selector: LabelSelector) -> bool:
    """Whether everything of which the facts are known matches a selector."""
    return all(facts.get(asked.key, NOTHING).satisfies(asked) for asked in requirements(selector))


def requirements(selector: LabelSelector) -> Iterator[Requirement]:
    """The terms of a selector, all of which must hold (NET-18)."""
    for key, value in selector.match_labels.items():
        yield Requirement(key, "In", (value,))
    yield from selector.match_expressions


def _narrowed(before: Known, asked: Requirement) -> Known:
    values, excluded = before.values, before.excluded
    match asked.operator:
        case "In":
            wanted = frozenset(asked.values)
            return Known(True, before.absent, wanted if values is None else values & wanted, excluded)
        case "NotIn":
            return Known(before.exists, before.absent, values, excluded | frozenset(asked.values))
        case "Exists":
            return Known(True, before.absent, values, excluded)
        case _:
            return Known(before.exists, True, values, excluded)
