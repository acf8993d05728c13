"""``why``: the chain from a subject or workload to a target, the edits that cut it, and what is left then (RBAC-85)."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.edges.contract import Edge
from kubeaudit.edges.identity import group
from kubeaudit.edges.vocabulary import EXP_IMPLICIT_GROUP
from kubeaudit.findings import ObjectClass, Unseen
from kubeaudit.graph.build import Graph
from kubeaudit.graph.paths import Searches, searches_from
from kubeaudit.graph.present import label
from kubeaudit.proof import Confidence, State
from kubeaudit.queries.chains import Chain, arrow, chain
from kubeaudit.queries.editing import edited, edits, without_subject
from kubeaudit.queries.places import Place
from kubeaudit.rbac.baseline import default_cluster_roles
from kubeaudit.refs import Vertex, VertexKind
from kubeaudit.settings import Settings
from kubeaudit.world import World, with_rbac_of

SCHEMA = "kubeaudit.why/1"
_EDITS = 8
"""How many edits a plan may have; more are no answer to a person."""
Found = tuple[tuple[Edge, ...], State]
"""A chain and its state."""
Edits = tuple[str, ...]
"""Edits by their text."""


class Cut(Struct, frozen=True):
    """One edit that takes a hop away. ``hop`` counts from 0.

    ``also`` names what else loses the step by the same edit; ``survives`` is the next chain in words, "" where none is
    left. ``system``: the edit changes what came with the cluster, so it is not proposed (EXP-978). ``manifest`` is the
    binding without the subject, as YAML for ``kubeaudit simulate -f`` and ``kubectl apply -f``, where that is the edit.
    """

    hop: int
    edit: str
    also: tuple[str, ...] = ()
    survives: str = ""
    system: bool = False
    manifest: str = ""


class Why(Struct, frozen=True):
    """The cheapest chain, and how to cut it. ``state``: yes, unknown, or none where nothing leads there.

    ``proposal`` is the smallest edit that cuts the chain, None where only what came with the cluster could be changed;
    ``second`` is the chain that is left after it, None where none is. ``plan`` are edits that together leave none,
    empty where no such set of a few was found. ``unseen`` is what was not read, so that more may lead there.
    """

    start: str
    target: str
    state: str
    chain: Chain | None = None
    cuts: tuple[Cut, ...] = ()
    proposal: Cut | None = None
    second: Chain | None = None
    plan: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    notes: tuple[str, ...] = ()
    schema: str = SCHEMA


def why(world: World, start: Place, target: Place) -> Why:
    """Search, then search again without each hop of what was found (RBAC-77).

    The hop of a role or binding is cut in the objects, and everything is computed again: what a subject holds by
    another grant stays.
    """
    notes = start.asker.notes if start.asker else ()
    unseen = world.context.access.unread_anywhere()
    found = _way(_graph(world, start, ()), start, target, world.settings)
    if found is None:
        return Why(start.text, target.text, "none", unseen=unseen, notes=notes)
    edges, state = found
    protected = _protected(world)
    cuts: list[Cut] = []
    left: dict[str, Found | None] = {}
    for number, hop in enumerate(edges):
        for edge in edits(world.context.access, hop):
            if edge.fix not in left:
                after, closed = _after(world, (), edge)
                left[edge.fix] = _way(_graph(after, start, closed), start, target, world.settings)
                cuts.append(_cut(world, number, edge, left[edge.fix], protected, start))
    proposal = min((cut for cut in cuts if not cut.system), key=_rank, default=None)
    second = left[proposal.edit] if proposal else None
    return Why(
        start=start.text,
        target=target.text,
        state=str(state),
        chain=chain(edges, state, world.settings),
        cuts=tuple(cuts),
        proposal=proposal,
        second=chain(*second, world.settings) if second else None,
        plan=_plan(world, start, target, protected) if second else (proposal.edit,) if proposal else (),
        unseen=unseen,
        notes=notes,
    )


def _after(world: World, closed: Edits, edge: Edge) -> tuple[World, Edits]:
    """The world after one more edit; one that is no edit of RBAC objects is left as a text that closes edges."""
    cluster = edited(world.cluster, edge)
    if cluster is None:
        return world, (*closed, edge.fix)
    return with_rbac_of(world, cluster), closed


def _graph(world: World, start: Place, closed: Edits) -> Graph:
    """The graph less what some edits close, with the groups that the subject is in."""
    known = {(edge.source, edge.target) for vertex in start.vertices for edge in world.graph.out_edges(vertex)}
    own = [edge for edge in _memberships(start) if (edge.source, edge.target) not in known]
    if not own and not closed:
        return world.graph
    return Graph([*own, *(edge for edge in world.graph.edges() if edge.fix not in closed)])


def _memberships(start: Place) -> Iterator[Edge]:
    """Groups of a subject that the graph does not know of: those it was said to be in, and the implied ones."""
    if start.asker is None:
        return
    for name in start.asker.identity.groups:
        source, target = start.vertices[0], group(name)
        if source != target and source.kind in (VertexKind.USER, VertexKind.GROUP):
            sentence = f"{start.asker} is a member of Group {name}."
            yield Edge(EXP_IMPLICIT_GROUP, source, target, State.YES, Confidence.OBJ, 0, sentence, ())


def _way(graph: Graph, start: Place, target: Place, settings: Settings) -> Found | None:
    """The cheapest chain: certain ones first. None where nothing leads there, or the start is the target."""
    search = searches_from(graph, start.vertices, settings)
    ends = [vertex for vertex in target.vertices if search.state(vertex) is not None]
    if not ends:
        return None
    best = min(ends, key=lambda vertex: _cost(search, vertex))
    edges = search.path(best)
    return (edges, search.state(best) or State.UNKNOWN) if edges else None


def _cost(search: Searches, vertex: Vertex) -> tuple[bool, tuple[int, int], str]:
    certain = vertex in search.certain
    cost = (search.certain if certain else search.possible).cost(vertex)
    return not certain, cost or (0, 0), vertex.key


def _cut(world: World, number: int, edge: Edge, left: Found | None, protected: frozenset[str], start: Place) -> Cut:
    own = {label(vertex) for vertex in start.vertices}
    return Cut(
        hop=number,
        edit=edge.fix,
        also=tuple(sorted(set(_also(world.graph, edge)) - own)),
        survives=arrow(left[0]) if left else "",
        system=_is_system(edge, protected),
        manifest=without_subject(world.cluster, edge),
    )


def _also(graph: Graph, edge: Edge) -> Iterable[str]:
    """Who else takes the step that the edit closes: for a role, whoever holds it by any binding."""
    sources = {other.source for other in graph.edges() if other.fix == edge.fix} - {edge.source}
    for source in sources | ({edge.source} if edge.source.kind is VertexKind.GRANT else set()):
        if source.kind is not VertexKind.GRANT:
            yield label(source)
            continue
        yield from {label(into.source) for into in graph.in_edges(source) if into.state is not State.BLOCKED}


def _protected(world: World) -> frozenset[str]:
    """Objects that came with the cluster: shipped roles, and bindings that are as they came."""
    shipped = (str(grant.binding) for grant in world.context.access.grants if grant.object_class is ObjectClass.BUILTIN)
    return frozenset([*(f"ClusterRole {name}" for name in default_cluster_roles()), *shipped])


def _is_system(edge: Edge, protected: frozenset[str]) -> bool:
    named = {str(item.object) for item in edge.evidence} & protected
    return any(edge.fix.startswith(f"{name}: ") for name in named)


def _rank(cut: Cut) -> tuple[bool, bool, int, int]:
    """Smallest first: no chain left, a grant, few others, early in the chain."""
    return bool(cut.survives), not cut.manifest, len(cut.also), cut.hop


def _plan(world: World, start: Place, target: Place, protected: frozenset[str]) -> tuple[str, ...]:
    """Edits that together leave no chain: one for each chain that is still there, until none is."""
    found: list[str] = []
    closed: Edits = ()
    while len(found) < _EDITS:
        left = _way(_graph(world, start, closed), start, target, world.settings)
        if left is None:
            return tuple(found)
        every = (edge for hop in left[0] for edge in edits(world.context.access, hop))
        open_ = [edge for edge in every if not _is_system(edge, protected)]
        if not open_:
            return ()
        # A grant first: an edit of a role takes rights from others, too.
        best = min(open_, key=lambda edge: not without_subject(world.cluster, edge))
        found.append(best.fix)
        world, closed = _after(world, closed, best)
    return ()
