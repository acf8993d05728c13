"""Pod specs cut down to what the policies read; specs that no policy can tell apart are one shape."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from kubeaudit.findings import Verdict
from kubeaudit.policy.decide import Decision, Rule, union
from kubeaudit.policy.objects import UNREAD, Objects
from kubeaudit.policy.project import Cuts
from kubeaudit.policy.schema import CONTAINER, CONTAINER_LISTS, OBJECT, POD_SPEC

Member = tuple[int, int]
"""What is judged: the number of a shape and, where a policy reads ``object``, the number of an object, else 0."""
Place = tuple[str | int, ...]

_POD: Place = ()
_NO_OBJECT = Decision(Verdict.NOT_EVALUATED, error="the object could not be decoded")


class Unit(Struct, frozen=True):
    """What one verdict is about: a container by its list and index, or the whole pod (``place`` is empty).

    ``pod``, ``content`` and ``whole`` number what is read of the pod, of the container and of the object.
    """

    container: str
    place: Place
    decision: Decision
    pod: int
    content: int
    whole: int


class _Seat(Struct, frozen=True):
    """A container of a shape: ``content`` numbers what is read of it. Its name decides nothing by itself."""

    name: str
    place: tuple[str, int]
    content: int


class _Shape(Struct, frozen=True):
    pod: int
    seats: tuple[_Seat, ...]


class Shapes:
    """The shapes of a cluster's specs, and what each rule says about them.

    Pods and containers are numbered apart, so that a rule decides once for all containers with the same content,
    whatever they are called and wherever they run.
    """

    def __init__(self, specs: Sequence[bytes], rules: Sequence[Rule], objects: Objects | None = None) -> None:
        self._specs = specs
        self._objects = objects
        self._pods = Cuts(union(rules, POD_SPEC))
        self._contents = Cuts(union(rules, CONTAINER))
        self._of_spec: dict[int, int] = {}
        self._numbers: dict[_Shape, int] = {}
        self._shapes: list[_Shape] = []
        self._units: dict[Rule, dict[Member, tuple[Unit, ...]]] = {rule: {} for rule in rules}
        self._decisions: dict[Rule, dict[tuple[int, int, int], Decision]] = {rule: {} for rule in rules}

    def shape_of(self, spec: int) -> int:
        """Number of the shape of a spec."""
        number = self._of_spec.get(spec)
        if number is None:
            shape = self._cut(msgspec.json.decode(self._specs[spec]))
            number = self._of_spec[spec] = self._numbers.setdefault(shape, len(self._shapes))
            if number == len(self._shapes):
                self._shapes.append(shape)
        return number

    def units(self, rule: Rule, member: Member) -> tuple[Unit, ...]:
        """A rule's verdicts on a member: one for each container it covers, or one for the pod."""
        known = self._units[rule]
        found = known.get(member)
        if found is None:
            found = known[member] = tuple(self._judge(rule, self._shapes[member[0]], member[1]))
        return found

    def own(self, root: str, unit: Unit) -> tuple[int, dict[str, object]]:
        """What a unit has below a CEL variable: only the fields that some policy reads or changes, and their number."""
        if root == CONTAINER:
            return unit.content, self._contents.value(unit.content)
        if root == POD_SPEC:
            return unit.pod, self._pods.value(unit.pod)
        return unit.whole, self._objects.value(unit.whole) if self._objects else {}

    def _cut(self, spec: dict[str, object]) -> _Shape:
        seats = (_Seat(name, place, self._contents.number(item)) for name, place, item in containers(spec))
        return _Shape(self._pods.number(spec), tuple(seats))

    def _judge(self, rule: Rule, shape: _Shape, whole: int) -> Iterator[Unit]:
        if not rule.policy.each:
            yield Unit("", _POD, self._decide(rule, shape.pod, -1, whole), shape.pod, -1, whole)
            return
        for seat in shape.seats:
            if seat.place[0] in rule.policy.each:
                decision = self._decide(rule, shape.pod, seat.content, whole)
                yield Unit(seat.name, seat.place, decision, shape.pod, seat.content, whole)

    def _decide(self, rule: Rule, pod: int, content: int, whole: int) -> Decision:
        reads = rule.reads
        key = (pod if POD_SPEC in reads else -1, content if CONTAINER in reads else -1, whole if OBJECT in reads else 0)
        known = self._decisions[rule]
        found = known.get(key)
        if found is None:
            found = known[key] = self._decision(rule, *key)
        return found

    def _decision(self, rule: Rule, pod: int, content: int, whole: int) -> Decision:
        if whole == UNREAD:
            return _NO_OBJECT
        bindings: dict[str, object] = {}
        if pod >= 0:
            bindings[POD_SPEC] = self._pods.value(pod)
        if content >= 0:
            bindings[CONTAINER] = self._contents.value(content)
        if OBJECT in rule.reads and self._objects is not None:
            bindings[OBJECT] = self._objects.value(whole)
        return rule.decide(bindings)


def containers(pod_spec: dict[str, object]) -> Iterator[tuple[str, tuple[str, int], dict[str, object]]]:
    """Name, place and value of every container of a pod spec; a nameless one is called by its place."""
    for name in CONTAINER_LISTS:
        items = pod_spec.get(name)
        for index, item in enumerate(items if isinstance(items, list) else []):
            if isinstance(item, dict):
                called = item.get("name")
                yield called if isinstance(called, str) and called else f"{name}[{index}]", (name, index), item
