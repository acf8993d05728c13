"""The objects of a cluster as they were read, what could not be read, and the versioned file that holds both.

Objects are kept as compressed frames of newline-delimited JSON, a few hundred objects each, so that a cluster of
100,000 pods never stands in memory as text. The file is a sequence of zstd frames, each preceded by a skippable frame
(RFC 8878 section 3.1.2) that names its resource, object count and size: ``zstd -dc FILE`` prints plain NDJSON, and the
reader finds every frame without unpacking any. The last skippable frame counts them all; a file without it was cut."""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

import msgspec
import zstandard
from msgspec import Struct

from kubeaudit import files
from kubeaudit.errors import SnapshotError
from kubeaudit.refs import ObjectRef

FORMAT = "kubeaudit.snapshot/1"
MAGIC = b"\x50\x2a\x4d\x18"
"""A zstd skippable frame: how snapshots are told from manifests."""
FRAME_OBJECTS = 500
_LEVEL = 3


class Outcome(StrEnum):
    """How the reading of one kind in one scope ended."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    REFUSED = "refused"
    UNAUTHORIZED = "unauthorized"
    FAILED = "failed"
    NOT_SERVED = "not-served"
    NOT_ASKED = "not-asked"
    ABSENT = "absent"


class Read(Struct, frozen=True, omit_defaults=True):
    """One kind in one scope ("" = the whole cluster): how it ended and what it cost (PERF-08).

    ``detail`` says why it did not complete; ``status`` is the HTTP status, 0 where there was none; ``seconds`` is wall
    time."""

    resource: str
    scope: str
    outcome: Outcome
    version: str = ""
    count: int = 0
    status: int = 0
    detail: str = ""
    requests: int = 0
    bytes: int = 0
    throttled: int = 0
    seconds: float = 0.0


class Gap(Struct, frozen=True, order=True, omit_defaults=True):
    """A kind that was not read, or only in part, in a scope. ``reason`` is a word of CHK-04."""

    resource: str
    scope: str
    reason: str
    status: int = 0
    detail: str = ""


class BadDocument(Struct, frozen=True, order=True, omit_defaults=True):
    """Input that is no usable object: where it stands and why it was left out.

    ``object`` is set as far as it could be told; ``document`` counts from 1, ``line`` is that of the document or the
    error."""

    where: str
    reason: str
    document: int = 0
    line: int = 0
    object: ObjectRef | None = None


class Header(Struct, frozen=True, omit_defaults=True):
    """Where a snapshot comes from (REP-03). Times are UTC, RFC 3339; ``cluster_id`` is the UID of namespace
    kube-system.
    """

    tool_version: str
    source: str
    start: str
    end: str
    cluster_id: str = ""
    context: str = ""
    server_url: str = ""
    server_version: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()
    complete: bool = True


class Frame(Struct, frozen=True):
    """Compressed NDJSON of some objects of one resource."""

    resource: str
    count: int
    data: bytes


_REASONS = {
    Outcome.PARTIAL: "read-incomplete",
    Outcome.REFUSED: "forbidden",
    Outcome.UNAUTHORIZED: "unauthorized",
    Outcome.FAILED: "read-incomplete",
    Outcome.NOT_ASKED: "opt-in",
    Outcome.ABSENT: "file-not-visible",
}


class Snapshot(Struct, frozen=True):
    """What was read from a cluster or from files: header, reads, objects in frames, and input that was unusable."""

    header: Header
    reads: tuple[Read, ...]
    frames: tuple[Frame, ...]
    bad: tuple[BadDocument, ...] = ()

    def objects(self, resource: str) -> Iterator[bytes]:
        """The objects of a resource, each as JSON, in the order they were read."""
        for frame in self.frames:
            if frame.resource == resource:
                yield from unpack(frame)

    def count(self, resource: str) -> int:
        """How many objects of a resource the snapshot holds."""
        return sum(frame.count for frame in self.frames if frame.resource == resource)

    def gaps(self) -> tuple[Gap, ...]:
        """Every kind and scope that was not read to its end; kinds the server does not serve are none (CHK-05)."""
        complete = {(read.resource, read.scope) for read in self.reads if read.outcome is Outcome.COMPLETE}
        found = {
            Gap(read.resource, read.scope, _REASONS[read.outcome], read.status, read.detail)
            for read in self.reads
            if read.outcome in _REASONS and (read.resource, read.scope) not in complete
        }
        return tuple(sorted(found))


def pack(resource: str, objects: list[bytes]) -> Frame:
    """Compress some objects of one resource. zstd releases the interpreter lock, so workers pack side by side."""
    lines = b"\n".join(_one_line(item) for item in objects) + b"\n"
    # The compressor's own result keeps the buffer it was allocated with, several times its length.
    packed = bytes(memoryview(zstandard.ZstdCompressor(level=_LEVEL).compress(lines)))
    return Frame(resource, len(objects), packed)


def _one_line(item: bytes) -> bytes:
    """An indented object without its line breaks: inside JSON they are white space, strings cannot hold them."""
    return item.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in item or b"\r" in item else item


def pack_all(resource: str, objects: Iterable[bytes]) -> Iterator[Frame]:
    """Compress any number of objects into frames of at most ``FRAME_OBJECTS``."""
    batch: list[bytes] = []
    for item in objects:
        batch.append(item)
        if len(batch) == FRAME_OBJECTS:
            yield pack(resource, batch)
            batch = []
    if batch:
        yield pack(resource, batch)


def unpack(frame: Frame) -> list[bytes]:
    """The objects of one frame, each as JSON."""
    return zstandard.ZstdDecompressor().decompress(frame.data).splitlines()


class _Mark(Struct, frozen=True, omit_defaults=True, tag_field="mark"):
    """Content of a skippable frame: ``start``, ``frame`` or ``end``."""


class _Start(_Mark, frozen=True, tag="start"):
    format: str
    header: Header
    reads: tuple[Read, ...]
    bad: tuple[BadDocument, ...] = ()


class _FrameMark(_Mark, frozen=True, tag="frame"):
    resource: str
    count: int
    size: int


class _End(_Mark, frozen=True, tag="end"):
    frames: int
    objects: int
    sha256: str


def write(snapshot: Snapshot, path: Path) -> None:
    """Write the file, whole or not at all. Raises :class:`OutputError`."""
    files.write(path, _blocks(snapshot))


def read(path: Path) -> Snapshot:
    """Read a snapshot file. Raises :class:`SnapshotError` where it is cut, foreign or of a newer version."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SnapshotError(f"cannot read {path}: {error.strerror}") from error
    return parse(data, str(path))


def parse(data: bytes, name: str) -> Snapshot:
    """A snapshot from the bytes of its file; ``name`` is used in errors. Raises :class:`SnapshotError`."""
    if not data.startswith(MAGIC):
        raise SnapshotError(
            f"{name} is not a kubeaudit snapshot", f"expected a file of format {FORMAT}, made by `kubeaudit collect`"
        )
    view = memoryview(data)
    payload, position = _skippable(view, 0, name)
    start = _start(payload, name)
    frames: list[Frame] = []
    digest = hashlib.sha256()
    while True:
        payload, position = _skippable(view, position, name)
        mark = _mark(payload, name)
        if isinstance(mark, _End):
            break
        body = bytes(view[position : position + mark.size])
        if len(body) < mark.size:
            raise _cut(name)
        digest.update(body)
        frames.append(Frame(mark.resource, mark.count, body))
        position += mark.size
    counted = sum(frame.count for frame in frames)
    if (mark.frames, mark.objects, mark.sha256) != (len(frames), counted, digest.hexdigest()):
        raise SnapshotError(f"{name} is damaged: its content does not match its checksum", "collect it again")
    return Snapshot(start.header, start.reads, tuple(frames), start.bad)


def _blocks(snapshot: Snapshot) -> Iterator[bytes]:
    yield _wrap(_Start(FORMAT, snapshot.header, snapshot.reads, snapshot.bad))
    digest = hashlib.sha256()
    for frame in snapshot.frames:
        yield _wrap(_FrameMark(frame.resource, frame.count, len(frame.data)))
        yield frame.data
        digest.update(frame.data)
    yield _wrap(_End(len(snapshot.frames), sum(frame.count for frame in snapshot.frames), digest.hexdigest()))


def _wrap(mark: _Mark) -> bytes:
    payload = msgspec.json.encode(mark)
    return MAGIC + struct.pack("<I", len(payload)) + payload


def _skippable(view: memoryview, position: int, name: str) -> tuple[bytes, int]:
    head = bytes(view[position : position + 8])
    if len(head) < 8 or head[:4] != MAGIC:
        raise _cut(name)
    size = int(struct.unpack("<I", head[4:])[0])
    payload = bytes(view[position + 8 : position + 8 + size])
    if len(payload) < size:
        raise _cut(name)
    return payload, position + 8 + size


def _start(payload: bytes, name: str) -> _Start:
    class Version(Struct):
        format: str = ""

    try:
        found = msgspec.json.decode(payload, type=Version).format
    except msgspec.DecodeError:
        found = ""
    if found != FORMAT:
        told = f"has format {found}" if found else "is not a kubeaudit snapshot"
        raise SnapshotError(
            f"{name} {told}; this version reads {FORMAT}", "use the kubeaudit version that made the file"
        )
    try:
        return msgspec.json.decode(payload, type=_Start)
    except msgspec.DecodeError as error:
        raise SnapshotError(f"{name} is damaged: {error}", "collect it again") from error


def _mark(payload: bytes, name: str) -> _FrameMark | _End:
    try:
        return msgspec.json.decode(payload, type=_FrameMark | _End)
    except msgspec.DecodeError as error:
        raise SnapshotError(f"{name} is damaged: {error}", "collect it again") from error


def _cut(name: str) -> SnapshotError:
    return SnapshotError(f"{name} is cut: its last block is missing", "collect it again, or copy the whole file")
