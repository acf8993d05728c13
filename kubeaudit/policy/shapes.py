"""Pod specs cut down to what the policies read; specs that no policy can tell apart are one shape."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from kubeaudit.findings import Verdict
from kubeaudit.model.decode import BROKEN
from kubeaudit.policy.columns import Columns, Pick, Row, nothing
from kubeaudit.policy.decide import Decision, Rule, union
from kubeaudit.policy.objects import Objects
from kubeaudit.policy.schema import CONTAINER, CONTAINER_LISTS, OBJECT, POD_SPEC, PatchTemplate

Member = tuple[int, Row | None]
"""What is judged: the number of a shape, and what policies read of the object: None where it could not be read."""
T = TypeVar("T")
NO_ROW: Row = ()
Place = tuple[str | int, ...]

_UNREADABLE = Decision(Verdict.NOT_EVALUATED, error="a field that the policy reads is no JSON")
_fields = msgspec.json.Decoder(dict[str, Raw])
_items = msgspec.json.Decoder(list[Raw])
_text = msgspec.json.Decoder(str)


class Seat(Struct, frozen=True):
    """What a verdict is about, whoever gives it: a container by its list and index, or the whole pod (``place`` is
    empty), with what is read of it and of its pod. The name of a container decides nothing by itself.
    """

    container: str
    place: Place
    pod: Row
    content: Row = NO_ROW


class Unit(Struct, frozen=True):
    """One verdict; ``whole`` is what is read of the object."""

    seat: Seat
    decision: Decision
    whole: Row | None


class _Shape(Struct, frozen=True):
    pod: Seat
    containers: tuple[Seat, ...]


class _Reader(Struct):
    """What one rule can tell apart of each variable, and what it said so far."""

    pod: Pick
    content: Pick
    whole: Pick
    decisions: dict[Hashable, Decision] = {}
    units: dict[Member, tuple[Unit, ...]] = {}


class Shapes:
    """The shapes of a cluster's specs, and what each rule says about them.

    A rule decides once for all pods and containers that are alike in the fields it reads, whatever they are called.
    """

    def __init__(self, specs: Sequence[bytes], rules: Sequence[Rule], objects: Objects | None = None) -> None:
        self._specs = specs
        self._columns = {
            POD_SPEC: Columns(union(rules, POD_SPEC)),
            CONTAINER: Columns(union(rules, CONTAINER)),
            OBJECT: objects.columns if objects else Columns({}),
        }
        self._of_spec: dict[int, int] = {}
        self._numbers: dict[_Shape, int] = {}
        self._shapes: list[_Shape] = []
        self._readers = {rule: self._reader(rule) for rule in rules}

    def shape_of(self, spec: int) -> int:
        """Number of the shape of a spec."""
        number = self._of_spec.get(spec)
        if number is None:
            shape = self._cut(_fields.decode(self._specs[spec]))
            number = self._of_spec[spec] = self._numbers.setdefault(shape, len(self._shapes))
            if number == len(self._shapes):
                self._shapes.append(shape)
        return number

    def units(self, rule: Rule, member: Member) -> tuple[Unit, ...]:
        """A rule's verdicts on a member: one for each container it covers, or one for the pod."""
        known = self._readers[rule].units
        found = known.get(member)
        if found is None:
            found = known[member] = tuple(self._judge(rule, self._shapes[member[0]], member[1]))
        return found

    def own(self, patch: PatchTemplate, unit: Unit) -> tuple[Row, dict[str, object]]:
        """What a unit has of the fields that a patch changes, and the row it stands in."""
        row = _rows(unit.seat, unit.whole)[patch.root] or NO_ROW
        return row, self._columns[patch.root].value(row, patch.after) or {}

    def _reader(self, rule: Rule) -> _Reader:
        of_pod, of_container, whole = (
            self._columns[variable].pick(rule.names(variable)) if variable in rule.reads else nothing
            for variable in (POD_SPEC, CONTAINER, OBJECT)
        )
        return _Reader(of_pod, of_container, whole)

    def _cut(self, spec: Mapping[str, Raw]) -> _Shape:
        pod, contents = self._columns[POD_SPEC].row(spec), self._columns[CONTAINER]
        seats = (Seat(name, place, pod, contents.row(fields)) for name, place, fields in _containers(spec))
        return _Shape(Seat("", (), pod), tuple(seats))

    def _judge(self, rule: Rule, shape: _Shape, whole: Row | None) -> Iterator[Unit]:
        if not rule.policy.each:
            yield Unit(shape.pod, self._decide(rule, shape.pod, whole), whole)
            return
        for seat in shape.containers:
            if seat.place[0] in rule.policy.each:
                yield Unit(seat, self._decide(rule, seat, whole), whole)

    def _decide(self, rule: Rule, seat: Seat, whole: Row | None) -> Decision:
        if whole is None:
            return self._decision(rule, seat, whole)
        reader = self._readers[rule]
        key = (reader.pod(seat.pod), reader.content(seat.content), reader.whole(whole))
        found = reader.decisions.get(key)
        if found is None:
            found = reader.decisions[key] = self._decision(rule, seat, whole)
        return found

    def _decision(self, rule: Rule, seat: Seat, whole: Row | None) -> Decision:
        bindings: dict[str, object] = {}
        rows = _rows(seat, whole)
        for variable in rule.reads:
            row = rows[variable]
            value = None if row is None else self._columns[variable].value(row, rule.names(variable))
            if value is None:
                return _UNREADABLE
            bindings[variable] = value
        return rule.decide(bindings)


def _rows(seat: Seat, whole: Row | None) -> dict[str, Row | None]:
    return {OBJECT: whole, POD_SPEC: seat.pod, CONTAINER: seat.content}


def _containers(pod_spec: Mapping[str, Raw]) -> Iterator[tuple[str, tuple[str, int], Mapping[str, Raw]]]:
    """Name, place and fields of every container of a pod spec; a nameless one is called by its place."""
    for name in CONTAINER_LISTS:
        items = _decoded(_items, pod_spec[name]) if name in pod_spec else None
        for index, item in enumerate(items or ()):
            fields = _decoded(_fields, item)
            if fields is not None:
                called = _decoded(_text, fields["name"]) if "name" in fields else ""
                yield called or f"{name}[{index}]", (name, index), fields


def _decoded(decoder: msgspec.json.Decoder[T], raw: Raw) -> T | None:
    """The JSON as a type, None where it is of another."""
    try:
        return decoder.decode(raw)
    except BROKEN:
        return None
