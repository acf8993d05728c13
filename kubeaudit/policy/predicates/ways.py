"""Where rights lead: searches backward from what rules a cluster, and their paths as judgements (RBAC-77)."""

from collections.abc import Iterable

from msgspec import Struct

from kubeaudit.edges.contract import Edge
from kubeaudit.edges.vertices import NODE_ROOT
from kubeaudit.edges.vocabulary import (
    EXP_ANONYMOUS_GRANT,
    EXP_AUTHENTICATED_GRANT,
    EXP_CLUSTER_ADMIN,
    EXP_CONTAINS,
    EXP_FLAW_CODE,
    EXP_FLAW_SSRF,
    EXP_GRANT,
    EXP_IMPLICIT_GROUP,
    EXP_READ_SECRETS,
    EXP_TOKEN,
    ROWS,
)
from kubeaudit.findings import Certainty, Subject, Verdict
from kubeaudit.graph.paths import LATERAL, Searches, jewel_kind, route, searches_to
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import evidence_of
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import Facet, Vertex, VertexKind
from kubeaudit.world import World

_DIRECT = frozenset(
    [
        *(EXP_GRANT, EXP_AUTHENTICATED_GRANT, EXP_ANONYMOUS_GRANT, EXP_IMPLICIT_GROUP),
        *(EXP_CLUSTER_ADMIN, EXP_READ_SECRETS, EXP_CONTAINS, EXP_TOKEN),
    ]
)
"""Rows that only say who holds what: a path of these alone is the business of the policy about that right."""
_STEPS = frozenset(ROWS) - _DIRECT
_FLAWS = LATERAL | {EXP_FLAW_CODE, EXP_FLAW_SSRF}
"""Rows that rest on a flaw of some program; rights lead on without them."""


class Ways(Struct, frozen=True):
    """What leads to some vertices: ``direct`` by what bindings give, ``any`` by everything that this lets one do."""

    direct: Searches
    any: Searches

    def state(self, vertex: Vertex) -> State | None:
        """``yes``, ``unknown``, or None where no way leads from the vertex."""
        return self.any.state(vertex)

    def path(self, vertex: Vertex) -> tuple[Edge, ...]:
        """The way that proves the state, a direct one where there is one."""
        return self.direct.path(vertex) if self.is_direct(vertex) else self.any.path(vertex)

    def is_direct(self, vertex: Vertex) -> bool:
        """Whether bindings alone give it."""
        return vertex in self.direct.certain


def towards(world: World, roots: Iterable[Vertex]) -> Ways:
    """What leads to the roots by rights, and by what pods and nodes have of themselves."""
    found = tuple(roots)
    direct, beyond = (searches_to(world.graph, found, world.settings, rows) for rows in (_STEPS, _FLAWS))
    return Ways(direct, beyond)


def nodes(world: World) -> tuple[Vertex, ...]:
    """Control over nodes: all of them (EXP-963), and each that is known."""
    known = (v for v in world.graph.vertices() if v.kind is VertexKind.NODE and v.facet is Facet.CTL)
    return (NODE_ROOT, *sorted(known))


def reached(
    who: Subject, edges: tuple[Edge, ...], text: str, instances: int = 0, pods: tuple[str, ...] = ()
) -> Judgement:
    """A path that proves a failure; the message adds its length and the first step that is no mere grant."""
    step = next((edge for edge in edges if edge.row not in _DIRECT), edges[-1])
    sure = all(edge.confidence is Confidence.OBJ for edge in edges)
    proven = route(f"rbac:{who.object}", edges, State.YES, jewel_kind(edges[-1].target) or "cluster-admin")
    return Judgement(
        subject=who,
        verdict=Verdict.FAIL,
        message=f"{text} in {len(edges)} hops: {step.sentence}",
        evidence=evidence_of(edges),
        certainty=Certainty.OBSERVED if sure else Certainty.INFERRED,
        instances=instances,
        pods=pods,
        routes=(proven,),
    )
