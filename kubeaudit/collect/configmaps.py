"""The named ConfigMaps, one ``get`` each: the only ConfigMaps that are ever asked for (LP-01, LP-04)."""

import time

import msgspec
from msgspec import Struct

from kubeaudit.collect import pages
from kubeaudit.collect.ask import Budget, Failure, Health, ask
from kubeaudit.collect.client import Client
from kubeaudit.collect.redact import redact
from kubeaudit.kinds import CONFIGMAPS
from kubeaudit.snapshot import BadDocument, Outcome, Read

_HEAD = b'{"apiVersion":"v1","kind":"ConfigMap"'


class Got(Struct, frozen=True):
    """What came of one ConfigMap: the read, and the redacted object where there is one."""

    read: Read
    object: bytes | None = None
    bad: BadDocument | None = None


def get(client: Client, namespace: str, name: str, budget: Budget, health: Health) -> Got:
    """One named ConfigMap; that there is none is an answer too (a cluster without CoreDNS, EKS, Cilium ...)."""
    begun = time.monotonic()
    path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
    answer, cost = ask(lambda left: client.get(path, seconds=left), budget, health)
    read = Read(
        resource=CONFIGMAPS,
        scope=f"{namespace}/{name}",
        outcome=Outcome.COMPLETE,
        version="v1",
        requests=cost.requests,
        bytes=cost.bytes,
        throttled=cost.throttled,
        seconds=round(time.monotonic() - begun, 3),
    )
    if isinstance(answer, Failure):
        absent = answer.status == 404
        outcome = Outcome.COMPLETE if absent else answer.outcome
        return Got(msgspec.structs.replace(read, outcome=outcome, status=answer.status, detail=answer.detail))
    try:
        found = redact(pages.typed(answer.data.strip(), _HEAD), CONFIGMAPS)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        bad = BadDocument(f"{CONFIGMAPS} {namespace}/{name}", f"cannot be decoded: {error}", document=1)
        told = f"the answer cannot be decoded: {error}"
        return Got(msgspec.structs.replace(read, outcome=Outcome.FAILED, status=200, detail=told), bad=bad)
    return Got(msgspec.structs.replace(read, count=1, status=200), found)


def missed(namespace: str, name: str, why: str) -> Got:
    """What came of a ConfigMap that there was no time for."""
    return Got(Read(CONFIGMAPS, f"{namespace}/{name}", Outcome.FAILED, detail=why))
