"""One YAML document as a value, with duplicate keys found, aliases bounded and, if wanted, the place of every field."""

import json
from collections.abc import Iterator

import yaml
from yaml.reader import ReaderError

from kubeaudit.documents.pieces import pieces
from kubeaudit.documents.scalars import finite, resolve
from kubeaudit.errors import UsageError

Path = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, from 1."""
Marks = dict[Path, Place]
"""Where the key or list item at each path stands."""

MAX_DEPTH = 200
"""Levels of nesting that are read; schemas of CustomResourceDefinitions, the deepest of Kubernetes, have some 50."""
MAX_ALIASED = 10_000_000
"""Characters that the aliases of one document may stand for; ten lines of nested aliases stand for gigabytes."""

_TAG = "tag:yaml.org,2002:"
_TYPES: dict[str, tuple[type, ...]] = {"bool": (bool,), "int": (int,), "float": (float, int), "null": (type(None),)}


class FaultError(Exception):
    """What keeps a document from being read, and where."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.reason = reason


def compose_marked(text: str, where: str) -> tuple[object, Marks]:
    """The only document of a text, and where its fields stand; those below an alias have no place of their own.

    Raises :class:`UsageError` that names file, line and column where the text is not one document.
    """
    found = list(pieces(text.encode("utf-8", "surrogatepass")))
    if len(found) != 1:
        raise UsageError(f"{where}:{found[1][1] if found else 1}:1: expected one document, found {len(found)}")
    piece, line = found[0]
    marks: Marks = {}
    composer = Composer(line, marks)
    try:
        value = composer.compose(piece)
        for _, twice in composer.faults:
            raise twice
    except FaultError as fault:
        raise UsageError(f"{where}:{fault.place[0]}:{fault.place[1]}: {fault.reason}") from fault
    return value, marks


def place(marks: Marks, path: Path) -> Place:
    """Where a field stands, or what encloses it if it has no mark."""
    while path and path not in marks:
        path = path[:-1]
    return marks.get(path, (1, 1))


class _Frame:
    """A list or mapping that is being read. ``key`` waits for its value; ``weight`` is about its length as text."""

    __slots__ = ("anchor", "key", "merged", "merging", "path", "place", "value", "weight")

    def __init__(self, value: list[object] | dict[str, object], anchor: str | None, path: Path) -> None:
        self.value = value
        self.anchor = anchor
        self.path = path
        self.place: Place = (1, 1)
        self.key: str | None = None
        self.merging = False
        self.merged: list[object] = []
        self.weight = 1


class Composer:
    """Makes one value of PyYAML's events. ``faults`` are keys given twice, each with the index of its list item."""

    def __init__(self, line: int, marks: Marks | None = None) -> None:
        """``line`` is that of the text's first line in its file; ``marks`` are filled in if given."""
        self.faults: list[tuple[int | None, FaultError]] = []
        self._line = line
        self._marks = marks
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[object, int]] = {}
        self._aliased = 0
        self._root: object = None

    def compose(self, text: bytes) -> object:
        """The value of the one document in the text. Raises :class:`FaultError` where it cannot be read."""
        try:
            for event in _events(text):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = (mark.line, mark.column) if mark else (0, 0)
            reason = " ".join(part for part in (error.problem, error.context) if part)
            raise FaultError((self._line + at[0], at[1] + 1), f"not YAML: {reason}{_tab(text, at)}") from error
        except ReaderError as error:
            before = text[: error.position]
            at = self._line + before.count(b"\n"), len(before) - before.rfind(b"\n")
            raise FaultError(at, f"not YAML: {error.reason}") from error
        return self._root

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            value, weight = self._scalar(event), len(event.value) + 1
            if event.anchor:
                self._anchors[event.anchor] = value, weight
            self._put(event, value, weight)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close(event)
        elif isinstance(event, yaml.AliasEvent):
            self._put(event, *self._alias(event))

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        if event.tag is None or not event.tag.startswith(_TAG):
            value = resolve(event.value) if event.implicit[0] and not event.style else event.value
            if not finite(value):
                raise FaultError(self._place(event), f"{event.value} is no number of JSON")
            return value
        name = event.tag.removeprefix(_TAG)
        if name in ("str", "timestamp"):
            return event.value
        value = resolve(event.value)
        if name not in _TYPES or not isinstance(value, _TYPES[name]) or not finite(value):
            raise FaultError(self._place(event), f"the value is no !!{name} of JSON")
        return value

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        if len(self._frames) >= MAX_DEPTH:
            raise FaultError(self._place(event), f"nested deeper than {MAX_DEPTH} levels")
        if self._wants_key():
            raise FaultError(self._place(event), "a key is a list or mapping")
        value: list[object] | dict[str, object] = {} if isinstance(event, yaml.MappingStartEvent) else []
        if event.anchor:
            self._anchors[event.anchor] = value, 0
        self._frames.append(_Frame(value, event.anchor, self._mark(event)))

    def _close(self, event: yaml.Event) -> None:
        frame = self._frames.pop()
        for merged in frame.merged:
            for mapping in merged if isinstance(merged, list) else [merged]:
                if not isinstance(mapping, dict) or not isinstance(frame.value, dict):
                    raise FaultError(self._place(event), "a merge key needs a mapping or a list of mappings")
                frame.value.update({key: value for key, value in mapping.items() if key not in frame.value})
        if frame.anchor:
            self._anchors[frame.anchor] = frame.value, frame.weight
        self._attach(frame.value, frame.weight)

    def _alias(self, event: yaml.AliasEvent) -> tuple[object, int]:
        value, weight = self._anchors.get(event.anchor or "", (None, -1))
        self._aliased += weight
        if weight < 0:
            raise FaultError(self._place(event), f"alias *{event.anchor} has no anchor")
        if weight == 0:
            raise FaultError(self._place(event), f"alias *{event.anchor} lies inside what it stands for")
        if self._aliased > MAX_ALIASED:
            raise FaultError(self._place(event), f"aliases stand for more than {MAX_ALIASED:,} characters")
        return value, weight

    def _put(self, event: yaml.NodeEvent, value: object, weight: int) -> None:
        if self._wants_key():
            self._key(event, value, weight)
        else:
            self._mark(event)
            self._attach(value, weight)

    def _wants_key(self) -> bool:
        return bool(self._frames) and self._frames[-1].key is None and isinstance(self._frames[-1].value, dict)

    def _key(self, event: yaml.NodeEvent, value: object, weight: int) -> None:
        frame = self._frames[-1]
        frame.weight += weight
        frame.place = self._place(event)
        if value is None or isinstance(value, list | dict):
            raise FaultError(frame.place, "a key is null, a list or a mapping")
        frame.key = value if isinstance(value, str) else json.dumps(value)
        frame.merging = value == "<<" and isinstance(event, yaml.ScalarEvent) and not event.style
        if frame.key in frame.value:
            self.faults.append((self._item(), FaultError(frame.place, f"key {frame.key!r} is given twice")))

    def _attach(self, value: object, weight: int) -> None:
        if not self._frames:
            self._root = value
            return
        frame = self._frames[-1]
        frame.weight += weight
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.merging:
            frame.merged.append(value)
        elif frame.key is not None:
            frame.value[frame.key] = value
        frame.key = None

    def _item(self) -> int | None:
        """Index of the item of a Kubernetes list that is being read."""
        if len(self._frames) > 2 and self._frames[0].key == "items" and isinstance(self._frames[1].value, list):
            return len(self._frames[1].value)
        return None

    def _mark(self, event: yaml.NodeEvent) -> Path:
        """Notes where the value that begins here stands, if marks are wanted; its path."""
        if self._marks is None:
            return ()
        if not self._frames:
            self._marks[()] = self._place(event)
            return ()
        frame = self._frames[-1]
        step: str | int = len(frame.value) if isinstance(frame.value, list) else frame.key or ""
        path = (*frame.path, step)
        self._marks[path] = self._place(event) if isinstance(step, int) else frame.place
        return path

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return (mark.line + self._line, mark.column + 1) if mark else (self._line, 1)


def _events(text: bytes) -> Iterator[yaml.Event]:
    if yaml.__with_libyaml__:
        return yaml.parse(text, Loader=yaml.CSafeLoader)
    return yaml.parse(text, Loader=yaml.SafeLoader)


def _tab(text: bytes, at: tuple[int, int]) -> str:
    """Advice where a tab stands in the broken line before the error; ``at`` counts from 0."""
    lines = text.split(b"\n", at[0] + 1)
    broken = lines[at[0]][: at[1] + 1] if at[0] < len(lines) else b""
    return "; indent with spaces, not tabs" if b"\t" in broken else ""
