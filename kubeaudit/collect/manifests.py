"""Objects of files, as a live cluster would show them: in the version that is read, with defaults, redacted, packed.

What people write is taken for all there is of the kinds people write; of the kinds a running cluster adds, a file that
has none shows nothing (decisions.md). A document that cannot be used is reported, and the kind it is of, if that can be
told, counts as read in part.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from kubeaudit import snapshot
from kubeaudit.collect.broken import told
from kubeaudit.collect.files import File, read_files
from kubeaudit.collect.shelf import Shelf, Source
from kubeaudit.documents import Problem, parse
from kubeaudit.errors import CollectError, UsageError
from kubeaudit.snapshot import BadDocument, Header, Snapshot

_LIST_DEPTH = 10


def collect_files(
    paths: Sequence[str], *, stdin: BinaryIO, namespace: str = "", tool_version: str, now: str
) -> Snapshot:
    """The objects of files, folders and standard input (``-``), or the one snapshot that is named.

    ``namespace`` is that of namespaced documents without one (NET-02; "" = ``default``); ``now`` is the time of the run,
    RFC 3339. Raises :class:`UsageError` for a URL or a snapshot among other files, :class:`CollectError` where a path
    cannot be read or no object is found, and :class:`SnapshotError` for a damaged snapshot.
    """
    shelf = Shelf(namespace or "default")
    with _no_cyclic_collection():
        for entry in read_files(paths, stdin):
            if not isinstance(entry, File):
                shelf.report(BadDocument(entry.where, entry.reason))
            elif entry.data.startswith(snapshot.MAGIC):
                if len(paths) > 1:
                    raise UsageError(f"{entry.where} is a snapshot: it cannot be read together with other files")
                return snapshot.parse(entry.data, entry.where)
            else:
                _take_file(shelf, entry)
    if not shelf.frames():
        raise _empty(paths, shelf.bad)
    header = Header(tool_version, "files", now, now)
    return Snapshot(header, shelf.reads(), shelf.frames(), tuple(shelf.bad))
