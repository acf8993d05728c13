"""Cuts a JSON value down to the fields that are read; members that no policy can tell apart are evaluated once."""

from collections.abc import Iterable

import msgspec

from kubeaudit.documents import drop_nulls
from kubeaudit.policy.fields import ANY
from kubeaudit.policy.schema import Field

_encoder = msgspec.json.Encoder(order="deterministic")

Tree = dict[str, "Tree | None"]
"""Fields by key; None = the whole value, ``{}`` = only that there is one."""


def tree_of(fields: Iterable[Field], root: str) -> Tree | None:
    """The fields below one root variable; None where it is read whole."""
    tree: Tree = {}
    for field in fields:
        if field.path[0] == root and not add(tree, field.path[1:], field.presence):
            return None
    return tree


def add(tree: Tree, path: tuple[str, ...], presence: bool = False) -> bool:
    """Add a field to a tree in place. False where the path is empty: the root itself is read."""
    if not path:
        return presence
    for key in path[:-1]:
        below = tree.setdefault(key, {})
        if below is None:
            return True
        tree = below
    if presence:
        tree.setdefault(path[-1], {})
    else:
        tree[path[-1]] = None
    return True


def project(value: object, tree: Tree | None) -> object:
    """The value with only the fields of the tree. Kinds of values and lengths of lists are kept, so every expression
    over these fields yields the same, errors included.
    """
    if tree is None:
        return value
    if isinstance(value, dict):
        if ANY in tree:
            return value
        return {key: project(value[key], below) for key, below in tree.items() if key in value}
    if isinstance(value, list):
        if ANY in tree:
            below = tree[ANY]
            return [project(item, below) for item in value]
        return value if tree else []
    return value


class Cuts:
    """The distinct values of one variable, cut down to the fields of a tree; each has a number, from 0."""

    def __init__(self, tree: Tree | None) -> None:
        self._tree = tree
        self._numbers: dict[bytes, int] = {}
        self._values: list[dict[str, object]] = []

    def number(self, value: dict[str, object]) -> int:
        """Number of a value; values that differ only in fields outside the tree, or in nulls, have the same."""
        cut = drop_nulls(project(value, self._tree))
        number = self._numbers.setdefault(_encoder.encode(cut), len(self._values))
        if number == len(self._values):
            self._values.append(cut if isinstance(cut, dict) else {})
        return number

    def value(self, number: int) -> dict[str, object]:
        """The cut of a number."""
        return self._values[number]
