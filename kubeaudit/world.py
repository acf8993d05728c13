"""Everything a snapshot says, built once: the typed cluster, the two exact engines, the graph and its searches.

``build`` is pure: no I/O, no clock, no network. The command line, the CronJob, the tests and ad hoc questions all call
it."""

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import chain

from msgspec import Struct

from kubeaudit.edges import (
    apiserver,
    entrypoints,
    escalation,
    identity,
    ingresses,
    lateral,
    metadata,
    node_services,
    traffic,
)
from kubeaudit.edges.context import Context
from kubeaudit.edges.contract import Edge
from kubeaudit.graph.build import Graph
from kubeaudit.graph.paths import Searches, entries, exposed_to, inside, searches_from
from kubeaudit.model import cluster as model
from kubeaudit.network import reach as network
from kubeaudit.rbac import access as rbac
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Snapshot

FAMILIES: tuple[Callable[[Context], Iterator[Edge]], ...] = (
    entrypoints.edges,
    ingresses.edges,
    traffic.edges,
    lateral.edges,
    apiserver.edges,
    node_services.edges,
    metadata.edges,
    identity.edges,
    escalation.edges,
)
"""Edge families, in the order they are joined."""
_OF_RIGHTS = (identity.edges, escalation.edges)
"""Families that ask the RBAC engine: the others do not change with roles and bindings."""


class World(Struct, frozen=True, dict=True):
    """A cluster with everything that was computed of it. Searches are made when first asked for.

    ``beside`` are the edges of the families that do not ask the RBAC engine.
    """

    context: Context
    graph: Graph
    beside: tuple[Edge, ...] = ()

    @property
    def cluster(self) -> model.Cluster:
        """The typed objects."""
        return self.context.cluster

    @property
    def settings(self) -> Settings:
        """What the run was asked."""
        return self.context.settings

    @cached_property
    def searches(self) -> dict[str, Searches]:
        """The forward searches from each entry: internet, anonymous, authenticated (EXP-951..953)."""
        return {name: searches_from(self.graph, roots, self.settings) for name, roots in entries(self.graph).items()}

    @cached_property
    def exposed(self) -> Searches:
        """What the internet reaches itself, before anything is taken over."""
        return exposed_to(self.graph, entries(self.graph)["internet"], self.settings)

    @cached_property
    def private(self) -> Searches:
        """What the private network reaches itself (EXP-956)."""
        return exposed_to(self.graph, inside(self.graph), self.settings)


def build(snapshot: Snapshot, settings: Settings) -> World:
    """Decode a snapshot, run the engines, join their edges into one graph."""
    cluster = model.build(snapshot)
    context = Context(cluster, network.build(cluster, settings), rbac.build(cluster), settings)
    return _joined(context, tuple(edge for family in FAMILIES if family not in _OF_RIGHTS for edge in family(context)))


def with_rbac_of(world: World, cluster: model.Cluster) -> World:
    """The world of a cluster that differs in roles and bindings only: nothing of the network is computed again."""
    context = Context(cluster, world.context.reach, rbac.build(cluster), world.settings)
    return _joined(context, world.beside)


def _joined(context: Context, beside: tuple[Edge, ...]) -> World:
    rights = (edge for family in _OF_RIGHTS for edge in family(context))
    return World(context, Graph(chain(beside, rights)), beside)
