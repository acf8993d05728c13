"""What is waited for, tried again, or final (PERF-03); no test here sleeps."""

from collections.abc import Callable

import pytest

from kubeaudit.collect import ask
from kubeaudit.collect.ask import Budget, Cost, Failure, Health
from kubeaudit.collect.client import RequestError, Response
from kubeaudit.snapshot import Outcome

Step = Response | RequestError
OK = Response(200, {}, b"{}", 2)
LOST = RequestError("api.test:6443: connection refused", "check the network")


class Instant(Budget):
    """A budget that notes how long it was asked to wait instead of waiting."""

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__(seconds)
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


def told(code: int, **headers: str) -> Response:
    return Response(code, {name.replace("_", "-"): value for name, value in headers.items()}, b"no", 2)


def server(*steps: Step) -> Callable[[float | None], Response]:
    left = list(steps)

    def send(seconds: float | None) -> Response:
        step = left.pop(0)
        if isinstance(step, RequestError):
            raise step
        return step

    return send


def test_retry_after_is_obeyed_and_counted() -> None:
    budget = Instant()
    answer, cost = ask.ask(server(told(429, retry_after="7"), told(503, retry_after="2"), OK), budget, Health())
    assert answer is OK
    assert budget.waits == [7.0, 2.0]
    assert cost == Cost(requests=3, bytes=6, throttled=1)


def test_a_server_that_always_asks_to_wait_is_given_up() -> None:
    budget = Instant()
    answer, cost = ask.ask(lambda _: told(429, retry_after="1"), budget, Health())
    assert answer == Failure(Outcome.FAILED, 429, "HTTP 429: no")
    assert budget.waits == [1.0] * ask.RETRIES_AS_TOLD
    assert cost.throttled == ask.RETRIES_AS_TOLD + 1


def test_an_hour_is_not_waited_for() -> None:
    budget = Instant()
    answer, _ = ask.ask(server(told(503, retry_after="3600")), budget, Health())
    assert isinstance(answer, Failure)
    assert budget.waits == []


@pytest.mark.parametrize("code", [429, 502, 503])
def test_without_a_named_time_the_pauses_grow(code: int) -> None:
    budget = Instant()
    answer, _ = ask.ask(lambda _: told(code), budget, Health())
    assert isinstance(answer, Failure)
    assert answer.status == code
    assert budget.waits == [0.5 * 2**number for number in range(ask.RETRIES[code])]


def test_a_retry_after_that_is_a_date_counts_as_none() -> None:
    budget = Instant()
    ask.ask(server(told(503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), OK), budget, Health())
    assert budget.waits == [0.5]


@pytest.mark.parametrize(
    ("code", "outcome", "general"),
    [(401, Outcome.UNAUTHORIZED, True), (403, Outcome.REFUSED, False), (404, Outcome.NOT_SERVED, False)],
)
def test_refusals_are_final(code: int, outcome: Outcome, general: bool) -> None:
    """CHK-04, CHK-05: 401, 403 and 404 are three different things."""
    budget = Instant()
    answer, cost = ask.ask(server(told(code)), budget, Health())
    assert isinstance(answer, Failure)
    assert (answer.outcome, answer.status, answer.general) == (outcome, code, general)
    assert (budget.waits, cost.requests) == ([], 1)


def test_a_lost_connection_is_tried_once_more() -> None:
    assert ask.ask(server(LOST, OK), Instant(), Health())[0] is OK
    answer, cost = ask.ask(server(LOST, LOST), Instant(), Health())
    assert answer == Failure(Outcome.FAILED, 0, LOST.message, LOST.hint, general=True)
    assert cost.requests == 2


def test_a_stale_server_is_asked_once() -> None:
    budget = Instant()
    answer, _ = ask.ask(server(told(503)), budget, Health(), patient=False)
    assert isinstance(answer, Failure)
    assert budget.waits == []


def test_after_three_general_failures_in_a_row_nobody_asks() -> None:
    health = Health()
    for _ in range(3):
        ask.ask(server(LOST, LOST), Instant(), health)
    answer, cost = ask.ask(server(), Instant(), health)
    assert isinstance(answer, Failure)
    assert (answer.detail, cost) == (LOST.message, Cost())


def test_an_answer_or_a_plain_refusal_between_them_shows_life() -> None:
    for life in (OK, told(403)):
        health = Health()
        for step in (LOST, LOST, life, LOST, LOST):
            ask.ask(server(step, step), Instant(), health)
        assert ask.ask(server(OK), Instant(), health)[0] is OK


def test_no_request_is_made_once_the_time_is_up() -> None:
    answer, cost = ask.ask(server(), Instant(0.0), Health())
    assert answer == Failure(Outcome.FAILED, 0, "the time-out of 0 s was reached")
    assert cost == Cost()


def test_a_server_that_was_not_reached_in_all_the_time_is_named() -> None:
    budget = Instant()

    def lost(seconds: float | None) -> Response:
        budget.end("the time-out of 5 s was reached")
        raise LOST

    answer, _ = ask.ask(lost, budget, Health())
    assert isinstance(answer, Failure)
    assert answer.detail == f"{LOST.message}; the time-out of 5 s was reached"
    assert answer.general


def test_the_first_reason_to_end_is_kept() -> None:
    budget = Budget(None)
    assert (budget.over, budget.remaining) == ("", None)
    budget.end("told to")
    budget.end("too late")
    assert budget.over == "told to"
