"""One question to the API server, asked until there is an answer: what is waited for, tried again, or final.

No client-side rate limit: the server's priority and fairness decides, and its Retry-After is obeyed (PERF-03).
"""

import threading
import time
from collections.abc import Callable

import msgspec
from msgspec import Struct

from kubeaudit.collect.client import RequestError, Response, status_message
from kubeaudit.snapshot import Outcome

RETRIES = {429: 4, 500: 1, 502: 3, 503: 3, 504: 1}
"""How often a page is asked for again where the server names no waiting time."""
RETRIES_AS_TOLD = 20
"""How often it is asked for again where the server does: priority and fairness says 1 second each time."""
LONGEST_WAIT = 120.0
"""Seconds; a server that asks for more is taken as out of service."""
_BACKOFF = 0.5
_BEFORE_THE_SECOND_TRY = 1.0
"""Seconds after a connection failed, in which a load balancer finds another API server."""
_SAME_IN_A_ROW = 3


class Failure(Struct, frozen=True):
    """Why a read ended without an answer; ``general`` where it says nothing about one kind (unreachable, 401)."""

    outcome: Outcome
    status: int = 0
    detail: str = ""
    hint: str = ""
    general: bool = False


class Cost(Struct, frozen=True):
    """What a read cost the server (PERF-08): requests, bytes on the wire, answers that asked to wait."""

    requests: int = 0
    bytes: int = 0
    throttled: int = 0

    def plus(self, other: "Cost") -> "Cost":
        """Both together."""
        return Cost(self.requests + other.requests, self.bytes + other.bytes, self.throttled + other.throttled)


class Budget:
    """The time a collection has, and whether it was told to end. Threads share it."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds
        self._ended = threading.Event()
        self._why = ""

    def end(self, why: str) -> None:
        """Ask for nothing more; the first reason given is kept."""
        self._why = self._why or why
        self._ended.set()

    @property
    def over(self) -> str:
        """Why nothing more is asked for; "" while there is time."""
        if not self._ended.is_set() and self._end is not None and time.monotonic() >= self._end:
            self.end(f"the time-out of {self._seconds:g} s was reached")
        return self._why if self._ended.is_set() else ""

    @property
    def remaining(self) -> float | None:
        """Seconds left; None where there is no limit."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def wait(self, seconds: float) -> None:
        """Sleep, but not longer than there is time."""
        left = self.remaining
        self._ended.wait(seconds if left is None else min(seconds, left))


class Health:
    """Whether the API server answers at all: after three reads in a row that failed for a general reason it does not.

    Then the other kinds fail at once with that reason, instead of each waiting for its own time-out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed = 0
        self.verdict: Failure | None = None

    def note(self, answer: Response | Failure) -> None:
        """Count what came of a read."""
        with self._lock:
            general = isinstance(answer, Failure) and answer.general
            self._failed = self._failed + 1 if general else 0
            if isinstance(answer, Failure) and self._failed >= _SAME_IN_A_ROW:
                self.verdict = answer


def ask(
    send: Callable[[float | None], Response], budget: Budget, health: Health, patient: bool = True
) -> tuple[Response | Failure, Cost]:
    """The answer that holds what was asked for (200, 201), or why there is none.

    ``send`` makes one request within the seconds given. Without ``patient`` a server that is out of service is not
    asked again: discovery has said that it is.
    """
    cost = Cost()
    tries: dict[int, int] = {}
    failure: Failure | None = None
    while True:
        if health.verdict is not None:
            return health.verdict, cost
        if budget.over:
            # What kept us waiting until now says more than the time.
            told = f"{failure.detail}; {budget.over}" if failure else budget.over
            return msgspec.structs.replace(failure or Failure(Outcome.FAILED), detail=told), cost
        try:
            response = send(budget.remaining)
        except RequestError as error:
            failure = Failure(Outcome.FAILED, 0, error.message, error.hint, general=True)
            cost = cost.plus(Cost(1))
            status, pause = 0, None if 0 in tries else _BEFORE_THE_SECOND_TRY
        else:
            cost = cost.plus(Cost(1, response.size, int(response.status == 429)))
            if response.status in (200, 201):
                health.note(response)
                return response, cost
            failure = _failure(response)
            status, pause = response.status, _pause(response, tries.get(response.status, 0))
            if status != 429 and not patient:
                pause = None
        if pause is None:
            health.note(failure)
            return failure, cost
        tries[status] = tries.get(status, 0) + 1
        budget.wait(pause)


def _pause(response: Response, tries: int) -> float | None:
    """Seconds to wait before the same is asked again; None where that would not help."""
    if response.status not in RETRIES:
        return None
    told = response.headers.get("retry-after", "")
    if told.isdecimal():
        return float(told) if tries < RETRIES_AS_TOLD and float(told) <= LONGEST_WAIT else None
    return _BACKOFF * 2**tries if tries < RETRIES[response.status] else None


def _failure(response: Response) -> Failure:
    message = status_message(response)
    match response.status:
        case 401:
            return Failure(Outcome.UNAUTHORIZED, 401, message, "log in again; the credentials may have expired", True)
        case 403:
            return Failure(Outcome.REFUSED, 403, message)
        case 404:
            return Failure(Outcome.NOT_SERVED, 404, message)
        case status:
            return Failure(Outcome.FAILED, status, f"HTTP {status}: {message}")
