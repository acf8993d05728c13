"""What the RBAC policies say of each binding: pure functions from Access to reviews (checks.csv, theme rbac).

Only bound rights are judged (REG-04), each role as it resolves for its binding (REG-05), by what its rules grant and
never by its name (RBAC-P1), with the one exception of ``cluster-admin``. What came with the cluster and is unchanged
passes (RBAC-90, -91): ``object_class`` tells these apart.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct

from kubeaudit.findings import Cause, ObjectClass, Unseen, Verdict
from kubeaudit.proof import Evidence, field
from kubeaudit.rbac.access import Access, rule_evidence, subject_evidence
from kubeaudit.rbac.baseline import canonical, default_cluster_roles
from kubeaudit.rbac.broad import beyond_discovery, elevated
from kubeaudit.rbac.grants import Grant, RoleState, Subject
from kubeaudit.rbac.identities import ANONYMOUS_USER, AUTHENTICATED, MASTERS, SERVICE_ACCOUNTS, UNAUTHENTICATED
from kubeaudit.refs import ObjectRef

_CLUSTER_ADMIN = "cluster-admin"
_SHOWN = 5
"""How many subjects a sentence and its evidence name; the rest is counted."""


class Review(Struct, frozen=True):
    """One verdict on one binding, or on one CertificateSigningRequest.

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


def cluster_admin(access: Access) -> Iterator[Review]:
    """rbac-cluster-admin: every verb on every kind, in the scope of the binding, for anyone but system:masters."""
    for grant in access.grants:
        subjects = _matching(grant, _adds)
        if subjects and grant.object_class is not ObjectClass.BUILTIN and _named_cluster_admin(grant):
            yield _by_name(grant, subjects)
        else:
            yield _judge(grant, subjects, _every_verb, "every verb on every kind")


def wildcard(access: Access) -> Iterator[Review]:
    """rbac-wildcard: ``*`` in a rule that holds in the whole cluster or in kube-system.

    In an ordinary namespace a rule counts only if it leaves nothing out: a ``*`` that stays within some kinds, verbs or
    groups of one namespace is no wildcard over it.
    """
    for grant in access.grants:
        yield _judge(grant, _matching(grant, _adds), _wildcards, "wildcards", by_role=True)


def secrets_read(access: Access) -> Iterator[Review]:
    """rbac-secrets-read: get, list or watch on Secrets; ``get`` by name alone is what least privilege asks for."""
    for grant in access.grants:
        yield _judge(grant, _matching(grant, _adds), _secret_reads, "read access to Secrets", by_role=True)


def anonymous(access: Access) -> Iterator[Review]:
    """rbac-anonymous: anything for callers without credentials beyond discovery (REG-25).

    A role that does not exist yet bounds nothing: whoever creates it decides what anonymous callers may do.
    """
    for grant in access.grants:
        subjects = _matching(grant, _is_anonymous)
        if subjects and grant.state in (RoleState.MISSING, RoleState.ASSUMED):
            yield _unbounded(grant, subjects)
        else:
            yield _judge(grant, subjects, beyond_discovery, "rights beyond discovery")


def all_authenticated(access: Access) -> Iterator[Review]:
    """rbac-all-authenticated: elevated rights for every caller with credentials, or for every ServiceAccount."""
    for grant in access.grants:
        yield _judge(grant, _matching(grant, _is_everyone), elevated, "elevated rights")


def system_masters(access: Access) -> Iterator[Review]:
    """rbac-system-masters: the group in a binding or a certificate request; it cannot be revoked later (RBAC-29)."""
    for grant in access.grants:
        subjects = _matching(grant, lambda subject: subject.group == MASTERS)
        if not subjects or grant.object_class is ObjectClass.BUILTIN:
            yield _passed(grant, subjects)
            continue
        text = f"{grant.binding} names Group {MASTERS}, which passes every authorizer and cannot be revoked by RBAC"
        evidence = tuple(subject_evidence(grant, subject)[-1] for subject in subjects)
        yield _failed(grant, subjects, text, evidence)
    for request in access.cluster.csrs:
        ref = ObjectRef("CertificateSigningRequest", "", request.metadata.name, "certificates.k8s.io")
        asked = [position for position, group in enumerate(request.spec.groups) if group == MASTERS]
        if asked:
            text = f"{ref} asks for a certificate of Group {MASTERS}, which passes every authorizer"
            evidence = tuple(field(ref, ("spec", "groups", position), MASTERS) for position in asked)
            yield Review(ref, Verdict.FAIL, text, request.metadata.uid, evidence=evidence)
        else:
            yield Review(ref, Verdict.PASS, f"{ref} does not ask for Group {MASTERS}", request.metadata.uid)


def _judge(
    grant: Grant, subjects: tuple[Subject, ...], offending: Offending, what: str, *, by_role: bool = False
) -> Review:
    """The review of a binding by the rules it gives to ``subjects``; ``by_role``: the role is what has to change."""
    if not subjects or grant.object_class is ObjectClass.BUILTIN:
        return _passed(grant, subjects)
    if grant.state is RoleState.UNREAD:
        text = f"{grant.binding} gives {_people(subjects)} {grant.role}, which was not read"
        return Review(
            grant.binding, Verdict.NOT_EVALUATED, text, grant.uid, grant.object_class, subjects, unseen=grant.unseen
        )
    rules = offending(grant)
    if not rules:
        return _passed(grant, subjects)
    listed = ", ".join(f"rules[{rule}]" for rule in rules[:_SHOWN])
    text = f"{grant.binding} gives {_people(subjects)} {what} in {_place(grant)}: {grant.role}, {listed}"
    evidence = _binding_evidence(grant, subjects) + tuple(rule_evidence(grant, rule) for rule in rules)
    cause = Cause(grant.role, f"{what}: {listed}") if by_role else None
    inferred = all(grant.is_assumed(rule) for rule in rules)
    return _failed(grant, subjects, text, evidence, rules=rules, cause=cause, inferred=inferred)


def _passed(grant: Grant, subjects: tuple[Subject, ...]) -> Review:
    if not subjects:
        text = f"{grant.binding} concerns no such subject"
    elif grant.object_class is ObjectClass.BUILTIN:
        text = f"{grant.binding} and its role are as they came with the cluster"
    elif grant.state is RoleState.MISSING:
        text = f"{grant.binding} is dormant: {grant.role} does not exist"
    else:
        text = f"{grant.binding} gives nothing of it in {_place(grant)}"
    return Review(grant.binding, Verdict.PASS, text, grant.uid, grant.object_class, subjects)


def _failed(
    grant: Grant,
    subjects: tuple[Subject, ...],
    text: str,
    evidence: tuple[Evidence, ...],
    *,
    rules: tuple[int, ...] = (),
    cause: Cause | None = None,
    inferred: bool = False,
) -> Review:
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


def _by_name(grant: Grant, subjects: tuple[Subject, ...]) -> Review:
    """The one role that is known by its name: it was not read, or the API server will restore it (RBAC-P1)."""
    why = (
        "the API server will add the rules it lacks" if grant.state is RoleState.RESOLVED else "the role was not found"
    )
    text = f"{grant.binding} gives {_people(subjects)} ClusterRole {_CLUSTER_ADMIN} in {_place(grant)}; {why}"
    return _failed(grant, subjects, text, _binding_evidence(grant, subjects), inferred=True)


def _unbounded(grant: Grant, subjects: tuple[Subject, ...]) -> Review:
    text = f"{grant.binding} gives {_people(subjects)} {grant.role}, which was not found: nothing bounds it"
    return _failed(grant, subjects, text, _binding_evidence(grant, subjects), inferred=True)


def _named_cluster_admin(grant: Grant) -> bool:
    """Whether the roleRef is cluster-admin and the role itself does not decide.

    It does not where it was not read or does not exist. Nor does it where it keeps some of the shipped rules and lost
    others: the API server adds those again whenever it starts (auto-reconciliation).
    """
    if grant.role.kind != "ClusterRole" or grant.role.name != _CLUSTER_ADMIN:
        return False
    if grant.state is not RoleState.RESOLVED:
        return True
    shipped = canonical(default_cluster_roles()[_CLUSTER_ADMIN].rules)
    return not grant.powers.everything and bool(canonical(grant.rules) & shipped)


def _every_verb(grant: Grant) -> tuple[int, ...]:
    return grant.powers.every_verb


def _wildcards(grant: Grant) -> tuple[int, ...]:
    if grant.scope in ("", "kube-system"):
        return tuple(found.rule for found in grant.powers.wildcards)
    return grant.powers.every_verb


def _secret_reads(grant: Grant) -> tuple[int, ...]:
    return tuple(read.rule for read in grant.powers.secrets if not read.names or read.verbs != ("get",))


def _matching(grant: Grant, concerns: Concerns) -> tuple[Subject, ...]:
    return tuple(subject for subject in grant.subjects if concerns(subject))


def _adds(subject: Subject) -> bool:
    """Whether a binding can give the subject anything: system:masters has everything already."""
    return subject.user is not None or subject.group not in (None, MASTERS)


def _is_anonymous(subject: Subject) -> bool:
    return subject.user == ANONYMOUS_USER or subject.group == UNAUTHENTICATED


def _is_everyone(subject: Subject) -> bool:
    group = subject.group or ""
    return group in (AUTHENTICATED, SERVICE_ACCOUNTS) or group.startswith(f"{SERVICE_ACCOUNTS}:")


def _binding_evidence(grant: Grant, subjects: tuple[Subject, ...]) -> tuple[Evidence, ...]:
    role = subject_evidence(grant, subjects[0])[0]
    return role, *(subject_evidence(grant, subject)[1] for subject in subjects[:_SHOWN])


def _people(subjects: tuple[Subject, ...]) -> str:
    more = len(subjects) - _SHOWN
    return ", ".join(str(subject) for subject in subjects[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _place(grant: Grant) -> str:
    return f"namespace {grant.scope}" if grant.scope else "the whole cluster"
