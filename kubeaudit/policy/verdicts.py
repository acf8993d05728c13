"""From a decision to judgements: words, evidence and the change, about one subject."""

from collections.abc import Iterable, Iterator

from kubeaudit import proof
from kubeaudit.findings import Patch, Reason, Subject, Unseen, Verdict
from kubeaudit.policy.culprits import Part
from kubeaudit.policy.decide import Decision
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.schema import Policy
from kubeaudit.refs import ObjectRef


def judgements(
    policy: Policy,
    subject: Subject,
    decision: Decision,
    seen: ObjectRef,
    roots: dict[str, proof.Path],
    *,
    patch: Patch | None = None,
    instances: int = 0,
    pods: tuple[str, ...] = (),
    drift: bool = False,
) -> Iterator[Judgement]:
    """One judgement, or one for each reason to fail (CHK-20).

    ``seen`` is the object whose fields are the evidence; ``roots`` says where each CEL variable stands in it.
    """
    if decision.verdict is Verdict.FAIL:
        for part in decision.parts:
            yield Judgement(
                subject,
                Verdict.FAIL,
                message=_message(policy.message, subject, part.value),
                evidence=tuple(_evidence(part, seen, roots)),
                value=part.value,
                instances=instances,
                pods=pods,
                drift=drift,
                patch=patch,
            )
    elif decision.verdict is Verdict.NOT_EVALUATED:
        yield not_evaluated(subject, decision.error, instances=instances, drift=drift)
    else:
        yield Judgement(subject, decision.verdict, instances=instances, drift=drift)


def not_evaluated(subject: Subject, error: str, *, instances: int = 0, drift: bool = False) -> Judgement:
    """The verdict where an expression could not be evaluated or an object not be decoded (CHK-06)."""
    unseen = (Unseen(Reason.EVALUATION_ERROR, detail=error),)
    return Judgement(subject, Verdict.NOT_EVALUATED, unseen=unseen, detail=error, instances=instances, drift=drift)


def _evidence(part: Part, seen: ObjectRef, roots: dict[str, proof.Path]) -> Iterable[proof.Evidence]:
    for spot in part.spots:
        yield proof.Evidence(seen, (*roots[spot.root], *spot.path), value=spot.value, absent=spot.absent)


def _message(template: str, subject: Subject, value: str) -> str:
    return template.format_map({"container": subject.container, "object": str(subject.object), "value": value})
