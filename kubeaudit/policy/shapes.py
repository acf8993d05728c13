"""Pod specs cut down to what the policies read; specs that no policy can tell apart are one shape."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from kubeaudit.documents import drop_nulls
from kubeaudit.policy.decide import Decision, Rule
from kubeaudit.policy.fields import ANY
from kubeaudit.policy.project import Tree, add, project
from kubeaudit.policy.schema import CONTAINER_LISTS, PatchTemplate

_encoder = msgspec.json.Encoder(order="deterministic")


class Unit(Struct, frozen=True):
    """What one verdict is about: a container by its list and index, or the whole pod (``place`` is empty)."""

    container: str
    place: tuple[str | int, ...]
    decision: Decision


class Shapes:
    """The shapes of a cluster's specs, and what each rule says about them."""

    def __init__(self, specs: Sequence[bytes], rules: Sequence[Rule]) -> None:
        self._specs = specs
        self._tree = _union(rules)
        self._of_spec: dict[int, int] = {}
        self._numbers: dict[bytes, int] = {}
        self._shapes: list[dict[str, object]] = []
        self._units: dict[tuple[str, int], tuple[Unit, ...]] = {}

    def shape_of(self, spec: int) -> int:
        """Number of the shape of a spec."""
        number = self._of_spec.get(spec)
        if number is None:
            number = self._of_spec[spec] = self._intern(self._specs[spec])
        return number

    def pod_spec(self, shape: int) -> dict[str, object]:
        """The shape as a pod spec: only the fields that some policy reads or changes."""
        return self._shapes[shape]

    def container(self, shape: int, unit: Unit) -> dict[str, object]:
        """The container of a shape that a unit is about."""
        found = (item for _, place, item in containers(self._shapes[shape], CONTAINER_LISTS) if place == unit.place)
        return next(found, {})

    def units(self, rule: Rule, shape: int) -> tuple[Unit, ...]:
        """A rule's verdicts on a shape: one for each container it covers, or one for the pod."""
        key = (rule.policy.id, shape)
        found = self._units.get(key)
        if found is None:
            found = self._units[key] = tuple(_judge(rule, self._shapes[shape]))
        return found

    def _intern(self, spec: bytes) -> int:
        cut = drop_nulls(project(msgspec.json.decode(spec), self._tree))
        key = _encoder.encode(cut)
        number = self._numbers.setdefault(key, len(self._shapes))
        if number == len(self._shapes):
            self._shapes.append(cut if isinstance(cut, dict) else {})
        return number


def containers(
    pod_spec: dict[str, object], lists: Sequence[str]
) -> Iterator[tuple[str, tuple[str, int], dict[str, object]]]:
    """Name, place and value of every container in some lists of a pod spec; a nameless one is called by its place."""
    for name in lists:
        items = pod_spec.get(name)
        for index, item in enumerate(items if isinstance(items, list) else []):
            if isinstance(item, dict):
                called = item.get("name")
                yield called if isinstance(called, str) and called else f"{name}[{index}]", (name, index), item


def _judge(rule: Rule, pod_spec: dict[str, object]) -> Iterator[Unit]:
    if not rule.policy.each:
        yield Unit("", (), rule.decide({"podSpec": pod_spec}))
        return
    for name, place, container in containers(pod_spec, rule.policy.each):
        yield Unit(name, place, rule.decide({"podSpec": pod_spec, "container": container}))


def _union(rules: Sequence[Rule]) -> Tree | None:
    """The fields of a pod spec that any rule reads or any patch changes, with the names of containers."""
    below: Tree = {"name": None}
    tree: Tree = {name: {ANY: below} for name in CONTAINER_LISTS}
    for rule in rules:
        for field in rule.fields:
            root, path = field.path[0], field.path[1:]
            if not path:
                return None
            add(below if root == "container" else tree, path, field.presence)
        _add_patch(rule.policy.patch, tree, below)
    return tree


def _add_patch(patch: PatchTemplate | None, tree: Tree, below: Tree) -> None:
    if patch is not None:
        for path in _leaves(patch.after):
            add(below if patch.root == "container" else tree, path)


def _leaves(value: dict[str, object], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield from _leaves(item, (*path, key))
        else:
            yield (*path, key)
