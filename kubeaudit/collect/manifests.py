"""Objects of files, as a live cluster would show them: in the version that is read, with defaults, redacted, packed.

What people write is taken for all there is of the kinds people write; of the kinds a running cluster adds, files
without any show nothing (decisions.md). A document that cannot be used is reported, and the kind it was going to be of
counts as read in part.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import msgspec

from kubeaudit import snapshot
from kubeaudit.collect.broken import told
from kubeaudit.collect.defaults.fields import Fields
from kubeaudit.collect.files import File, Skipped, read_files
from kubeaudit.collect.shelf import Shelf, Source
from kubeaudit.documents import Problem, parse
from kubeaudit.errors import CollectError, UsageError
from kubeaudit.snapshot import Header, Snapshot

_LISTS_IN_LISTS = 10


def collect_files(
    paths: Sequence[str], *, stdin: BinaryIO, namespace: str = "", tool_version: str, now: str
) -> Snapshot:
    """The objects of files, of folders and of standard input (``-``), or the one snapshot that is named.

    ``namespace`` is that of namespaced documents without one (NET-02; "" = ``default``); ``now`` is the time of the
    run, RFC 3339. Raises :class:`UsageError` for a URL, a path that is not there, or a snapshot among other files,
    :class:`CollectError` where a path cannot be read or no object is found, and :class:`SnapshotError` for a damaged
    snapshot.
    """
    shelf = Shelf(namespace or "default")
    with _collector_paused():
        for entry in read_files(paths, stdin):
            if isinstance(entry, Skipped):
                shelf.report(Source(entry.where, 0, 0), entry.reason)
            elif not entry.data.startswith(snapshot.MAGIC):
                _take_file(shelf, entry)
            elif list(paths) == [entry.where]:
                return snapshot.parse(entry.data, entry.where)
            else:
                raise UsageError(f"{entry.where} is a snapshot: it cannot be read together with other files")
    frames = shelf.frames()
    if not frames:
        raise _nothing(paths, shelf)
    return Snapshot(Header(tool_version, "files", now, now), shelf.reads(), frames, tuple(shelf.bad))


def _take_file(shelf: Shelf, file: File) -> None:
    for found in parse(file.data, file.where):
        source = Source(file.where, found.number, found.line)
        if isinstance(found, Problem):
            _take_problem(shelf, source, found, {})
        else:
            _take(shelf, source, found.value, {})


def _take(shelf: Shelf, source: Source, value: object, inherited: Fields) -> None:
    """Puts an object, or every item of a list, on the shelf; ``inherited`` is what a typed list says of its items."""
    if isinstance(value, Problem):
        _take_problem(shelf, msgspec.structs.replace(source, line=value.line), value, inherited)
    elif not isinstance(value, dict):
        lost: Fields | None = inherited or ({} if _holds_objects(value) else None)
        shelf.lose(source, f"is {_type(value)}, not an object", lost)
    elif _is_list(obj := {**inherited, **value}):
        _take_items(shelf, source, obj)
    elif not obj.get("kind"):
        shelf.lose(source, "has no kind")
    elif not obj.get("apiVersion"):
        shelf.lose(source, "has no apiVersion", obj)
    else:
        shelf.take(source, obj)


def _holds_objects(value: object) -> bool:
    """Whether this is a bare list of objects, as a filter on the output of kubectl leaves it; kubectl reads none."""
    return isinstance(value, list) and any(
        isinstance(item, dict) and {"kind", "apiVersion"} <= set(item) for item in value
    )


def _take_problem(shelf: Shelf, source: Source, problem: Problem, inherited: Fields) -> None:
    lost = told(problem.text) if problem.text else None
    if isinstance(problem.value, dict) and (read := {**inherited, **problem.value}).get("kind"):
        lost = read
    shelf.lose(source, f"{problem.reason} (column {problem.column})", lost)


def _is_list(obj: Fields) -> bool:
    """Whether this is a list of objects (NET-12): kind List, a typed list, or items and no kind."""
    kind = obj.get("kind")
    return kind == "List" or ("items" in obj and (kind is None or (isinstance(kind, str) and kind.endswith("List"))))


def _take_items(shelf: Shelf, source: Source, obj: Fields) -> None:
    items = obj.get("items")
    if items is None:
        return
    if not isinstance(items, list):
        shelf.lose(source, f"has items that are {_type(items)}, not a list", obj)
        return
    kind = str(obj.get("kind") or "List").removesuffix("List")
    inherited = {"apiVersion": obj.get("apiVersion"), "kind": kind} if kind else {}
    for number, item in enumerate(items):
        place = f"{source.item}.items[{number}]" if source.item else f"items[{number}]"
        if place.count("items") > _LISTS_IN_LISTS:
            shelf.lose(source, "is a list inside too many lists", {})
            return
        _take(shelf, msgspec.structs.replace(source, item=place), item, inherited)


def _type(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _nothing(paths: Sequence[str], shelf: Shelf) -> CollectError:
    message = f"no object of a kind that is read in {', '.join(paths)}"
    if not shelf.bad:
        return CollectError(message, "give manifests (YAML or JSON), or `-` and pipe them in")
    first = shelf.bad[0]
    more = f"; {len(shelf.bad) - 1} more documents are not usable" if len(shelf.bad) > 1 else ""
    return CollectError(f"{message}; {first.where}:{first.line}: {first.reason}{more}", "correct the documents named")


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without the cyclic garbage collector: parsed documents have no cycles, and looking for some triples the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
