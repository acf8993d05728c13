"""Reads the API server's audit log: which requests came, from whom, and how each one ended."""

import json
import time
from pathlib import Path

from .rest import Json, at, text

SETTLE_SECONDS = 5.0
PENDING = "RequestReceived"


def requests(log: Path, user: str | None) -> list[dict[str, Json]]:
    """One audit event for each request of ``user`` (of everyone when None), in the order of their arrival.

    The event is the last stage of its request: ResponseComplete; ResponseStarted for an open watch, and for a request
    that was not authenticated (401), whose event names no user; Panic; RequestReceived when no answer was given.

    The API server writes RequestReceived before it handles a request, but ResponseComplete after it has answered; so a
    request whose answer the test has seen may lack its last event for a moment. Pending requests are waited for.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        found = _last_stages(log, user)
        if time.monotonic() > deadline or not any(event["stage"] == PENDING for event in found):
            return found
        time.sleep(0.02)


def _last_stages(log: Path, user: str | None) -> list[dict[str, Json]]:
    last: dict[str, dict[str, Json]] = {}
    # A line without its end is still being written: its event belongs to the next read.
    for line in log.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            event: dict[str, Json] = json.loads(line)
            if user is None or (at(event, "user") != {} and text(event, "user", "username") == user):
                last[text(event, "auditID")] = event
    return list(last.values())
