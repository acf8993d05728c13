"""Everything a snapshot says, built once: the typed cluster, the two exact engines, the graph and its searches.

``build`` is pure: no I/O, no clock, no network. The command line, the CronJob, the tests and ad hoc questions all call
it."""

from collections.abc import Callable, Iterator
from functools import cached_property

from msgspec import Struct

from kubeaudit.edges import apiserver, entrypoints, identity, ingresses, metadata, traffic
from kubeaudit.edges.context import Context
from kubeaudit.edges.contract import Edge
from kubeaudit.graph.build import Graph
from kubeaudit.graph.paths import Searches, entries, inside, searches_from
from kubeaudit.model import cluster as model
from kubeaudit.network import reach as network
from kubeaudit.rbac import access as rbac
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Snapshot

FAMILIES: tuple[Callable[[Context], Iterator[Edge]], ...] = (
    entrypoints.edges,
    ingresses.edges,
    traffic.edges,
    apiserver.edges,
    metadata.edges,
    identity.edges,
)
"""Edge families, in the order they are joined."""


class World(Struct, frozen=True, dict=True):
    """A cluster with everything that was computed of it. Searches are made when first asked for."""

    context: Context
    graph: Graph

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
    def private(self) -> Searches:
        """The forward searches from the private network (EXP-956)."""
        return searches_from(self.graph, inside(self.graph), self.settings)


def build(snapshot: Snapshot, settings: Settings) -> World:
    """Decode a snapshot, run the engines, join their edges into one graph."""
    cluster = model.build(snapshot)
    context = Context(cluster, network.build(cluster, settings), rbac.build(cluster), settings)
    return World(context, Graph(edge for family in FAMILIES for edge in family(context)))
