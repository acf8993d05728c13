"""The RBAC policies about whom bindings name (rbac.md section 6.2): default, missing and foreign ServiceAccounts."""

from collections.abc import Iterator

from kubeaudit.findings import ObjectClass, Verdict
from kubeaudit.model.cluster import object_class
from kubeaudit.proof import missing
from kubeaudit.rbac.access import Access, subject_evidence
from kubeaudit.rbac.baseline import LABEL, baseline
from kubeaudit.rbac.grants import Grant, Subject, gap_of
from kubeaudit.rbac.identities import SERVICE_ACCOUNTS
from kubeaudit.rbac.names import ref
from kubeaudit.rbac.reviewing import (
    SHOWN,
    Review,
    adds,
    binding_evidence,
    failed,
    judge,
    matching,
    passed,
    people,
    place,
)
from kubeaudit.refs import ObjectRef

_KIND, _DEFAULT = "ServiceAccount", "default"
_OF_NAMESPACE = f"{SERVICE_ACCOUNTS}:"


def cross_namespace_secrets(access: Access) -> Iterator[Review]:
    """rbac-secrets-cross-namespace: ServiceAccounts that read Secrets outside their namespace, by name too."""
    for grant in access.grants:
        foreign = tuple(subject for subject in grant.subjects if _is_foreign(subject, grant.scope))
        yield judge(grant, foreign, _any_secret_read, "Secrets of other namespaces", by_role=True)


def _is_foreign(subject: Subject, scope: str) -> bool:
    """Whether a subject is one ServiceAccount, or a group of them, and the scope goes beyond their namespace."""
    if subject.kind == _KIND:
        return subject.user is not None and subject.namespace != scope
    group = subject.group or ""
    return group == SERVICE_ACCOUNTS or (group.startswith(_OF_NAMESPACE) and group != f"{_OF_NAMESPACE}{scope}")


def _any_secret_read(grant: Grant) -> tuple[int, ...]:
    return tuple(read.rule for read in grant.powers.secrets)


def default_accounts(access: Access) -> Iterator[Review]:
    """rbac-default-sa-bound: a role for the ServiceAccount that every pod has that names none.

    Whether the role exists and what it holds makes no difference. Where the server's version is not known, the label
    of bootstrap objects counts for bindings that the tables do not know (CHK-22).
    """
    labelled = _labelled(access)
    for grant in access.grants:
        subjects = matching(grant, lambda subject: subject.kind == _KIND and subject.name == _DEFAULT)
        subjects = tuple(subject for subject in subjects if subject.user is not None)
        if not subjects or grant.object_class is ObjectClass.BUILTIN or grant.binding in labelled:
            yield passed(grant, subjects)
        else:
            text = f"{grant.binding} gives {people(subjects)} {grant.role} in {place(grant)}"
            yield failed(grant, subjects, text, binding_evidence(grant, subjects))


def _labelled(access: Access) -> frozenset[ObjectRef]:
    cluster = access.cluster
    if cluster.version() is not None:
        return frozenset()
    known = baseline(None).bindings
    bindings = (("ClusterRoleBinding", cluster.cluster_role_bindings), ("RoleBinding", cluster.role_bindings))
    return frozenset(
        ref(kind, binding.metadata)
        for kind, found in bindings
        for binding in found
        if LABEL in binding.metadata.labels.items() and (binding.metadata.namespace, binding.metadata.name) not in known
    )


def dangling(access: Access) -> Iterator[Review]:
    """rbac-dangling-subject: ServiceAccounts that do not exist (RBAC-30); users and groups have no object (RBAC-31)."""
    cluster = access.cluster
    accounts = {(account.metadata.namespace, account.metadata.name) for account in cluster.service_accounts}
    # One that could not be decoded exists all the same (CHK-06).
    accounts |= {
        (bad.object.namespace, bad.object.name) for bad in cluster.bad if bad.object and bad.object.kind == _KIND
    }
    # Only a server that was asked shows which namespaces there are; files rarely hold them.
    whole = cluster.version() is not None and gap_of(cluster, "namespaces", "") is None

    def is_gone(namespace: str) -> bool:
        return whole and namespace not in cluster.namespaces

    def dangles(subject: Subject) -> bool:
        if subject.kind != _KIND:
            return (subject.group or "").startswith(_OF_NAMESPACE) and is_gone(subject.name.removeprefix(_OF_NAMESPACE))
        # The controller manager makes `default` in every namespace, and again when somebody deletes it.
        if subject.user is None or subject.name == _DEFAULT:
            return subject.user is not None and is_gone(subject.namespace)
        return (subject.namespace, subject.name) not in accounts

    for grant in access.grants:
        yield _dangling(access, grant, matching(grant, dangles))


def _dangling(access: Access, grant: Grant, subjects: tuple[Subject, ...]) -> Review:
    if not subjects or grant.object_class is ObjectClass.BUILTIN:
        return passed(grant, subjects)
    gaps = [gap_of(access.cluster, "serviceaccounts", subject.namespace) for subject in subjects]
    if unseen := tuple(sorted({gap for gap in gaps if gap is not None})):
        text = f"{grant.binding} names {people(subjects)}; not all ServiceAccounts were read"
        return Review(
            grant.binding, Verdict.NOT_EVALUATED, text, grant.uid, grant.object_class, subjects, unseen=unseen
        )
    plural = "do not exist" if len(subjects) > 1 else "does not exist"
    text = f"{grant.binding} gives {grant.role} in {place(grant)} to {people(subjects)}, which {plural}"
    absent = tuple(
        missing(ObjectRef(_KIND, subject.namespace, subject.name), ("metadata", "name"), "no such object")
        for subject in subjects[:SHOWN]
        if subject.kind == _KIND
    )
    return failed(grant, subjects, text, binding_evidence(grant, subjects) + absent)


def inventory(access: Access) -> Iterator[Review]:
    """rbac-inventory: what every ServiceAccount holds by its own name or as one of its namespace.

    What all ServiceAccounts or all callers hold, and what came with the cluster, is left out.
    """
    cluster = access.cluster
    uids = {(each.metadata.namespace, each.metadata.name): each.metadata.uid for each in cluster.service_accounts}
    held: dict[tuple[str, str], list[tuple[Grant, Subject]]] = {account: [] for account in uids}
    by_namespace: dict[str, list[tuple[Grant, Subject]]] = {}
    for grant in access.grants:
        if grant.object_class is ObjectClass.BUILTIN:
            continue
        for subject in matching(grant, adds):
            if subject.kind == _KIND:
                held.setdefault((subject.namespace, subject.name), []).append((grant, subject))
            elif (subject.group or "").startswith(_OF_NAMESPACE):
                by_namespace.setdefault(subject.name.removeprefix(_OF_NAMESPACE), []).append((grant, subject))
    for (namespace, name), own in sorted(held.items()):
        account = ObjectRef(_KIND, namespace, name)
        yield _holding(account, uids.get((namespace, name), ""), own + by_namespace.get(namespace, []))


def _holding(account: ObjectRef, uid: str, held: list[tuple[Grant, Subject]]) -> Review:
    owner = object_class(account)
    if not held:
        return Review(account, Verdict.PASS, f"{account} holds no role", uid, owner)
    more = f" and {len(held) - SHOWN} more" if len(held) > SHOWN else ""
    listed = ", ".join(f"{grant.role} in {place(grant)}" for grant, _ in held[:SHOWN])
    evidence = tuple(item for grant, subject in held[:SHOWN] for item in subject_evidence(grant, subject))
    return Review(account, Verdict.FAIL, f"{account} holds {listed}{more}", uid, owner, evidence=evidence)
