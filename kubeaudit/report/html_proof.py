"""How the page shows evidence: the object, the field and the value, long values folded but whole."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from msgspec import Struct

from kubeaudit.findings import Patch
from kubeaudit.proof import Evidence, dotted
from kubeaudit.refs import ObjectRef

LONG = 240
"""Characters above which a value is folded; the page still holds it whole."""


class Shown(Struct, frozen=True):
    """One field: ``object`` is empty where the reader already knows it; ``head`` is the beginning of a long value."""

    object: str
    path: str
    value: str
    absent: bool
    note: str
    head: str = ""


def shown(items: Sequence[Evidence], known: ObjectRef | None = None) -> tuple[Shown, ...]:
    """Evidence in its order; objects other than ``known`` are named."""
    rows = []
    for item in items:
        name = "" if item.object == known else str(item.object)
        head = item.value[:LONG] if len(item.value) > LONG else ""
        rows.append(Shown(name, dotted(item.path), item.value, item.absent, item.note, head))
    return tuple(rows)


class Line(Struct, frozen=True):
    """A line of a patch; ``changed`` lines stand on one side only."""

    text: str
    changed: bool


class Change(Struct, frozen=True):
    """A patch as its two sides, line by line."""

    before: tuple[Line, ...]
    after: tuple[Line, ...]


def change(patch: Patch | None) -> Change | None:
    """The patch with its changed lines marked."""
    if patch is None:
        return None
    before, after = patch.before.splitlines(), patch.after.splitlines()
    same_before: set[int] = set()
    same_after: set[int] = set()
    for block in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        same_before.update(range(block.a, block.a + block.size))
        same_after.update(range(block.b, block.b + block.size))
    return Change(_lines(before, same_before), _lines(after, same_after))


def _lines(texts: list[str], same: set[int]) -> tuple[Line, ...]:
    return tuple(Line(text, index not in same) for index, text in enumerate(texts))
