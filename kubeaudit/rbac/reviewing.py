"""One verdict of an RBAC policy on one object, and the words and evidence that all of them share (RBAC-P4).

Only bound rights are judged (REG-04), each role as it resolves for its binding (REG-05). What came with the cluster and
is unchanged passes (RBAC-90, -91): ``object_class`` tells these apart.
"""

from collections.abc import Callable

from msgspec import Struct

from kubeaudit.findings import Cause, ObjectClass, Unseen, Verdict
from kubeaudit.proof import Evidence
from kubeaudit.rbac.access import rule_evidence, subject_evidence
from kubeaudit.rbac.grants import Grant, RoleState, Subject
from kubeaudit.rbac.identities import MASTERS
from kubeaudit.refs import ObjectRef

SHOWN = 5
"""How many subjects a sentence and its evidence name; the rest is counted."""


class Review(Struct, frozen=True):
    """One verdict on one binding, on one CertificateSigningRequest or on one ServiceAccount.

    ``subjects`` are the ones concerned and ``rules`` the indexes of the rules that decide. ``cause`` is set where it is
    not the binding: the role has to change. ``inferred``: the role was not read; its name or the shipped table stands
    for it.
    """

    object: ObjectRef
    verdict: Verdict
    message: str
    uid: str = ""
    object_class: ObjectClass = ObjectClass.USER
    subjects: tuple[Subject, ...] = ()
    rules: tuple[int, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    cause: Cause | None = None
    unseen: tuple[Unseen, ...] = ()
    inferred: bool = False


Concerns = Callable[[Subject], bool]
Offending = Callable[[Grant], tuple[int, ...]]


def judge(
    grant: Grant, subjects: tuple[Subject, ...], offending: Offending, what: str, *, by_role: bool = False
) -> Review:
    """The review of a binding by the rules it gives to ``subjects``; ``by_role``: the role is what has to change."""
    if not subjects or grant.object_class is ObjectClass.BUILTIN:
        return passed(grant, subjects)
    if grant.state is RoleState.UNREAD:
        return unread(grant, subjects)
    rules = offending(grant)
    return given(grant, subjects, rules, what, by_role=by_role) if rules else passed(grant, subjects)


def unread(grant: Grant, subjects: tuple[Subject, ...]) -> Review:
    """A binding whose role could not be read."""
    text = f"{grant.binding} gives {people(subjects)} {grant.role}, which was not read"
    return Review(
        grant.binding, Verdict.NOT_EVALUATED, text, grant.uid, grant.object_class, subjects, unseen=grant.unseen
    )


def given(
    grant: Grant,
    subjects: tuple[Subject, ...],
    rules: tuple[int, ...],
    what: str,
    *,
    by_role: bool = False,
    note: str = "",
    doubtful: bool = False,
) -> Review:
    """A binding that gives ``subjects`` by its ``rules`` what it should not; ``doubtful``: it may come to nothing."""
    listed = ", ".join(f"rules[{rule}]" for rule in rules[:SHOWN])
    text = f"{grant.binding} gives {people(subjects)} {what} in {place(grant)}: {grant.role}, {listed}{note}"
    evidence = binding_evidence(grant, subjects) + tuple(rule_evidence(grant, rule) for rule in rules)
    cause = Cause(grant.role, f"{what}: {listed}") if by_role else None
    inferred = doubtful or all(grant.is_assumed(rule) for rule in rules)
    return failed(grant, subjects, text, evidence, rules=rules, cause=cause, inferred=inferred)


def passed(grant: Grant, subjects: tuple[Subject, ...]) -> Review:
    """A binding that is as it should be, and why."""
    if not subjects:
        text = f"{grant.binding} concerns no such subject"
    elif grant.object_class is ObjectClass.BUILTIN:
        text = f"{grant.binding} and its role are as they came with the cluster"
    elif grant.state is RoleState.MISSING:
        text = f"{grant.binding} is dormant: {grant.role} does not exist"
    else:
        text = f"{grant.binding} gives nothing of it in {place(grant)}"
    return Review(grant.binding, Verdict.PASS, text, grant.uid, grant.object_class, subjects)


def failed(
    grant: Grant,
    subjects: tuple[Subject, ...],
    text: str,
    evidence: tuple[Evidence, ...],
    *,
    rules: tuple[int, ...] = (),
    cause: Cause | None = None,
    inferred: bool = False,
) -> Review:
    """A binding that is not as it should be."""
    return Review(
        object=grant.binding,
        verdict=Verdict.FAIL,
        message=text,
        uid=grant.uid,
        object_class=grant.object_class,
        subjects=subjects,
        rules=rules,
        evidence=evidence,
        cause=cause,
        inferred=inferred,
    )


def matching(grant: Grant, concerns: Concerns) -> tuple[Subject, ...]:
    """The subjects of a binding that a check is about."""
    return tuple(subject for subject in grant.subjects if concerns(subject))


def adds(subject: Subject) -> bool:
    """Whether a binding can give the subject anything: system:masters has everything already."""
    return subject.user is not None or subject.group not in (None, MASTERS)


def binding_evidence(grant: Grant, subjects: tuple[Subject, ...]) -> tuple[Evidence, ...]:
    """The role a binding refers to, and the entries of its first subjects."""
    role = subject_evidence(grant, subjects[0])[0]
    return role, *(subject_evidence(grant, subject)[1] for subject in subjects[:SHOWN])


def people(subjects: tuple[Subject, ...]) -> str:
    """Subjects in a sentence."""
    more = len(subjects) - SHOWN
    return ", ".join(str(subject) for subject in subjects[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def place(grant: Grant) -> str:
    """Where a binding holds, in a sentence."""
    return f"namespace {grant.scope}" if grant.scope else "the whole cluster"
