"""Where a run's objects come from: a live cluster, files, or a snapshot; and the signals that end reading."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from types import FrameType

from kubeaudit import __version__
from kubeaudit.cli.options import Live, rfc3339
from kubeaudit.snapshot import Snapshot


def from_files(
    paths: tuple[str, ...], namespaces: tuple[str, ...], now: Callable[[], datetime], *, quiet: bool
) -> Snapshot:
    """Files, folders, ``-`` or one snapshot; nothing is contacted (LP-08)."""
    from kubeaudit.cli.progress import heartbeat
    from kubeaudit.collect.manifests import collect_files

    namespace = namespaces[0] if len(namespaces) == 1 else ""
    with nullcontext() if quiet else heartbeat("reading files"):
        return collect_files(
            paths, stdin=sys.stdin.buffer, namespace=namespace, tool_version=__version__, now=rfc3339(now())
        )


def from_cluster(
    options: Live, now: Callable[[], datetime], stop: threading.Event, *, quiet: bool, color: bool
) -> Snapshot:
    """The cluster of the chosen context. ``stop`` ends reading; the snapshot is then marked incomplete (CRON-09)."""
    from kubeaudit.collect.client import Connection, connect
    from kubeaudit.collect.live import check_namespaces, collect
    from kubeaudit.collect.progress import Progress, Silent

    client = connect(Connection(options.kubeconfig, options.context, options.user, options.request_timeout))

    def read(progress: Progress) -> Snapshot:
        return collect(
            client,
            namespaces=options.namespaces,
            timeout=options.timeout,
            now=now,
            tool_version=__version__,
            progress=progress,
            stop=stop,
        )

    if quiet:
        snapshot = read(Silent())
    else:
        from kubeaudit.cli.progress import Bars, Lines

        # Bars move the cursor: where no colours are wanted, no other escape sequence is either.
        with Bars() if color and sys.stderr.isatty() else Lines() as progress:
            snapshot = read(progress)
    check_namespaces(snapshot, options.namespaces)
    return snapshot


@contextmanager
def stopped_by_sigterm() -> Iterator[threading.Event]:
    """An event that SIGTERM sets instead of ending the process: what was read is still judged and written (CRON-09)."""
    stop = threading.Event()

    def handler(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
