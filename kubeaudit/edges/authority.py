"""From rights on roles, bindings and identities to what they amount to (EXP-615..618, RBAC-38..49).

The guards of the API server decide: whoever writes a role or a binding gains nothing but by ``bind``, by ``escalate``,
or by a role that the guards no longer look at (RBAC-42).
"""

from collections.abc import Iterator

from kubeaudit.edges.credentials import ACCOUNTS, over_accounts
from kubeaudit.edges.identity import group
from kubeaudit.edges.scene import Scene
from kubeaudit.edges.steps import Step, place
from kubeaudit.edges.vertices import ROLE, USER, NewGrant, every, ns_admin, outcome, user
from kubeaudit.edges.vocabulary import (
    EXP_AGGREGATE_ROLE,
    EXP_BIND,
    EXP_DORMANT,
    EXP_ESCALATE,
    EXP_IMPERSONATE,
    RBAC_DELEGATE,
)
from kubeaudit.rbac.grants import Grant, RoleState
from kubeaudit.rbac.identities import MASTERS
from kubeaudit.rbac.names import GROUP
from kubeaudit.rbac.rights import Key, Right, Rights
from kubeaudit.refs import CLUSTER_ADMIN, Vertex

ROLES, CLUSTER_ROLES = (GROUP, "roles"), (GROUP, "clusterroles")
BINDINGS, CLUSTER_BINDINGS = (GROUP, "rolebindings"), (GROUP, "clusterrolebindings")
USERS, GROUPS = ("", "users"), ("", "groups")
KEYS = (ROLES, CLUSTER_ROLES, BINDINGS, CLUSTER_BINDINGS, USERS, GROUPS)
JOINT = (ROLES, CLUSTER_ROLES, BINDINGS, CLUSTER_BINDINGS, USERS, GROUPS, ACCOUNTS)
# A namespaced right to bind a ClusterRole serves RoleBindings of that namespace (RBAC-40), so that clusterroles are
# looked up where the right is held; users and groups are asked for cluster-wide (RBAC-46).
CLUSTER_KINDS = (CLUSTER_BINDINGS, USERS, GROUPS)
_CHANGE = ("update", "patch")
_WRITE = ("create", *_CHANGE)


def single(scene: Scene, rights: Rights) -> Iterator[Step]:
    """What one right to impersonate leads to, and to whom its holder may hand on its own rights (RBAC-42)."""
    yield from _accounts(scene, rights)
    if rights.whole:
        yield from _users(rights)
    key = CLUSTER_BINDINGS if rights.whole else BINDINGS
    handed = rights.some(key, *_WRITE) or rights.some(BINDINGS, *_WRITE)
    if handed is not None:
        does = f"may {handed} {place(rights.scope)} to any subject, of roles that it holds itself"
        yield Step(RBAC_DELEGATE, outcome("any subject", rights.scope), does, (handed,))


def joint(scene: Scene, rights: Rights) -> Iterator[Step]:
    """What several rights on roles, bindings and identities lead to together (EXP-34)."""
    yield from _binds(scene, rights)
    yield from _rewrites(rights)
    if rights.whole:
        yield from _impersonates_groups(rights)


def _accounts(scene: Scene, rights: Rights) -> Iterator[Step]:
    """EXP-618 of ServiceAccounts: a RoleBinding grants it for those of its namespace (RBAC-46)."""
    return over_accounts(scene, rights, EXP_IMPERSONATE, ACCOUNTS, "impersonate")


def _users(rights: Rights) -> Iterator[Step]:
    """EXP-618 of users: without a right to groups they come with none but system:authenticated (RBAC-47)."""
    right = rights.every(USERS, "impersonate")
    if right is not None:
        yield Step(EXP_IMPERSONATE, every(USER), f"may {right}: every user by name", (right,))
        return
    for limited in rights.named(USERS, "impersonate"):
        yield Step(EXP_IMPERSONATE, user(limited.name), f"may {limited}", (limited,))


def _impersonates_groups(rights: Rights) -> Iterator[Step]:
    """EXP-618 of groups: each by its name, together with some user or ServiceAccount (RBAC-45)."""
    somebody = rights.some(USERS, "impersonate") or rights.some(ACCOUNTS, "impersonate")
    if somebody is None:
        return
    right = rights.every(GROUPS, "impersonate")
    if right is not None:
        does = f"may {right} and {somebody}: every group, {MASTERS} among them"
        yield Step(EXP_IMPERSONATE, group(MASTERS), does, (right, somebody))
        return
    for limited in rights.named(GROUPS, "impersonate"):
        yield Step(EXP_IMPERSONATE, group(limited.name), f"may {limited} and {somebody}", (limited, somebody))


def _binds(scene: Scene, rights: Rights) -> Iterator[Step]:
    """EXP-615: ``bind`` on a role, and a right to write bindings of the scope (RBAC-40)."""
    if rights.whole:
        write = rights.every(CLUSTER_BINDINGS, *_WRITE)
        bind = rights.every(CLUSTER_ROLES, "bind")
        if write and bind:
            does = f"may {write} and {bind}: any ClusterRole, in the whole cluster"
            yield Step(EXP_BIND, CLUSTER_ADMIN, does, (write, bind))
        elif write:
            for limited in rights.named(CLUSTER_ROLES, "bind"):
                made = NewGrant("ClusterRole", "", limited.name, "", False)
                yield Step(EXP_BIND, made.vertex, f"may {write} and {limited}", (write, limited))
        yield from _known_bindings(scene, rights, CLUSTER_BINDINGS)
    write = rights.every(BINDINGS, *_WRITE)
    if write is not None:
        yield from _binds_within(rights, write)
    yield from _known_bindings(scene, rights, BINDINGS)


def _binds_within(rights: Rights, write: Right) -> Iterator[Step]:
    where = place(rights.scope)
    anything = rights.every(CLUSTER_ROLES, "bind")
    if anything is not None:
        does = f"may {write} and {anything} {where}: any ClusterRole there"
        yield Step(EXP_BIND, ns_admin(rights.scope), does, (write, anything))
    else:
        for limited in rights.named(CLUSTER_ROLES, "bind"):
            made = NewGrant("ClusterRole", "", limited.name, rights.scope, not rights.scope)
            yield Step(EXP_BIND, made.vertex, f"may {write} and {limited} {where}", (write, limited))
    roles = rights.every(ROLES, "bind")
    if roles is not None:
        does = f"may {write} and {roles} {where}: any Role there"
        yield Step(EXP_BIND, every(ROLE, rights.scope), does, (write, roles))
    elif rights.scope:
        for limited in rights.named(ROLES, "bind"):
            made = NewGrant("Role", rights.scope, limited.name, rights.scope, False)
            yield Step(EXP_BIND, made.vertex, f"may {write} and {limited} {where}", (write, limited))


def _known_bindings(scene: Scene, rights: Rights, key: Key) -> Iterator[Step]:
    """EXP-615 by bindings that rules name: their role stays as it is, their subjects do not (RBAC-43)."""
    for limited in rights.named(key, *_CHANGE):
        for grant in scene.bindings_named.get((key == CLUSTER_BINDINGS, limited.name), ()):
            if rights.scope and grant.scope != rights.scope:
                continue
            bind = rights.on(CLUSTER_ROLES if grant.role.kind == "ClusterRole" else ROLES, grant.role.name, "bind")
            if bind is not None:
                made = NewGrant(grant.role.kind, grant.role.namespace, grant.role.name, grant.scope, False)
                yield Step(EXP_BIND, made.vertex, f"may {limited} and {bind}", (limited, bind))


def _rewrites(rights: Rights) -> Iterator[Step]:
    """EXP-616, -617 and -627: ``escalate`` on a role that the identity is bound to, or may have itself bound to."""
    if rights.whole:
        for target, used, row, how in _cluster_rewrites(rights):
            yield Step(row, target, f"may {_list(used)}: {how}", used)
    for target, used, row, how in _namespace_rewrites(rights):
        yield Step(row, target, f"may {_list(used)}: {how}", used)


_Rewrite = tuple[Vertex, tuple[Right, ...], str, str]


def _cluster_rewrites(rights: Rights) -> Iterator[_Rewrite]:
    seen: set[str] = set()
    for grant in rights.bound:
        if grant.role.kind == "ClusterRole" and grant.scope not in seen:
            found = _rewrite_of(rights, CLUSTER_ROLES, grant)
            if found is not None:
                seen.add(grant.scope)
                target = ns_admin(grant.scope) if grant.scope else CLUSTER_ADMIN
                yield target, *found
    pair = _any_rewrite(rights, CLUSTER_ROLES)
    if pair is None:
        return
    for key, target in ((CLUSTER_BINDINGS, CLUSTER_ADMIN), (BINDINGS, ns_admin(""))):
        write = rights.every(key, *(_WRITE if not pair[0].name else ("create",)))
        if write is not None:
            yield target, (*pair, write), EXP_ESCALATE, "it binds an empty role to itself and fills it afterwards"


def _namespace_rewrites(rights: Rights) -> Iterator[_Rewrite]:
    seen: set[str] = set()
    for grant in rights.bound:
        in_scope = grant.scope == rights.scope if rights.scope else bool(grant.scope)
        if grant.role.kind == "Role" and in_scope and grant.scope not in seen:
            found = _rewrite_of(rights, ROLES, grant)
            if found is not None:
                seen.add(grant.scope)
                yield ns_admin(grant.scope), *found
    pair = _any_rewrite(rights, ROLES)
    write = rights.every(BINDINGS, *(_WRITE if pair and not pair[0].name else ("create",)))
    if pair and write and rights.scope not in seen:
        how = "it binds an empty role to itself and fills it afterwards"
        yield ns_admin(rights.scope), (*pair, write), EXP_ESCALATE, how


def _rewrite_of(rights: Rights, key: Key, grant: Grant) -> tuple[tuple[Right, ...], str, str] | None:
    """The rights to give a role that the identity is bound to any rules, the row, and how."""
    name = grant.role.name
    change, escalate = rights.on(key, name, *_CHANGE), rights.on(key, name, "escalate")
    if change and escalate and grant.state is not RoleState.MISSING:
        return (change, escalate), EXP_ESCALATE, f"it is bound to {grant.role} by {grant.binding}"
    made, unlimited = rights.every(key, "create"), rights.every(key, "escalate")
    if made is None or unlimited is None:
        return None
    if grant.state is RoleState.MISSING:
        return (made, unlimited), EXP_DORMANT, f"{grant.binding} binds it to {grant.role}, which does not exist yet"
    if grant.origins:
        return (made, unlimited), EXP_AGGREGATE_ROLE, f"{grant.role}, which it is bound to, gathers the rules of others"
    return None


def _any_rewrite(rights: Rights, key: Key) -> tuple[Right, Right] | None:
    """The rights to give some role any rules: unlimited, else on one name."""
    change, escalate = rights.every(key, *_CHANGE), rights.every(key, "escalate")
    if change and escalate:
        return change, escalate
    for limited in rights.named(key, *_CHANGE):
        also = rights.on(key, limited.name, "escalate")
        if also is not None:
            return limited, also
    for limited in rights.named(key, "escalate"):
        also = rights.on(key, limited.name, *_CHANGE)
        if also is not None:
            return also, limited
    return None


def _list(used: tuple[Right, ...]) -> str:
    words = [str(right) for right in used]
    return ", ".join(words[:-1]) + f" and {words[-1]}"
