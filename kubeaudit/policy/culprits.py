"""Which fields of a failing member are its evidence, and which items of lists fail by themselves (CHK-20, CHK-29)."""

import json
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from kubeaudit.policy.fields import ANY
from kubeaudit.policy.schema import Field
from kubeaudit.proof import Path, dotted

Bindings = dict[str, object]
MAX_SPOTS = 20
"""Fields of one verdict that are shown as evidence."""
MAX_TOLD = 3
"""Fields that the explanation of an error names."""
_ABSENT = object()


class Spot(Struct, frozen=True):
    """One field below a CEL variable: its value as JSON, or that it is absent."""

    root: str
    path: Path
    value: str = ""
    absent: bool = False


class Part(Struct, frozen=True):
    """One reason to fail: what becomes one finding. ``value`` is the value that decides, "" where an absence does."""

    value: str
    spots: tuple[Spot, ...]


def parts_of(fields: Sequence[Field], bindings: Bindings, fails: Callable[[Bindings], bool]) -> tuple[Part, ...]:
    """The reasons why a member fails. ``fails`` evaluates the policy on changed bindings.

    A list whose items fail by themselves gives one part for each such item. A list without which the policy fails too
    decides nothing alone; its items are shown with the rest.
    """
    single: list[Spot] = []
    listed: list[Spot] = []
    culprits: list[list[Spot]] = []
    lists: dict[tuple[str, ...], list[Field]] = {}
    for field in fields:
        if ANY in field.path:
            lists.setdefault(field.path[: field.path.index(ANY)], []).append(field)
        else:
            single.append(_spot(field.path, bindings))
    for path, read in lists.items():
        items = _get(bindings, path)
        found = [] if not isinstance(items, list) or culprits else _failing(path, items, bindings, fails)
        if found:
            culprits = [_of_item(path, read, index, bindings) for index in found]
        else:
            listed.extend(_of_list(path, read, items, bindings))
    shared = single + listed
    if not culprits:
        return (Part(_value(single), tuple(shared[:MAX_SPOTS])),)
    return tuple(Part(_value(spots), tuple((spots + shared)[:MAX_SPOTS])) for spots in culprits)


def _failing(
    path: tuple[str, ...], items: list[object], bindings: Bindings, fails: Callable[[Bindings], bool]
) -> list[int]:
    if not items or fails(_replaced(bindings, path, [])):
        return []
    alone = [index for index, item in enumerate(items) if fails(_replaced(bindings, path, [item]))]
    return alone or list(range(len(items)))


def _of_item(path: tuple[str, ...], read: list[Field], index: int, bindings: Bindings) -> list[Spot]:
    spots = [spot for field in read for spot in _expand(field.path, (*path, index), len(path) + 1, bindings)]
    present = [spot for spot in spots if not spot.absent]
    return present or spots


def _of_list(path: tuple[str, ...], read: list[Field], items: object, bindings: Bindings) -> list[Spot]:
    whole = any(field.path == (*path, ANY) for field in read)
    if whole or not isinstance(items, list) or not items:
        return [_spot(path, bindings)]
    return [spot for index in range(len(items)) for spot in _of_item(path, read, index, bindings)]


def _expand(pattern: tuple[str, ...], done: Path, at: int, bindings: Bindings) -> Iterator[Spot]:
    """The pattern's fields below a place: ``done`` is its first ``at`` parts with indexes in the place of ``*``."""
    if at == len(pattern):
        yield _spot(done, bindings)
        return
    if pattern[at] != ANY:
        yield from _expand(pattern, (*done, pattern[at]), at + 1, bindings)
        return
    items = _get(bindings, done)
    if not isinstance(items, list) or not items:
        yield _spot(done, bindings)
        return
    for index in range(len(items)):
        yield from _expand(pattern, (*done, index), at + 1, bindings)


def _spot(path: Path, bindings: Bindings) -> Spot:
    value = _get(bindings, path)
    root = str(path[0])
    if value is _ABSENT:
        return Spot(root, path[1:], absent=True)
    return Spot(root, path[1:], json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def _value(spots: Sequence[Spot]) -> str:
    """The first value that is present, as people write it: texts without quotes, lists of texts without brackets."""
    text = next((spot.value for spot in spots if not spot.absent), "null")
    value = json.loads(text)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else "" if value is None else text


def told(fields: Sequence[Field], bindings: Bindings) -> str:
    """The fields that are present, with their values, for the explanation of an error."""
    spots = (spot for field in fields for spot in _expand(field.path, field.path[:1], 1, bindings))
    found = [f"{dotted((spot.root, *spot.path))} = {spot.value}" for spot in spots if not spot.absent]
    return ", ".join(found[:MAX_TOLD])


def _get(bindings: object, path: Path) -> object:
    value: object = bindings
    for part in path:
        if isinstance(part, int):
            if not isinstance(value, list) or part >= len(value):
                return _ABSENT
            value = value[part]
        else:
            if not isinstance(value, dict) or part not in value:
                return _ABSENT
            value = value[part]
    return value


def _replaced(bindings: Bindings, path: tuple[str, ...], items: list[object]) -> Bindings:
    """The bindings with another list at a path that exists."""
    changed = dict(bindings)
    target: dict[str, object] = changed
    for part in path[:-1]:
        below = target[part]
        target[part] = copy = dict(below) if isinstance(below, dict) else {}
        target = copy
    target[path[-1]] = items
    return changed
