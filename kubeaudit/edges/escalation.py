"""Who can become what: every escalation that grants allow, and what follows from it (EXP-604..631, 8, 9; rbac.md 5).

One right is judged per grant, several that have to be held together per grant and per identity, on the union of its
grants (EXP-34). What leads on from there is derived until nothing new comes up, from rules and never from names
(RBAC-77). Aggregates keep the number of edges near that of the grants (EXP-21).
"""

from collections.abc import Iterator

from kubeaudit.edges import admission, aggregates, cloud_accounts, identity, mounts, nodes, pods
from kubeaudit.edges.context import Context
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.judge import Judge, judge
from kubeaudit.edges.scene import Scene
from kubeaudit.edges.steps import Step, edge_of
from kubeaudit.edges.unions import Met, unions
from kubeaudit.edges.vertices import SECRET, every, new_grant, ns_admin
from kubeaudit.edges.vocabulary import EXP_STEER_PODS, RBAC_NAMESPACE_ADMIN
from kubeaudit.proof import Confidence, State, field
from kubeaudit.rbac.access import rule_evidence
from kubeaudit.rbac.grants import Grant, RoleState
from kubeaudit.rbac.rights import Rights
from kubeaudit.refs import Vertex, VertexKind


def edges(context: Context) -> Iterator[Edge]:
    """Every edge of the escalation families."""
    judged = judge(Scene(context))
    reads = (grant.scope for grant in context.access.grants if any(not read.names for read in grant.powers.secrets))
    known: dict[Vertex, None] = dict.fromkeys(every(SECRET, scope) for scope in reads)
    steering: set[Vertex] = set()
    for edge in _direct(judged):
        _note(edge, known)
        if edge.row == EXP_STEER_PODS:
            steering.add(edge.source)
        yield edge
    for edge in nodes.lures(judged.scene, _accounts(context, steering)):
        _note(edge, known)
        yield edge
    pending = list(known)
    while pending:
        found: dict[Vertex, None] = {}
        for source in pending:
            for edge in _following(judged, source):
                _note(edge, found)
                yield edge
        pending = [vertex for vertex in found if vertex not in known]
        known.update(found)


def _accounts(context: Context, holders: set[Vertex]) -> frozenset[tuple[str, str]]:
    """The ServiceAccounts among some identities, and among those that hold some grants."""
    found = {(v.namespace, v.name) for v in holders if v.kind is VertexKind.SERVICE_ACCOUNT}
    for grant in context.access.grants if holders else ():
        if identity.grant_vertex(grant) in holders:
            found.update((s.namespace, s.name) for s in grant.subjects if s.kind == "ServiceAccount")
    return frozenset(found)


def _note(edge: Edge, reached: dict[Vertex, None]) -> None:
    if edge.state is not State.BLOCKED:
        reached[edge.target] = None


def _direct(judged: Judge) -> Iterator[Edge]:
    """Edges that follow from what the cluster has: grants, nodes, what answers for the API server."""
    scene = judged.scene
    yield from _of_grants(judged)
    yield from nodes.edges(scene.context, scene)
    yield from admission.backends(scene)
    yield from cloud_accounts.edges(scene.context)
    yield from mounts.edges(scene.context)


def _following(judged: Judge, source: Vertex) -> Iterator[Edge]:
    """Edges that leave a vertex only because something leads to it: aggregates, and roles that may be bound."""
    new = new_grant(source)
    grant = judged.scene.granted(new) if new is not None else judged.scene.noted(source)
    if grant is not None:
        yield from _amounts(judged, grant, source, everywhere=new is not None and new.everywhere)
    else:
        yield from aggregates.edges(judged.scene, source)


def _of_grants(judged: Judge) -> Iterator[Edge]:
    met: dict[int, Met] = {}
    for grant in judged.scene.context.access.grants:
        source = identity.grant_vertex(grant)
        yield from _namespace_admin(grant, source, grant.scope)
        held = judged.rights((grant,), grant.scope)
        for step in _single(judged, grant, held):
            yield edge_of(step, source, str(grant.role))
        if judged.is_part(grant) and not grant.powers.everything:
            steps = list(judged.joint(held))
            met[id(grant)] = frozenset((step.row, step.target) for step in steps)
            yield from (edge_of(step, source, str(grant.role)) for step in steps)
    yield from unions(judged, met)


def _single(judged: Judge, grant: Grant, held: Rights) -> Iterator[Step]:
    """The rows that one right meets. Whoever may do everything in the cluster is shown what runs there, nothing else;
    for a namespace the vertex of its administrator stands.
    """
    if not grant.powers.everything:
        yield from judged.single(held)
    elif held.whole:
        yield from pods.single(judged.scene, held)


def _amounts(judged: Judge, grant: Grant, source: Vertex, *, everywhere: bool) -> Iterator[Edge]:
    """What a grant that no object makes would amount to."""
    yield from _namespace_admin(grant, source, grant.scope, everywhere=everywhere)
    if not everywhere:
        yield from identity.powers(grant, source)
    held = judged.rights((grant,), grant.scope, everywhere=everywhere)
    together = () if grant.powers.everything else tuple(judged.joint(held))
    for step in (*_single(judged, grant, held), *together):
        if step.target != source:
            yield edge_of(step, source, str(grant.role))


def _namespace_admin(grant: Grant, source: Vertex, scope: str, everywhere: bool = False) -> Iterator[Edge]:
    """RBAC-E02: every verb on every kind in a namespace, or in each; a role that was not read may be such a one."""
    if not scope and not everywhere:
        return
    where = f"namespace {scope}" if scope else "every namespace"
    if grant.state is RoleState.UNREAD:
        shown = (field(grant.binding, ("roleRef", "name"), grant.role.name),)
        sentence = f"{grant.role} could not be read; it may allow everything in {where}."
        yield Edge(
            RBAC_NAMESPACE_ADMIN,
            source,
            ns_admin(scope),
            State.UNKNOWN,
            Confidence.OBJ,
            1,
            sentence,
            shown,
            (),
            grant.unseen,
        )
    elif grant.powers.everything:
        rule = grant.powers.everything[0]
        sentence = f"{grant.role} allows every verb on every resource in {where}."
        fix = f"{grant.role}: list the verbs and resources that are needed in rules[{rule}]"
        confidence = Confidence.ENV if grant.is_assumed(rule) else Confidence.OBJ
        shown = (rule_evidence(grant, rule),)
        yield Edge(
            RBAC_NAMESPACE_ADMIN, source, ns_admin(scope), State.YES, confidence, 1, sentence, shown, (), (), fix
        )
