"""Where the ends of traffic of nodes are: on the node itself, among its pods, or elsewhere.

Host-network pods and the addresses of a node are the node itself.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from kubeaudit.model.cluster import Cluster
from kubeaudit.model.selectors import bits_of, mask_of
from kubeaudit.network.ipspace import FAMILIES
from kubeaudit.network.nodes.policies import Ways
from kubeaudit.network.rows import Segment
from kubeaudit.network.universe import Universe
from kubeaudit.network.verdicts import Direction


class Near(Struct, frozen=True):
    """Peers of one node: its own addresses and host-network pods (``itself``), and its pods.

    Of the ``only`` ones it is certain; the others are classes that run elsewhere too.
    """

    itself: int = 0
    only_itself: int = 0
    pods: int = 0
    only_pods: int = 0


class Spot(Struct, frozen=True):
    """An address of a node, and its peer mask."""

    node: str
    address: str
    peers: int


class Place(Struct, frozen=True):
    """Nodes of an end, and those of its addresses that are meant, all where none is; ``beside`` are the nodes of the
    other end, where they are known better than by its class.
    """

    nodes: tuple[str, ...]
    addresses: Sequence[str] = ()
    beside: tuple[str, ...] = ()


class Part(Struct, frozen=True):
    """Peers that are judged at some faces. ``translated``: the node may see the address of their node instead."""

    peers: int
    faces: tuple[int, ...]
    translated: bool = False


class Whereabouts(Struct, frozen=True, dict=True, eq=False):
    """The nodes of a cluster and what is on them."""

    cluster: Cluster
    universe: Universe

    def parts(self, direction: Direction, ways: Ways, place: Place, node: str, peers: int) -> Iterator[Part]:
        """Some peers by the faces at which a node's traffic with them is judged."""
        near, universe = self.near.get(node, Near()), self.universe
        beside = place.beside
        for family, version in FAMILIES.items():
            pods = (universe.classes & ~universe.host) << (universe.size if version == 6 else 0)
            hosts = universe.host << (universe.size if version == 6 else 0)
            here = peers & (pods | hosts | universe.external(universe.space.family(version)))
            local, far = here, here & ~(near.only_itself | near.only_pods)
            if beside:
                local, far = (here, 0) if node in beside else (0, here)
            listed = [a for a in place.addresses or ways.addresses if (":" in a) == (family == "IPv6")]
            faces = dict.fromkeys(ways.addresses.get(address, ways.others) for address in listed)
            for found in faces or (ways.others,):
                yield Part(far & ~pods, found)
                if direction is Direction.INGRESS:
                    yield Part(far & pods, found, translated=True)
                else:
                    yield Part(far & pods, ways.tunnel or found)
            yield Part(local & near.pods, ways.pods)
            yield Part(local & near.itself, ways.itself)

    def masquerades(self, peers: int) -> Iterator[int]:
        """The addresses that a node may see instead of those of some pods: of their nodes, as peer masks; for pods on
        none yet those of every node.
        """
        universe = self.universe
        for family in FAMILIES:
            classes = universe.seen_in(peers, family)
            nodes = {name for cls in bits_of(classes) for name in self.cluster.classes[cls].nodes}
            unplaced = any(not self.cluster.classes[cls].nodes for cls in bits_of(classes))
            for spot in self.spots if classes else ():
                if (unplaced or spot.node in nodes) and (":" in spot.address) == (family == "IPv6"):
                    yield spot.peers

    def translated(self, segment: Segment) -> Segment:
        """What holds for pods of other nodes, whose address a node sees, or that of their node."""
        key = (segment.peers, segment.maybe)
        found = self._translated.get(key)
        if found is None:
            found = self._translated[key] = self._with_masquerades(*key)
        return Segment(segment.ports, *found)

    def _with_masquerades(self, yes: int, maybe: int) -> tuple[int, int]:
        universe, possible = self.universe, yes | maybe
        every = open_ = perhaps = 0
        for spot in self.spots:
            behind = self._behind.get(spot.node, 0) | self._behind.get("", 0)
            behind <<= universe.size if ":" in spot.address else 0
            every |= behind
            open_ |= behind if spot.peers & yes else 0
            perhaps |= behind if spot.peers & possible else 0
        yes &= ~every | open_
        return yes, (possible | perhaps) & ~yes

    @cached_property
    def _translated(self) -> dict[tuple[int, int], tuple[int, int]]:
        return {}

    @cached_property
    def _behind(self) -> dict[str, int]:
        """Pods by node; "" has those that are on none yet."""
        found: dict[str, list[int]] = {}
        for cls in self.cluster.classes:
            for node in (cls.nodes or ("",)) if not cls.shape.host_network else ():
                found.setdefault(node, []).append(cls.index)
        return {node: mask_of(listed) for node, listed in found.items()}

    @cached_property
    def spots(self) -> tuple[Spot, ...]:
        """The addresses of nodes."""
        return tuple(
            Spot(node.ref.name, address, self.universe.address_bit(address))
            for node in self.cluster.nodes
            for address in node.addresses
        )

    @cached_property
    def near(self) -> dict[str, Near]:
        """The peers of every node."""
        classes, both = self.cluster.classes, self.universe.both
        found: dict[str, list[list[int]]] = {}
        for cls in classes:
            for node in cls.nodes:
                kinds = found.setdefault(node, [[], [], [], []])
                place = 0 if cls.shape.host_network else 2
                kinds[place].append(cls.index)
                if len(cls.nodes) == 1:
                    kinds[place + 1].append(cls.index)
        addresses = {node.ref.name: 0 for node in self.cluster.nodes}
        for spot in self.spots:
            addresses[spot.node] |= spot.peers
        return {
            node: Near(own | both(itself), own | both(only), both(pods), both(only_pods))
            for node in addresses.keys() | found.keys()
            for own in (addresses.get(node, 0),)
            for itself, only, pods, only_pods in (map(mask_of, found.get(node, ((), (), (), ()))),)
        }
