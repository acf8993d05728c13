"""Cuts a JSON value down to the fields that are read; members that no policy can tell apart are evaluated once."""

from collections.abc import Iterable

from kubeaudit.policy.fields import ANY
from kubeaudit.policy.schema import Field

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
