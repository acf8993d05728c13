"""Reads lists page by page on the workers: the next page is asked for before this one is decoded (PERF-03).

Pages arrive in any order; each has its number, so what is kept does not depend on which thread was faster.
"""

import threading
import time
from urllib.parse import quote

import msgspec
from msgspec import Struct

from kubeaudit.collect import pages, plan
from kubeaudit.collect.ask import Budget, Cost, Failure, Health, ask
from kubeaudit.collect.client import Client, Response
from kubeaudit.collect.discovery import Served, list_path
from kubeaudit.collect.pages import Page
from kubeaudit.collect.plan import SLICES, Want
from kubeaudit.collect.progress import Progress
from kubeaudit.collect.workers import Workers
from kubeaudit.snapshot import BadDocument, Frame, Outcome, Read

_RESTARTS = 1
"""How often a list is begun again: where its token has expired (410), or a page was no JSON."""


class _Ticket(Struct, frozen=True):
    """One page to fetch: how often the list was begun again before, the page's number from 0, and its token."""

    generation: int = 0
    page: int = 0
    token: str = ""


class Reading:
    """A list while it is read. Guarded by the lock of :class:`Lists`."""

    def __init__(self, want: Want) -> None:
        self.want = want
        self.versions = list(want.versions)
        self.generation = 0
        self.pages: dict[int, Page] = {}
        self.before: dict[int, Page] = {}
        self.failure: Failure | None = None
        self.cost = Cost()
        self.open = 0
        self.begun = 0.0
        self.seconds = 0.0

    @property
    def version(self) -> str:
        """The version asked for: the first one not found to be missing."""
        return self.versions[0]

    @property
    def count(self) -> int:
        """Objects kept so far."""
        return sum(page.count for page in self.kept.values())

    def begin_again(self) -> None:
        """Read the list from its start: pages of two moments do not make one list."""
        self.generation += 1
        self.before, self.pages = self.pages, {}

    @property
    def kept(self) -> dict[int, Page]:
        """The pages by number; of a list that failed when it was begun again, the longer part."""
        return self.before if self.failure and len(self.before) > len(self.pages) else self.pages

    def frames(self) -> tuple[Frame, ...]:
        """The objects kept, in the server's order."""
        return tuple(frame for number in sorted(self.kept) for frame in self.kept[number].frames)

    def bad(self) -> tuple[BadDocument, ...]:
        """The objects that were no use, in the server's order; numbers count from the start of the list."""
        return tuple(
            msgspec.structs.replace(item, document=number * pages.LIMIT + item.document)
            for number in sorted(self.kept)
            for item in self.kept[number].bad
        )

    def read(self, unfinished: str) -> Read:
        """How it ended; ``unfinished`` says why where it has not."""
        failure = self.failure or (Failure(Outcome.FAILED, 0, unfinished) if self.open else None)
        count, lost = self.count, len(self.bad())
        if failure is None and lost:
            failure = Failure(Outcome.PARTIAL, 0, f"{lost} of {count + lost} objects cannot be decoded")
        outcome = failure.outcome if failure else Outcome.COMPLETE
        if failure and self.kept:
            outcome = Outcome.PARTIAL
        return Read(
            resource=self.want.kind.key,
            scope=self.want.scope,
            outcome=outcome,
            version=self.version,
            count=count,
            status=failure.status if failure else 200,
            detail=failure.detail if failure else "",
            requests=self.cost.requests,
            bytes=self.cost.bytes,
            throttled=self.cost.throttled,
            seconds=round(self.seconds, 3),
        )


class Result(Struct, frozen=True):
    """What lists gave: how each ended, the objects, and objects that were no use."""

    reads: tuple[Read, ...]
    frames: tuple[Frame, ...]
    bad: tuple[BadDocument, ...]


class Lists:
    """The lists of one collection."""

    def __init__(
        self,
        client: Client,
        workers: Workers,
        budget: Budget,
        health: Health,
        progress: Progress,
        namespaces: tuple[str, ...],
    ) -> None:
        self._client = client
        self._workers = workers
        self._budget = budget
        self._health = health
        self._progress = progress
        self._namespaces = namespaces
        self._served = Served({}, {})
        self._lock = threading.RLock()
        self._readings: list[Reading] = []
        self._closed = False

    def begin(self, wants: tuple[Want, ...], served: Served) -> None:
        """Put the first page of every list on the workers' table; ``served`` decides about fallbacks."""
        self._served = served
        for want in wants:
            self._begin(want)

    def result(self, unfinished: str) -> Result:
        """What there is now, in the order of the kinds table; ``unfinished`` says why some of it has not ended.

        Threads that are still busy change nothing and tell nobody from here on.
        """
        table = plan.places()
        scopes = {scope: number for number, scope in enumerate(("", *self._namespaces))}
        with self._lock:
            self._closed = True
            done = sorted(self._readings, key=lambda each: (table[each.want.kind.key], scopes[each.want.scope]))
            return Result(
                tuple(each.read(unfinished) for each in done),
                tuple(frame for each in done for frame in each.frames()),
                tuple(item for each in done for item in each.bad()),
            )

    def first_failure(self) -> Failure | None:
        """The failure of the first list that failed for a general reason."""
        with self._lock:
            return next((each.failure for each in self._readings if each.failure and each.failure.general), None)

    def _begin(self, want: Want) -> None:
        with self._lock:
            reading = Reading(want)
            self._readings.append(reading)
            self._queue(reading, _Ticket())

    def _queue(self, reading: Reading, ticket: _Ticket) -> None:
        reading.open += 1
        self._workers.put((reading.want.rank, ticket.page), lambda: self._fetch(reading, ticket))

    def _fetch(self, reading: Reading, ticket: _Ticket) -> None:
        with self._lock:
            version = reading.version
            current = ticket.generation == reading.generation and not self._closed
            reading.begun = reading.begun or time.monotonic()
        if current:
            path = list_path(reading.want.kind, version, quote(reading.want.scope, safe=""))
            params = {"limit": str(pages.LIMIT)} | ({"continue": ticket.token} if ticket.token else {})
            answer, cost = ask(
                lambda left: self._client.get(path, params, seconds=left), self._budget, self._health, reading.want.seen
            )
            with self._lock:
                reading.cost = reading.cost.plus(cost)
            if isinstance(answer, Response):
                self._received(reading, ticket, version, answer.data)
            else:
                self._failed(reading, ticket, answer)
        self._settle(reading)

    def _received(self, reading: Reading, ticket: _Ticket, version: str, data: bytes) -> None:
        ahead = pages.peek(data)
        if ahead is not None:
            self._follow(reading, ticket, ahead.continue_)
        kind, scope = reading.want.kind, reading.want.scope
        api_version = f"{kind.group}/{version}" if kind.group else version
        try:
            page = pages.decode(data, kind.key, api_version, kind.kind, f"{kind.key} in {scope}" if scope else kind.key)
        except msgspec.DecodeError as error:
            self._failed(reading, ticket, Failure(Outcome.FAILED, 200, f"the answer is no list: {error}"), again=True)
            return
        if ahead is None:
            self._follow(reading, ticket, page.meta.continue_)
        with self._lock:
            if ticket.generation != reading.generation or self._closed:
                return
            reading.pages[ticket.page] = page
            rest = page.meta.remaining_item_count
            if not page.meta.continue_:
                rest = 0
            total = None if rest is None else max(reading.count, ticket.page * pages.LIMIT + page.count + rest)
            self._progress.page(kind.key, reading.count, total)

    def _follow(self, reading: Reading, ticket: _Ticket, token: str) -> None:
        with self._lock:
            if not token or ticket.generation != reading.generation or reading.failure:
                return
            if token == ticket.token:
                reading.failure = Failure(Outcome.FAILED, 200, "the server gives the same continue token again")
                return
            self._queue(reading, _Ticket(ticket.generation, ticket.page + 1, token))

    def _failed(self, reading: Reading, ticket: _Ticket, failure: Failure, again: bool = False) -> None:
        with self._lock:
            if ticket.generation != reading.generation or self._closed:
                return
            if failure.status == 404 and ticket.page == 0 and len(reading.versions) > 1:
                reading.versions.pop(0)
                self._queue(reading, ticket)
            elif (again or failure.status == 410) and reading.generation < _RESTARTS:
                # The token that a 410 carries would go on with a list of two moments: begin again instead.
                reading.begin_again()
                self._queue(reading, _Ticket(reading.generation))
            else:
                reading.failure = reading.failure or failure

    def _settle(self, reading: Reading) -> None:
        """One task of a list is over; after the last one the list is, and what stands in for it is begun."""
        with self._lock:
            reading.open -= 1
            reading.seconds = time.monotonic() - reading.begun
            if reading.open or self._closed:
                return
            read = reading.read("")
            self._progress.done(read.resource, read.outcome)
            if read.outcome is not Outcome.REFUSED:
                return
            if self._namespaces and not read.scope and reading.want.kind.namespaced:
                for namespace in self._namespaces:
                    self._begin(msgspec.structs.replace(reading.want, scope=namespace))
            elif read.resource == SLICES:
                self._begin(plan.endpoints(self._served, read.scope))
