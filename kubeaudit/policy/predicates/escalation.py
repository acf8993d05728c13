"""rbac-escalation-path and rbac-confused-deputy: rights that lead on over the rights of others (RBAC-77, RBAC-E49)."""

from collections.abc import Iterator

from msgspec import structs

from kubeaudit.edges.contract import Edge
from kubeaudit.edges.identity import account, grant_vertex, group
from kubeaudit.edges.vertices import user
from kubeaudit.edges.vocabulary import EXP_OPERATOR
from kubeaudit.findings import Certainty, ObjectClass, Subject, Verdict
from kubeaudit.graph.present import label
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import beyond_limit, evidence_of, subject, unseen_of
from kubeaudit.policy.predicates.grants import judgement, unbound
from kubeaudit.policy.predicates.ways import Ways, nodes, reached, towards
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import State
from kubeaudit.rbac.grants import Grant
from kubeaudit.rbac.grants import Subject as Holder
from kubeaudit.rbac.names import GROUP
from kubeaudit.rbac.reviewing import adds, binding_evidence, matching, passed, people
from kubeaudit.refs import ALL_SECRETS, CLUSTER_ADMIN, ObjectRef, Vertex, VertexKind
from kubeaudit.world import World


def escalation_path(world: World, _policy: Policy) -> Iterator[Judgement]:
    """Judge everybody that a binding names by the cheapest ways to cluster-admin, to a node and to all Secrets.

    A way counts from two hops of different hands on: what a grant gives by itself is judged by the policy about it.
    """
    ways = [towards(world, roots) for roots in ((CLUSTER_ADMIN,), nodes(world), (ALL_SECRETS,))]
    for vertex, own in _holders(world).items():
        who = subject(_object_of(vertex))
        # What only came with the cluster leads where it is meant to (RBAC-91).
        yield _escalation(vertex, who, ways) if own else Judgement(who, Verdict.PASS)


def _holders(world: World) -> dict[Vertex, bool]:
    """Everybody that bindings name, and whether one of these did not come with the cluster."""
    found: dict[Vertex, bool] = {}
    for grant in world.context.access.grants:
        for holder in matching(grant, adds):
            vertex = _vertex_of(holder)
            found[vertex] = found.get(vertex, False) or grant.object_class is not ObjectClass.BUILTIN
    return dict(sorted(found.items()))


def _vertex_of(holder: Holder) -> Vertex:
    if holder.group is not None:
        return group(holder.group)
    return account(holder.namespace, holder.name) if holder.kind == "ServiceAccount" else user(holder.name)


def _object_of(vertex: Vertex) -> ObjectRef:
    """A holder as an object; users and groups have none and are named as bindings name them."""
    if vertex.kind is VertexKind.SERVICE_ACCOUNT:
        return ObjectRef("ServiceAccount", vertex.namespace, vertex.name)
    return ObjectRef("Group" if vertex.kind is VertexKind.GROUP else "User", "", vertex.name, GROUP)


def _escalation(vertex: Vertex, who: Subject, ways: list[Ways]) -> Judgement:
    if ways[0].is_direct(vertex):
        return Judgement(who, Verdict.PASS, detail="is cluster-admin by a binding")
    beyond = [way for way in ways if not way.is_direct(vertex)]
    for way in beyond:
        if way.state(vertex) is State.YES:
            edges = way.path(vertex)
            return reached(who, edges, f"{who.object} reaches {label(edges[-1].target)}")
    unknown = next((way.path(vertex) for way in beyond if way.state(vertex) is State.UNKNOWN), ())
    unseen = unseen_of(unknown) or beyond_limit(*(way.any for way in ways))
    return Judgement(who, Verdict.NOT_EVALUATED if unseen else Verdict.PASS, unseen=unseen)


def confused_deputy(world: World, _policy: Policy) -> Iterator[Judgement]:
    """Judge every binding that lets somebody write what an operator acts on, by where the operator's rights lead."""
    yield from unbound(world)
    up = towards(world, (CLUSTER_ADMIN, *nodes(world), ALL_SECRETS))
    for grant in world.context.access.grants:
        said = judgement(passed(grant, matching(grant, adds)))
        if grant.object_class is ObjectClass.BUILTIN:
            yield said
            continue
        edges = [edge for edge in world.graph.out_edges(grant_vertex(grant)) if edge.row == EXP_OPERATOR]
        deputies = [(edge, held) for edge in edges if (held := _others(grant, edge)) and up.state(edge.target)]
        certain = [each for each in deputies if up.state(each[0].target) is State.YES]
        if certain:
            edge, held = certain[0]
            yield _steered(said, grant, edge, held, up.path(edge.target))
        elif deputies:
            unseen = unseen_of(up.path(deputies[0][0].target))
            yield structs.replace(said, verdict=Verdict.NOT_EVALUATED, unseen=unseen)
        else:
            yield said


def _others(grant: Grant, edge: Edge) -> tuple[Holder, ...]:
    """The subjects of a grant that are not the operator itself."""
    return matching(grant, lambda holder: adds(holder) and _vertex_of(holder) != edge.target)


def _steered(said: Judgement, grant: Grant, edge: Edge, held: tuple[Holder, ...], path: tuple[Edge, ...]) -> Judgement:
    text = f"{grant.binding} lets {people(held)} steer {label(edge.target)}, which reaches {label(path[-1].target)}"
    return structs.replace(
        said,
        verdict=Verdict.FAIL,
        message=f"{text}: {edge.sentence}",
        evidence=(*binding_evidence(grant, held), *evidence_of((edge, *path))),
        certainty=Certainty.INFERRED,
    )
