"""One verdict of one policy on one object, before it becomes a finding."""

from msgspec import Struct

from kubeaudit.findings import Cause, Certainty, Exposure, Patch, Subject, Unseen, Verdict
from kubeaudit.graph.paths import Route
from kubeaudit.proof import Evidence


class Judgement(Struct, frozen=True):
    """What a policy says about a subject (CHK-01..06).

    ``message`` is one sentence saying what is. ``cause`` is the object, field or absence that decides; None means the
    subject itself. ``value`` tells findings of one container apart (CHK-20). ``instances`` counts pods and ``pods``
    names up to five. ``routes`` are the paths that prove it."""

    subject: Subject
    verdict: Verdict
    message: str = ""
    evidence: tuple[Evidence, ...] = ()
    cause: Cause | None = None
    unseen: tuple[Unseen, ...] = ()
    detail: str = ""
    value: str = ""
    certainty: Certainty = Certainty.OBSERVED
    exposure: Exposure = Exposure.NONE
    instances: int = 0
    pods: tuple[str, ...] = ()
    drift: bool = False
    patch: Patch | None = None
    routes: tuple[Route, ...] = ()
