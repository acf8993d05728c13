"""Identities: from a pod to its ServiceAccount, its groups and grants, and what those amount to (EXP-205, 206,
601..603, 611, 625).
"""

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from kubeaudit.edges.context import Context, spec_path, unseen, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.vocabulary import (
    EXP_ANONYMOUS_GRANT,
    EXP_AUTHENTICATED_GRANT,
    EXP_CLUSTER_ADMIN,
    EXP_CONTAINS,
    EXP_GRANT,
    EXP_IMPLICIT_GROUP,
    EXP_READ_SECRETS,
    EXP_TOKEN,
)
from kubeaudit.findings import Unseen
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.proof import Assumption, Confidence, Evidence, Path, State, field, missing
from kubeaudit.rbac.access import rule_evidence, subject_evidence
from kubeaudit.rbac.grants import Grant, RoleState, Subject
from kubeaudit.rbac.identities import (
    ANONYMOUS_USER,
    AUTHENTICATED,
    MASTERS,
    SERVICE_ACCOUNTS,
    UNAUTHENTICATED,
    account_of,
)
from kubeaudit.rbac.names import CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS
from kubeaudit.refs import ALL_SECRETS, ANONYMOUS, CLUSTER_ADMIN, Facet, ObjectRef, Vertex, VertexKind
from kubeaudit.settings import Fact

ANONYMOUS_ON = Assumption("anonymous-auth-on", "the API server admits anonymous callers to these requests")
_DEFAULT_ADMIN = "cluster-admin"
_API_AUDIENCES = (
    "",
    "https://kubernetes.default.svc",
    "https://kubernetes.default.svc.cluster.local",
    "kubernetes.default.svc",
)


class Token(StrEnum):
    """Whether a pod holds a token of the API server, and how it got there."""

    AUTOMOUNTED = "automounted"
    PROJECTED = "projected"
    NONE = "none"


class Mount(Struct, frozen=True):
    """The token of a workload class and the fields that decide it; ``unseen`` is what was missing to know."""

    kind: Token
    evidence: tuple[Evidence, ...]
    unseen: tuple[Unseen, ...] = ()


def edges(context: Context) -> Iterator[Edge]:
    """Every edge between identities and to what they may do."""
    accounts = {(cls.namespace, cls.shape.identity) for cls in context.cluster.classes} | set(context.service_accounts)
    for cls in context.cluster.classes:
        yield from _token_edge(context, cls)
    for namespace, name in sorted(accounts):
        yield from _groups_of(namespace, name)
    yield from _broad_groups(accounts)
    for grant in context.access.grants:
        yield from _held(context, grant)
        yield from powers(grant, grant_vertex(grant))
    yield from _others(context)
    yield _masters()
    yield from _contains()
    yield from _unread(context, accounts)


def account(namespace: str, name: str) -> Vertex:
    """The vertex of a ServiceAccount (EXP-10)."""
    return Vertex(VertexKind.SERVICE_ACCOUNT, namespace, name)


def group(name: str) -> Vertex:
    """The vertex of a group (EXP-11)."""
    return Vertex(VertexKind.GROUP, "", name)


def grant_vertex(grant: Grant) -> Vertex:
    """A role through one binding (EXP-12)."""
    name = f"{grant.role.kind}/{grant.role.name}@{grant.binding.kind}/{grant.binding.name}"
    return Vertex(VertexKind.GRANT, grant.scope, name)


def token_of(context: Context, cls: WorkloadClass) -> Mount:
    """EXP-601: the pod's field wins over the ServiceAccount's, default true; an explicit projection brings a token
    back.
    """
    owner, path = spec_path(context.cluster, cls)
    for number, volume in enumerate(cls.shape.volumes):
        for position, source in enumerate(volume.projected.sources if volume.projected else ()):
            token = source.service_account_token
            if token is not None and token.audience in _API_AUDIENCES and not _injected(volume.name):
                place: Path = (*path, "volumes", number, "projected", "sources", position, "serviceAccountToken")
                return Mount(Token.PROJECTED, (field(owner, place, {"audience": token.audience, "path": token.path}),))
    own = cls.shape.automount_service_account_token
    place = (*path, "automountServiceAccountToken")
    held = _mounted(context, cls)
    if own is not None:
        if not own and held is not None:
            return Mount(Token.PROJECTED, (held,))
        return Mount(Token.AUTOMOUNTED if own else Token.NONE, (field(owner, place, own),))
    found = context.service_accounts.get((cls.namespace, cls.shape.identity))
    ref = ObjectRef("ServiceAccount", cls.namespace, cls.shape.identity)
    unset = missing(owner, place, "not set: the ServiceAccount decides")
    if found is not None and found.automount_service_account_token is not None:
        shown = field(ref, ("automountServiceAccountToken",), found.automount_service_account_token)
        if not found.automount_service_account_token and held is not None:
            return Mount(Token.AUTOMOUNTED, (unset, held))
        return Mount(Token.AUTOMOUNTED if found.automount_service_account_token else Token.NONE, (unset, shown))
    default = missing(ref, ("automountServiceAccountToken",), "not set: the token is mounted")
    gap = context.cluster.complete.gap("serviceaccounts", cls.namespace) if found is None else None
    return Mount(Token.AUTOMOUNTED, (unset, default), (unseen(gap),) if gap is not None else ())


def _mounted(context: Context, cls: WorkloadClass) -> Evidence | None:
    """The token volume that a pod has whatever is said now: injected before the ServiceAccount changed, or written
    under its name.
    """
    for number, volume in enumerate(cls.shape.volumes):
        for position, source in enumerate(
            volume.projected.sources if volume.projected and _injected(volume.name) else ()
        ):
            token = source.service_account_token
            if token is not None and token.audience in _API_AUDIENCES:
                owner, path = spec_path(context.cluster, cls)
                if cls.pods:
                    owner, path = context.cluster.pods[cls.pods[0]].ref, ("spec",)
                place: Path = (*path, "volumes", number, "projected", "sources", position, "serviceAccountToken")
                return field(owner, place, {"audience": token.audience, "path": token.path})
    return None


def _injected(volume: str) -> bool:
    """The volume that the ServiceAccount admission plugin adds; its random suffix was taken out."""
    return volume == "kube-api-access"


def _token_edge(context: Context, cls: WorkloadClass) -> Iterator[Edge]:
    token = token_of(context, cls)
    state = {Token.NONE: State.BLOCKED}.get(token.kind, State.UNKNOWN if token.unseen else State.YES)
    target = account(cls.namespace, cls.shape.identity)
    holds = "holds" if state is not State.BLOCKED else "does not hold"
    sentence = f"{cls.label} {holds} a token of ServiceAccount {cls.namespace}/{cls.shape.identity}."
    owner, path = spec_path(context.cluster, cls)
    fix = f"{owner}: {'.'.join(path)}.automountServiceAccountToken false"
    yield Edge(
        EXP_TOKEN,
        workload(cls, Facet.CTL),
        target,
        state,
        Confidence.OBJ,
        1,
        sentence,
        token.evidence,
        (),
        token.unseen,
        fix,
    )


def _groups_of(namespace: str, name: str) -> Iterator[Edge]:
    """EXP-602: the namespace's group; the wider groups follow from it, one edge per namespace instead of one per
    account.
    """
    ref = ObjectRef("ServiceAccount", namespace, name)
    shown = (field(ref, ("metadata", "namespace"), namespace),)
    sentence = f"ServiceAccount {namespace}/{name} is a member of every group of its namespace's ServiceAccounts."
    target = group(f"{SERVICE_ACCOUNTS}:{namespace}")
    yield Edge(EXP_IMPLICIT_GROUP, account(namespace, name), target, State.YES, Confidence.OBJ, 0, sentence, shown)


def _broad_groups(accounts: set[tuple[str, str]]) -> Iterator[Edge]:
    for namespace in sorted({namespace for namespace, _ in accounts}):
        sentence = f"Every ServiceAccount of {namespace} is a member of {SERVICE_ACCOUNTS}."
        shown = (field(ObjectRef("Namespace", "", namespace), ("metadata", "name"), namespace),)
        source = group(f"{SERVICE_ACCOUNTS}:{namespace}")
        yield Edge(EXP_IMPLICIT_GROUP, source, group(SERVICE_ACCOUNTS), State.YES, Confidence.OBJ, 0, sentence, shown)
    sentence = f"Every ServiceAccount is a member of {AUTHENTICATED}."
    yield Edge(
        EXP_IMPLICIT_GROUP, group(SERVICE_ACCOUNTS), group(AUTHENTICATED), State.YES, Confidence.OBJ, 0, sentence, ()
    )
    sentence = f"Callers without credentials are in group {UNAUTHENTICATED}."
    yield Edge(EXP_IMPLICIT_GROUP, ANONYMOUS, group(UNAUTHENTICATED), State.YES, Confidence.OBJ, 0, sentence, ())
    anonymous = Vertex(VertexKind.USER, "", ANONYMOUS_USER)
    sentence = f"Callers without credentials have the user name {ANONYMOUS_USER}."
    yield Edge(EXP_IMPLICIT_GROUP, ANONYMOUS, anonymous, State.YES, Confidence.OBJ, 0, sentence, ())


def _others(context: Context) -> Iterator[Edge]:
    """EXP-602 of users and groups that bindings name: whoever has credentials is in one group at least."""
    access = context.access
    users = (user for user in access.users if user != ANONYMOUS_USER and account_of(user) is None)
    own = (name for name in access.groups if name not in (AUTHENTICATED, UNAUTHENTICATED))
    groups = (name for name in own if not name.startswith(SERVICE_ACCOUNTS))
    for source in (*(Vertex(VertexKind.USER, "", name) for name in users), *map(group, groups)):
        sentence = f"{source.kind.capitalize()} {source.name} is a member of {AUTHENTICATED}."
        yield Edge(EXP_IMPLICIT_GROUP, source, group(AUTHENTICATED), State.YES, Confidence.OBJ, 0, sentence, ())


def _held(context: Context, grant: Grant) -> Iterator[Edge]:
    """EXP-603, and its two broad forms EXP-205 and -206."""
    for subject in grant.subjects:
        source = _holder(subject)
        if source is None:
            continue
        row, state = EXP_GRANT, State.YES
        assumptions: tuple[Assumption, ...] = ()
        if source.name in (UNAUTHENTICATED, ANONYMOUS_USER):
            row, assumptions = EXP_ANONYMOUS_GRANT, (ANONYMOUS_ON,)
            state = State.BLOCKED if context.settings.facts.anonymous_auth_on is Fact.NO else State.YES
        elif source.name == AUTHENTICATED or source.name.startswith(SERVICE_ACCOUNTS):
            row = EXP_AUTHENTICATED_GRANT
        where = f" in namespace {grant.scope}" if grant.scope else ""
        sentence = f"{grant.binding} gives {subject} the rights of {grant.role}{where}."
        confidence = Confidence.ENV if assumptions else Confidence.OBJ
        shown = subject_evidence(grant, subject)
        fix = f"{grant.binding}: remove subject {subject}"
        yield Edge(
            row,
            source,
            grant_vertex(grant),
            state,
            confidence,
            1 if assumptions else 0,
            sentence,
            shown,
            assumptions,
            (),
            fix,
        )


def _holder(subject: Subject) -> Vertex | None:
    if subject.group is not None:
        return group(subject.group)
    if subject.kind == "ServiceAccount" and subject.namespace:
        return account(subject.namespace, subject.name)
    return Vertex(VertexKind.USER, "", subject.user) if subject.user is not None else None


def powers(grant: Grant, source: Vertex) -> Iterator[Edge]:
    """EXP-625, and EXP-611 for rules that name no single Secret; computed from rules, never from a role's name
    (EXP-961).
    """
    if grant.state is RoleState.UNREAD:
        yield from _unread_role(grant, source)
        return
    rule = grant.cluster_admin
    if rule is not None:
        sentence = f"{grant.role} allows every verb on every resource of every API group."
        shown = (rule_evidence(grant, rule),)
        fix = f"{grant.role}: list the verbs and resources that are needed in rules[{rule}]"
        yield Edge(
            EXP_CLUSTER_ADMIN, source, CLUSTER_ADMIN, State.YES, _confidence(grant), 1, sentence, shown, (), (), fix
        )
    read = next((found.rule for found in grant.powers.secrets if not found.names), None)
    if read is not None:
        sentence = f"{grant.role} may read every Secret{f' of {grant.scope}' if grant.scope else ''}."
        shown = (rule_evidence(grant, read),)
        target = Vertex(VertexKind.AGGREGATE, grant.scope, "Secret")
        fix = f"{grant.role}: remove get, list and watch on secrets from rules[{read}]"
        yield Edge(EXP_READ_SECRETS, source, target, State.YES, _confidence(grant), 1, sentence, shown, (), (), fix)


def _confidence(grant: Grant) -> Confidence:
    return Confidence.ENV if grant.state is RoleState.ASSUMED else Confidence.OBJ


def _unread_role(grant: Grant, source: Vertex) -> Iterator[Edge]:
    """A role that could not be read may amount to anything; only cluster-admin is known by its name (RBAC-P1)."""
    shown = (field(grant.binding, ("roleRef", "name"), grant.role.name),)
    named_admin = not grant.scope and grant.role.kind == "ClusterRole" and grant.role.name == _DEFAULT_ADMIN
    if named_admin:
        sentence = f"{grant.role} could not be read; by its name it is the built-in role that allows everything."
        yield Edge(EXP_CLUSTER_ADMIN, source, CLUSTER_ADMIN, State.YES, Confidence.ENV, 1, sentence, shown)
    elif not grant.scope:
        sentence = f"{grant.role} could not be read; it may allow everything."
        yield Edge(
            EXP_CLUSTER_ADMIN,
            source,
            CLUSTER_ADMIN,
            State.UNKNOWN,
            Confidence.OBJ,
            1,
            sentence,
            shown,
            (),
            grant.unseen,
        )
    if grant.scope in ("", "kube-system") and not named_admin:
        sentence = f"{grant.role} could not be read; it may read Secrets."
        target = Vertex(VertexKind.AGGREGATE, grant.scope, "Secret")
        yield Edge(
            EXP_READ_SECRETS, source, target, State.UNKNOWN, Confidence.OBJ, 1, sentence, shown, (), grant.unseen
        )


def _masters() -> Edge:
    sentence = f"Group {MASTERS} passes every authorizer; no binding gives or takes that."
    return Edge(EXP_CLUSTER_ADMIN, group(MASTERS), CLUSTER_ADMIN, State.YES, Confidence.OBJ, 1, sentence, ())


def _contains() -> Iterator[Edge]:
    """All Secrets of the cluster, or of kube-system, are the crown jewel of EXP-962."""
    for scope, text in (("", "the cluster"), ("kube-system", "kube-system")):
        sentence = f"All Secrets of {text} contain the credentials of the control plane."
        source = Vertex(VertexKind.AGGREGATE, scope, "Secret")
        yield Edge(EXP_CONTAINS, source, ALL_SECRETS, State.YES, Confidence.OBJ, 0, sentence, ())
    sentence = "Whoever may do everything in the cluster may read every Secret."
    yield Edge(EXP_CONTAINS, CLUSTER_ADMIN, ALL_SECRETS, State.YES, Confidence.OBJ, 1, sentence, ())


def _unread(context: Context, accounts: set[tuple[str, str]]) -> Iterator[Edge]:
    """Where bindings could not be read, every identity may hold anything (EXP-33)."""
    complete = context.cluster.complete
    everywhere = complete.gap(CLUSTER_ROLE_BINDINGS)
    in_system = complete.gap(ROLE_BINDINGS, "kube-system")
    for gap, target in ((everywhere, CLUSTER_ADMIN), (everywhere or in_system, ALL_SECRETS)):
        if gap is None:
            continue
        why = (unseen(gap),)
        for source in (
            *(account(ns, name) for ns, name in sorted(accounts)),
            group(AUTHENTICATED),
            group(UNAUTHENTICATED),
        ):
            sentence = f"{gap.resource} could not be read; {source} may hold any right."
            yield Edge(EXP_GRANT, source, target, State.UNKNOWN, Confidence.OBJ, 1, sentence, (), (), why)
