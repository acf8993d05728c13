"""Which requests the API server would allow us, asked with SelfSubjectAccessReviews, which store nothing (LP-06).

Only ``kubeaudit rbac --diff`` asks these. Collecting tries instead, and reports what was refused.
"""

import threading
from collections.abc import Iterable
from functools import partial

import msgspec
from msgspec import Struct

from kubeaudit.collect.ask import Budget, Failure, Health, ask
from kubeaudit.collect.client import Client
from kubeaudit.collect.workers import Workers
from kubeaudit.errors import CollectError
from kubeaudit.policy.role import Need
from kubeaudit.snapshot import Outcome


class Reviewed(Struct, frozen=True):
    """The API server's word on one request. ``allowed`` is None where it gave none; ``detail`` says why."""

    need: Need
    allowed: bool | None
    detail: str = ""


class _Status(Struct, frozen=True, rename="camel"):
    allowed: bool
    evaluation_error: str = ""


class _Review(Struct, frozen=True):
    status: _Status


def review(client: Client, needs: Iterable[Need], timeout: float | None, stop: threading.Event) -> tuple[Reviewed, ...]:
    """One review for each request, four at a time, within ``timeout`` seconds in all.

    A request in a namespace is allowed by a grant for the whole cluster, too. Raises :class:`CollectError` where the
    server is not reached, does not know us or answers no review at all.
    """
    budget, health, workers = Budget(timeout), Health(), Workers()
    try:
        waiting = {need: workers.call(partial(_reviewed, client, need, budget, health)) for need in needs}
        workers.wait(lambda: bool(budget.over) or stop.is_set())
        why = budget.over or "the run was told to end"
        found = tuple(
            future.result() if future.done() else (Reviewed(need, None, why), None) for need, future in waiting.items()
        )
    finally:
        budget.end("the run has ended")
        workers.close()
    failure = next((failure for _, failure in found if failure is not None), None)
    if failure is not None and all(reviewed.allowed is None for reviewed, _ in found):
        raise CollectError(f"no access review was answered: {failure.detail}", failure.hint)
    return tuple(reviewed for reviewed, _ in found)


def _reviewed(client: Client, need: Need, budget: Budget, health: Health) -> tuple[Reviewed, Failure | None]:
    attributes = {key: value for key, value in msgspec.structs.asdict(need).items() if value}
    answer, _ = ask(lambda left: client.post_self_subject_access_review(attributes, left), budget, health)
    if isinstance(answer, Failure):
        return Reviewed(need, None, answer.detail), answer
    try:
        status = msgspec.json.decode(answer.data, type=_Review).status
    except msgspec.DecodeError as error:
        told = f"the answer is no SelfSubjectAccessReview: {error}"
        return Reviewed(need, None, told), Failure(Outcome.FAILED, answer.status, told)
    # An authorizer that failed is named beside a refusal that may not be one.
    if not status.allowed and status.evaluation_error:
        return Reviewed(need, None, status.evaluation_error), None
    return Reviewed(need, status.allowed), None
