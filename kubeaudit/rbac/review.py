"""The broad RBAC policies on each binding: everything, wildcards, Secrets, and rights of callers that nobody chose.

Rights are judged by what rules grant and never by the name of a role (RBAC-P1), but for ``cluster-admin``.
"""

from collections.abc import Iterator

from kubeaudit.findings import ObjectClass, Verdict
from kubeaudit.proof import field
from kubeaudit.rbac.access import Access, subject_evidence
from kubeaudit.rbac.baseline import canonical, default_cluster_roles
from kubeaudit.rbac.broad import beyond_discovery, elevated
from kubeaudit.rbac.grants import Grant, RoleState, Subject
from kubeaudit.rbac.identities import ANONYMOUS_USER, AUTHENTICATED, MASTERS, SERVICE_ACCOUNTS, UNAUTHENTICATED
from kubeaudit.rbac.reviewing import Review, adds, binding_evidence, failed, judge, matching, passed, people, place
from kubeaudit.refs import ObjectRef

_CLUSTER_ADMIN = "cluster-admin"


def cluster_admin(access: Access) -> Iterator[Review]:
    """rbac-cluster-admin: every verb on every kind, in the scope of the binding, for anyone but system:masters."""
    for grant in access.grants:
        subjects = matching(grant, adds)
        if subjects and grant.object_class is not ObjectClass.BUILTIN and _named_cluster_admin(grant):
            yield _by_name(grant, subjects)
        else:
            yield judge(grant, subjects, _every_verb, "every verb on every kind")


def wildcard(access: Access) -> Iterator[Review]:
    """rbac-wildcard: ``*`` in a rule that holds in the whole cluster or in kube-system.

    In an ordinary namespace a rule counts only if it leaves nothing out: a ``*`` that stays within some kinds, verbs or
    groups of one namespace is no wildcard over it.
    """
    for grant in access.grants:
        yield judge(grant, matching(grant, adds), _wildcards, "wildcards", by_role=True)


def secrets_read(access: Access) -> Iterator[Review]:
    """rbac-secrets-read: get, list or watch on Secrets; ``get`` by name alone is what least privilege asks for."""
    for grant in access.grants:
        yield judge(grant, matching(grant, adds), _secret_reads, "read access to Secrets", by_role=True)


def anonymous(access: Access) -> Iterator[Review]:
    """rbac-anonymous: anything for callers without credentials beyond discovery (REG-25).

    A role that does not exist yet bounds nothing: whoever creates it decides what anonymous callers may do.
    """
    for grant in access.grants:
        subjects = matching(grant, _is_anonymous)
        if subjects and grant.state in (RoleState.MISSING, RoleState.ASSUMED):
            yield _unbounded(grant, subjects)
        else:
            yield judge(grant, subjects, beyond_discovery, "rights beyond discovery")


def all_authenticated(access: Access) -> Iterator[Review]:
    """rbac-all-authenticated: elevated rights for every caller with credentials, or for every ServiceAccount."""
    for grant in access.grants:
        yield judge(grant, matching(grant, _is_everyone), elevated, "elevated rights")


def system_masters(access: Access) -> Iterator[Review]:
    """rbac-system-masters: the group in a binding or a certificate request; it cannot be revoked later (RBAC-29)."""
    for grant in access.grants:
        subjects = matching(grant, lambda subject: subject.group == MASTERS)
        if not subjects or grant.object_class is ObjectClass.BUILTIN:
            yield passed(grant, subjects)
            continue
        text = f"{grant.binding} names Group {MASTERS}, which passes every authorizer and cannot be revoked by RBAC"
        evidence = tuple(subject_evidence(grant, subject)[-1] for subject in subjects)
        yield failed(grant, subjects, text, evidence)
    for request in access.cluster.csrs:
        ref = ObjectRef("CertificateSigningRequest", "", request.metadata.name, "certificates.k8s.io")
        asked = [position for position, group in enumerate(request.spec.groups) if group == MASTERS]
        if asked:
            text = f"{ref} asks for a certificate of Group {MASTERS}, which passes every authorizer"
            evidence = tuple(field(ref, ("spec", "groups", position), MASTERS) for position in asked)
            yield Review(ref, Verdict.FAIL, text, request.metadata.uid, evidence=evidence)
        else:
            yield Review(ref, Verdict.PASS, f"{ref} does not ask for Group {MASTERS}", request.metadata.uid)


def _by_name(grant: Grant, subjects: tuple[Subject, ...]) -> Review:
    """The one role that is known by its name: it was not read, or the API server will restore it (RBAC-P1)."""
    why = (
        "the API server will add the rules it lacks" if grant.state is RoleState.RESOLVED else "the role was not found"
    )
    text = f"{grant.binding} gives {people(subjects)} ClusterRole {_CLUSTER_ADMIN} in {place(grant)}; {why}"
    return failed(grant, subjects, text, binding_evidence(grant, subjects), inferred=True)


def _unbounded(grant: Grant, subjects: tuple[Subject, ...]) -> Review:
    text = f"{grant.binding} gives {people(subjects)} {grant.role}, which was not found: nothing bounds it"
    return failed(grant, subjects, text, binding_evidence(grant, subjects), inferred=True)


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


def _is_anonymous(subject: Subject) -> bool:
    return subject.user == ANONYMOUS_USER or subject.group == UNAUTHENTICATED


def _is_everyone(subject: Subject) -> bool:
    group = subject.group or ""
    return group in (AUTHENTICATED, SERVICE_ACCOUNTS) or group.startswith(f"{SERVICE_ACCOUNTS}:")
