"""The values of one CEL variable over a whole cluster, field by field: equal fields are stored, compared and cut once.

Policies read a handful of fields. Pod specs differ in few of them, but seldom in all at once, so that each rule meets
far fewer combinations of its own fields than there are specs (architecture.md, idea 7).
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from operator import itemgetter

import msgspec
from msgspec import Raw

from kubeaudit.documents import drop_nulls
from kubeaudit.model.decode import BROKEN
from kubeaudit.policy.fields import ANY
from kubeaudit.policy.project import Tree, project

Row = tuple[int, ...]
"""A value: for each column the number of what it holds, 0 where it holds nothing."""
Pick = Callable[[Row], Hashable]
"""What of a row one rule can tell apart."""

_NOTHING = object()
_UNREADABLE = object()
_NULL = b"null"
_encoder = msgspec.json.Encoder(order="deterministic")


class Columns:
    """Rows of the fields of a tree, one column for each field of the value itself; None = one column, the whole value.

    ``repeats``: whether the same bytes are expected again and again, and worth to be remembered.
    """

    def __init__(self, tree: Tree | None, *, repeats: bool = True) -> None:
        self._whole = tree is None or ANY in tree
        cuts: Tree = {"": None} if tree is None or self._whole else tree
        self._columns = {name: _Column(below, repeats=repeats) for name, below in cuts.items()}

    def row(self, fields: Mapping[str, Raw]) -> Row:
        """The row of a value; values that differ only in other fields, or in nulls, have the same."""
        if self._whole:
            return (self._columns[""].number(_encoder.encode(fields)),)
        return tuple(
            column.number(bytes(fields[name])) if name in fields else 0 for name, column in self._columns.items()
        )

    def pick(self, names: Iterable[str]) -> Pick:
        """A function that tells rows apart by some fields."""
        wanted = set(names) if not self._whole else {""}
        chosen = [index for index, name in enumerate(self._columns) if name in wanted]
        return itemgetter(*chosen) if chosen else nothing

    def value(self, row: Row, names: Iterable[str]) -> dict[str, object] | None:
        """Some fields of a row as a value, None where one of them is not JSON."""
        if self._whole:
            value = self._columns[""].values[row[0]]
            return value if isinstance(value, dict) else None
        wanted = set(names)
        found: dict[str, object] = {}
        for number, (name, column) in zip(row, self._columns.items(), strict=True):
            if number and name in wanted:
                found[name] = column.values[number]
                if found[name] is _UNREADABLE:
                    return None
        return found


class _Column:
    """The distinct values of one field, cut down to what is read; number 0 is its absence."""

    def __init__(self, tree: Tree | None, *, repeats: bool) -> None:
        self._tree = tree
        self._read: dict[bytes, int] | None = {_NULL: 0} if repeats else None
        self._numbers: dict[bytes, int] = {}
        self.values: list[object] = [_NOTHING]

    def number(self, text: bytes) -> int:
        if self._read is None:
            return self._number(text)
        found = self._read.get(text)
        if found is None:
            found = self._read[text] = self._number(text)
        return found

    def _number(self, text: bytes) -> int:
        if text == _NULL:
            return 0
        try:
            value = drop_nulls(project(msgspec.json.decode(text), self._tree))
            key = _encoder.encode(value)
        except BROKEN:
            value, key = _UNREADABLE, b""
        number = self._numbers.setdefault(key, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


def nothing(row: Row) -> Hashable:
    """Tells no rows apart."""
    return ()
