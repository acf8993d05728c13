"""Reads a cluster through its API server into a :class:`~kubeaudit.snapshot.Snapshot`: lists only, four at a time.

Whatever could not be read stands in the snapshot's reads with its reason, and the run goes on without it. Only where
nothing at all could be read (unreachable, not authenticated) is there no snapshot.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from kubeaudit.collect import configmaps, discovery, identity, plan
from kubeaudit.collect.ask import Budget, Failure, Health, ask
from kubeaudit.collect.client import Client, Response
from kubeaudit.collect.configmaps import Got
from kubeaudit.collect.discovery import Served
from kubeaudit.collect.identity import User
from kubeaudit.collect.lists import Lists
from kubeaudit.collect.progress import Progress
from kubeaudit.collect.workers import Workers
from kubeaudit.errors import CollectError, UsageError
from kubeaudit.garbage import collection_paused
from kubeaudit.kinds import CONFIGMAPS, NAMED_CONFIGMAPS
from kubeaudit.snapshot import Header, Outcome, Snapshot, pack_all

STOPPED = "the run was told to end"
_GRACE = 1.0
"""Seconds that requests in flight are given once the time is up."""
_APISERVICES = "apiservices.apiregistration.k8s.io"


class _Metadata(Struct, frozen=True):
    name: str = ""
    uid: str = ""


class _ServiceOf(Struct, frozen=True):
    service: dict[str, object] | None = None


class _Object(Struct, frozen=True):
    metadata: _Metadata = _Metadata()
    spec: _ServiceOf = _ServiceOf()


def collect(
    client: Client,
    *,
    namespaces: tuple[str, ...] = (),
    timeout: float | None = None,
    now: Callable[[], datetime],
    tool_version: str,
    progress: Progress,
    stop: threading.Event,
) -> Snapshot:
    """Everything the kinds table names, as far as the API server serves it and lets us read it.

    ``namespaces`` are listed one by one where a list of the whole cluster is refused (LP-07). ``timeout`` (seconds)
    bounds the whole; what is left then is read-incomplete. ``stop`` ends it, and the header says so. Raises
    :class:`CollectError` where the server is not reached or does not know us, so that no object was read.
    """
    start = _rfc3339(now())
    collection = _Collection(client, timeout, stop)
    try:
        with collection_paused():
            version, user, served = collection.greet()
            snapshot = collection.read(served, tuple(dict.fromkeys(namespaces)), progress)
    finally:
        collection.end()
    snapshot = _doubt_calico(snapshot)
    namespace_ids = {each.metadata.name: each.metadata.uid for each in _objects(snapshot, "namespaces")}
    header = Header(
        tool_version=tool_version,
        source="live",
        start=start,
        end=_rfc3339(now()),
        cluster_id=namespace_ids.get("kube-system", ""),
        context=client.context,
        server_url=client.server_url,
        server_version=version,
        user=user.username,
        groups=user.groups,
        complete=not stop.is_set(),
    )
    return msgspec.structs.replace(snapshot, header=header)


def check_namespaces(snapshot: Snapshot, names: tuple[str, ...]) -> None:
    """Raise :class:`UsageError` for a namespace that does not exist, as far as namespaces were read to their end."""
    if not any(read.resource == "namespaces" and read.outcome is Outcome.COMPLETE for read in snapshot.reads):
        return
    there = sorted(each.metadata.name for each in _objects(snapshot, "namespaces"))
    unknown = [name for name in names if name not in there]
    if unknown:
        raise UsageError(f"no such namespace: {', '.join(unknown)}", f"namespaces there are: {', '.join(there)}")


class _Collection:
    """The parts that one collection shares, from the side of the thread that waits for it."""

    def __init__(self, client: Client, timeout: float | None, stop: threading.Event) -> None:
        self.client = client
        self.budget = Budget(timeout)
        self.health = Health()
        self.workers = Workers()
        self._stop = stop
        self._told_to_end()

    def end(self) -> None:
        """Ask for nothing more and wait for nobody."""
        self.budget.end(STOPPED)
        self.workers.close()

    def greet(self) -> tuple[str, User, Served]:
        """The server's version, who we are, and what is served. Raises :class:`CollectError` where nothing answers."""
        shared = (self.client, self.budget, self.health)
        version = self.workers.call(lambda: identity.server_version(*shared))
        user = self.workers.call(lambda: identity.user(*shared))
        discovered = self.workers.call(lambda: discovery.discover(self._ask_for))
        self._finish()
        served, failure = discovered.result() if discovered.done() else (discovery.unseen(discovery.GROUPS), None)
        if failure is not None and failure.general:
            raise self.nothing_read(failure)
        return version.result() if version.done() else "", user.result() if user.done() else User(), served

    def read(self, served: Served, namespaces: tuple[str, ...], progress: Progress) -> Snapshot:
        """Everything that is served, under an empty header. Raises :class:`CollectError` where nothing answers."""
        wants, known = plan.plan(served)
        progress.start(len(wants))
        lists = Lists(self.client, self.workers, self.budget, self.health, progress, namespaces)
        lists.begin(wants, served)
        maps = {place: self.workers.call(self._configmap(*place)) for place in NAMED_CONFIGMAPS}
        self._finish()
        why = self.budget.over
        got = [each.result() if each.done() else configmaps.missed(*place, why) for place, each in maps.items()]
        result = lists.result(why)
        failure = lists.first_failure()
        seen = any(read.outcome is Outcome.COMPLETE or read.count for read in result.reads)
        if failure is not None and not seen and not why:
            raise self.nothing_read(failure)
        objects = [each.object for each in got if each.object is not None]
        reads = plan.in_order((*known, *result.reads, *plan.instead_of_endpoints(result.reads)))
        return Snapshot(
            header=Header("", "", "", ""),
            reads=(*reads, *(each.read for each in got)),
            frames=(*result.frames, *pack_all(CONFIGMAPS, objects)),
            bad=(*result.bad, *(each.bad for each in got if each.bad is not None)),
        )

    def nothing_read(self, failure: Failure) -> CollectError:
        """The error of a run that has nothing to look at."""
        if failure.outcome is Outcome.UNAUTHORIZED:
            told = f"the API server {self.client.host} refused the credentials of context {self.client.context!r}"
            return CollectError(f"{told} (401 {failure.detail}); no object was read", failure.hint)
        return CollectError(f"no object was read: the API server {failure.detail}", failure.hint)

    def _ask_for(self, path: str, accept: str) -> Response | Failure:
        return ask(lambda left: self.client.get(path, accept=accept, seconds=left), self.budget, self.health)[0]

    def _configmap(self, namespace: str, name: str) -> Callable[[], Got]:
        return lambda: configmaps.get(self.client, namespace, name, self.budget, self.health)

    def _finish(self) -> None:
        """Wait for the workers, but not beyond the time there is, nor once told to stop."""
        if not self.workers.wait(self._told_to_end):
            last = time.monotonic() + _GRACE
            self.workers.wait(lambda: time.monotonic() > last)

    def _told_to_end(self) -> bool:
        if self._stop.is_set():
            self.budget.end(STOPPED)
        return bool(self.budget.over)


def _doubt_calico(snapshot: Snapshot) -> Snapshot:
    """Lists of projectcalico.org that Calico's API server answered are never whole (NET-131): they become partial."""
    apiservices = [read for read in snapshot.reads if read.resource == _APISERVICES]
    native = any(read.outcome is Outcome.COMPLETE for read in apiservices) and not any(
        each.metadata.name.endswith(f".{plan.CALICO}") and each.spec.service is not None
        for each in _objects(snapshot, _APISERVICES)
    )
    if native:
        return snapshot
    told = "an APIService may answer for this group, whose lists are never whole (NET-131)"
    reads = tuple(
        msgspec.structs.replace(read, outcome=Outcome.PARTIAL, detail=told)
        if read.resource.endswith(f".{plan.CALICO}")
        and not read.resource.endswith(f".{plan.CALICO_STORED}")
        and read.outcome is Outcome.COMPLETE
        else read
        for read in snapshot.reads
    )
    return msgspec.structs.replace(snapshot, reads=reads)


def _objects(snapshot: Snapshot, resource: str) -> Iterator[_Object]:
    for raw in snapshot.objects(resource):
        # An object of a shape that was not expected is the model's to report; here it only tells nothing.
        with suppress(msgspec.DecodeError):
            yield msgspec.json.decode(raw, type=_Object)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
