"""What compilers of all dialects share: selectors, blocks and port names as masks, and where problems are noted.

Selectors and blocks repeat from policy to policy, so their masks are kept while compiling.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import TypeVar

from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.meta import LabelSelector
from kubeaudit.model.selectors import check
from kubeaudit.network.doubts import Doubt
from kubeaudit.network.fields import network
from kubeaudit.network.ipspace import Network
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.ports import PortSpace
from kubeaudit.network.universe import Universe
from kubeaudit.network.verdicts import Direction, PolicyProblem
from kubeaudit.proof import Path
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact

T = TypeVar("T")
_SelectorKey = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str, tuple[str, ...]], ...]]


class Masks:
    """The masks of one cluster under one plugin.

    ``problems`` collects what the API server would refuse, ``doubts`` what a dialect leaves open beside its entries.
    """

    def __init__(
        self, cluster: Cluster, universe: Universe, ports: PortSpace, cni: CniProfile, networks: dict[str, Network]
    ) -> None:
        """``networks`` are the CIDRs of the policies that could be read, by their text."""
        self.cluster = cluster
        self.universe = universe
        self.ports = ports
        self.cni = cni
        self.problems: list[PolicyProblem] = []
        self.doubts: list[Doubt] = []
        self._networks = networks
        self._pods: dict[_SelectorKey, int] = {}
        self._namespaces: dict[_SelectorKey, int] = {}
        self._blocks: dict[tuple[Network, tuple[Network, ...], Fact, Fact], tuple[int, int]] = {}

    def held(self, resource: str, kind: type[T]) -> tuple[T, ...]:
        """The policies of a resource, none where the plugin gives them no effect (NET-78)."""
        return self.cluster.held(resource, kind) if self.cni.has_effect(resource) else ()

    def report(self, ref: ObjectRef, place: Path, reason: str, harmless: bool = False) -> None:
        """Note a part of a policy that the API server would refuse."""
        self.problems.append(PolicyProblem(ref, place, reason, harmless))

    def pods(self, selector: LabelSelector) -> int:
        """The classes a selector matches in all namespaces. Raises ``InvalidSelectorError``."""
        key = _key(selector)
        found = self._pods.get(key)
        if found is None:
            check(selector)
            found = self._pods[key] = self.universe.labels.select(selector)
        return found

    def namespaces(self, selector: LabelSelector) -> int:
        """The classes of the namespaces a selector matches. Raises ``InvalidSelectorError``."""
        key = _key(selector)
        found = self._namespaces.get(key)
        if found is None:
            check(selector)
            found = self._namespaces[key] = self.universe.in_namespaces(selector)
        return found

    def network(self, text: str) -> Network:
        """A CIDR as a network. Raises ``InvalidFieldError``."""
        return self._networks.get(text) or network(text)

    def block(self, whole: Network, excluded: tuple[Network, ...], pods: Fact, nodes: Fact) -> tuple[int, int]:
        """The peers in a network without its exceptions: for certain, and perhaps (NET-36..39).

        ``pods`` and ``nodes`` say whether addresses of pods and of nodes are compared with it. Networks must be among
        those the address space was cut at, and so must the addresses of nodes unless they are compared.
        """
        key = (whole, excluded, pods, nodes)
        found = self._blocks.get(key)
        if found is None:
            found = self._blocks[key] = self._block(whole, excluded, pods, nodes)
        return found

    def _block(self, whole: Network, excluded: tuple[Network, ...], pods: Fact, nodes: Fact) -> tuple[int, int]:
        universe = self.universe
        classes, atoms = universe.in_network(whole)
        for less in excluded:
            less_classes, less_atoms = universe.in_network(less)
            classes, atoms = classes & ~less_classes, atoms & ~less_atoms
        unaddressed = universe.unaddressed << (universe.size if whole.version == 6 else 0)
        if whole.prefixlen == 0 and not excluded:
            classes |= unaddressed
            unaddressed = 0
        host = universe.both(universe.host)
        of_nodes = atoms & self._nodes if nodes is not Fact.YES else 0
        peers, maybe = atoms & ~of_nodes, of_nodes if nodes is Fact.UNKNOWN else 0
        for among, fact in ((~host, pods), (host, nodes)):
            if fact is Fact.YES:
                peers |= classes & among
                maybe |= unaddressed & among
            elif fact is Fact.UNKNOWN:
                maybe |= (classes | unaddressed) & among
        return peers, maybe

    @cached_property
    def _nodes(self) -> int:
        """The addresses of nodes."""
        universe, found = self.universe, 0
        for node in self.cluster.nodes:
            for address in node.addresses:
                found |= universe.address_bit(address) if universe.space.atom(address) is not None else 0
        return found

    def holders(self, name: tuple[str, str], direction: Direction) -> dict[int, int]:
        """The subjects (ingress) or destinations that declare a port name with a protocol, by number."""
        return self.universe.named.get(name, {})

    def subjects(self, sure: int, possible: int, family: str) -> tuple[int, int]:
        """The subjects whose addresses of a family are among some peers: for certain, and perhaps."""
        found = self.universe.seen_in(sure, family)
        return found, self.universe.seen_in(possible, family) & ~found

    def named(
        self, name: tuple[str, str], direction: Direction, selected: int, peers: tuple[int, int]
    ) -> Iterator[tuple[int, int, int, int]]:
        """A port name with its protocol, once for every number it stands for on the selected pods (ingress) or on each
        destination pod (egress): subjects, peers, maybe, ports (NET-25, NET-26). ``peers`` are certain and maybe ones.
        """
        certain, maybe = peers
        for number, holders in self.holders(name, direction).items():
            ports = self.ports.atom(name[1], number)
            if direction is Direction.INGRESS:
                if selected & holders:
                    yield selected & holders, certain, maybe, ports
            else:
                on_pods = self.universe.both(holders)
                if (certain | maybe) & on_pods:
                    yield selected, certain & on_pods, maybe & on_pods, ports


def _key(selector: LabelSelector) -> _SelectorKey:
    return (
        tuple(sorted(selector.match_labels.items())),
        tuple((r.key, r.operator, r.values) for r in selector.match_expressions),
    )
