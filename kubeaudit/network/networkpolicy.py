"""NetworkPolicy v1 into masks (NET-01..39)."""

from collections.abc import Iterator

from kubeaudit.model.objects.meta import LabelSelector
from kubeaudit.model.objects.networking import IPBlock, NetworkPolicy, Peer
from kubeaudit.model.selectors import InvalidSelectorError
from kubeaudit.network.cni import CniProfile
from kubeaudit.network.compiled import CompiledPolicy, Entry, Half
from kubeaudit.network.fields import PEERS, TYPES, InvalidFieldError, Rule, directions, interval, network, ref_of, rules
from kubeaudit.network.ipspace import Network
from kubeaudit.network.ports import PortSpace
from kubeaudit.network.universe import Universe
from kubeaudit.network.verdicts import Direction, PolicyProblem
from kubeaudit.proof import Path
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact

_SelectorKey = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str, tuple[str, ...]], ...]]


class Compiler:
    """Compiles the policies of one cluster. ``problems`` collects what the API server would refuse.

    Selectors and blocks repeat from policy to policy, so their masks are kept while compiling.
    """

    def __init__(self, universe: Universe, ports: PortSpace, cni: CniProfile, networks: dict[str, Network]) -> None:
        """``networks`` are the CIDRs of the policies that could be read, by their text."""
        self.problems: list[PolicyProblem] = []
        self._networks = networks
        self._universe = universe
        self._ports = ports
        self._cni = cni
        self._pods: dict[_SelectorKey, int] = {}
        self._namespaces: dict[_SelectorKey, int] = {}
        self._blocks: dict[tuple[str, tuple[str, ...]], tuple[int, int]] = {}

    def compile(self, policy: NetworkPolicy) -> CompiledPolicy:
        """One policy as masks."""
        ref, reported = ref_of(policy), len(self.problems)
        for number, word in enumerate(policy.spec.policy_types):
            if word not in TYPES:
                self._report(ref, ("spec", "policyTypes", number), f"policy type {word!r} is not Ingress or Egress")
        own = self._universe.members.get(policy.metadata.namespace, 0)
        try:
            selected = own & self._pods_of(policy.spec.pod_selector)
        except InvalidSelectorError as error:
            self._report(ref, ("spec", "podSelector"), str(error))
            return CompiledPolicy(ref, 0, (), faulty=own)
        halves = tuple(Half(d, tuple(self._entries(policy, ref, d, selected))) for d in directions(policy))
        doubtful = any(not problem.harmless for problem in self.problems[reported:])
        return CompiledPolicy(ref, selected, halves, faulty=selected if doubtful else 0)

    def _entries(self, policy: NetworkPolicy, ref: ObjectRef, direction: Direction, selected: int) -> Iterator[Entry]:
        for number, rule in enumerate(rules(policy, direction)):
            path: Path = ("spec", str(direction), number)
            plain, named = self._port_sets(ref, path, rule)
            for peer_path, peers, maybe in self._peers(policy, ref, direction, path, rule):
                if plain:
                    yield Entry(selected, peers, maybe, plain, number, peer_path)
                for name in named:
                    yield from self._named(name, direction, selected, (peers, maybe), number, peer_path)

    def _named(
        self, name: tuple[str, str], direction: Direction, selected: int, peers: tuple[int, int], rule: int, path: Path
    ) -> Iterator[Entry]:
        """A port name, once for every number it stands for on the selected or on each destination pod (NET-25, -26)."""
        certain, maybe = peers
        for number, holders in self._universe.named.get(name, {}).items():
            ports = self._ports.atom(name[1], number)
            if direction is Direction.INGRESS:
                if selected & holders:
                    yield Entry(selected & holders, certain, maybe, ports, rule, path)
            else:
                on_pods = self._universe.both(holders)
                if (certain | maybe) & on_pods:
                    yield Entry(selected, certain & on_pods, maybe & on_pods, ports, rule, path)

    def _port_sets(self, ref: ObjectRef, path: Path, rule: Rule) -> tuple[int, list[tuple[str, str]]]:
        """The numeric ports of a rule as a mask, and its port names with their protocols."""
        if not rule.ports:
            return self._ports.everything, []
        plain, named = 0, []
        for number, port in enumerate(rule.ports):
            place = (*path, "ports", number)
            try:
                found = interval(port)
            except InvalidFieldError as error:
                self._report(ref, place, str(error))
                continue
            if found is None:
                named.append((str(port.port), port.protocol))
            else:
                plain |= self._ports.interval(*found)
                if isinstance(port.port, str):
                    self._report(
                        ref, (*place, "port"), f"port {port.port!r} is a string; read as a number", harmless=True
                    )
        return plain, named

    def _peers(
        self, policy: NetworkPolicy, ref: ObjectRef, direction: Direction, path: Path, rule: Rule
    ) -> Iterator[tuple[Path, int, int]]:
        """The peers of a rule: place, certain mask, further mask (NET-13..17)."""
        if not rule.peers:
            yield path, self._universe.everything, 0
        for number, peer in enumerate(rule.peers):
            place = (*path, PEERS[direction], number)
            try:
                peers, maybe = self._peer(policy.metadata.namespace, ref, place, peer)
            except (InvalidSelectorError, InvalidFieldError) as error:
                self._report(ref, place, str(error))
                continue
            yield place, peers, maybe

    def _peer(self, namespace: str, ref: ObjectRef, place: Path, peer: Peer) -> tuple[int, int]:
        by_label = peer.pod_selector is not None or peer.namespace_selector is not None
        if peer.ip_block is not None:
            if by_label:
                raise InvalidFieldError("ipBlock stands together with a selector; such a peer matches nothing")
            return self._block(ref, place, peer.ip_block)
        if not by_label:
            raise InvalidFieldError("the peer has no podSelector, namespaceSelector or ipBlock; it matches nothing")
        if peer.namespace_selector is None:
            found = self._universe.members.get(namespace, 0)
        else:
            found = self._namespaces_of(peer.namespace_selector)
        if peer.pod_selector is not None:
            found &= self._pods_of(peer.pod_selector)
        # A host-network pod is no peer of a selector, it counts as its node's address (NET-49).
        return self._universe.both(found & ~self._universe.host), self._universe.both(self._host_peers(peer))

    def _host_peers(self, peer: Peer) -> int:
        """Host-network pods that a namespace label of the plugin stands for; only maybe (NET-49, to be verified)."""
        label = self._cni.host_network_label
        if not label or peer.namespace_selector is None:
            return 0
        named = label in peer.namespace_selector.match_labels
        return (
            self._universe.host
            if named or any(r.key == label for r in peer.namespace_selector.match_expressions)
            else 0
        )

    def _pods_of(self, selector: LabelSelector) -> int:
        key = _key(selector)
        found = self._pods.get(key)
        if found is None:
            found = self._pods[key] = self._universe.labels.select(selector)
        return found

    def _namespaces_of(self, selector: LabelSelector) -> int:
        key = _key(selector)
        found = self._namespaces.get(key)
        if found is None:
            found = self._namespaces[key] = self._universe.in_namespaces(selector)
        return found

    def _block(self, ref: ObjectRef, place: Path, block: IPBlock) -> tuple[int, int]:
        """An ipBlock: external atoms, host-network pods by node address, pods as the plugin has it (NET-36..39)."""
        key = (block.cidr, block.excluded)
        found = self._blocks.get(key)
        if found is None:
            whole = self._network(block.cidr)
            found = self._block_mask(whole, list(self._excluded(ref, place, whole, block.excluded)))
            self._blocks[key] = found
        return found

    def _excluded(self, ref: ObjectRef, place: Path, whole: Network, texts: tuple[str, ...]) -> Iterator[Network]:
        """The exceptions of a block; what lies outside takes nothing away (NET-37)."""
        for number, text in enumerate(texts):
            where = (*place, "ipBlock", "except", number)
            try:
                found = self._network(text)
            except InvalidFieldError as error:
                self._report(ref, where, str(error))
                continue
            same_family = found.version == whole.version
            if not (same_family and found.network_address in whole and found.prefixlen > whole.prefixlen):
                self._report(ref, where, f"except {text} is no part of {whole}")
            if same_family:
                yield found

    def _network(self, text: str) -> Network:
        return self._networks.get(text) or network(text)

    def _block_mask(self, whole: Network, excluded: list[Network]) -> tuple[int, int]:
        universe, cni = self._universe, self._cni
        classes, atoms = universe.in_network(whole)
        for less in excluded:
            less_classes, less_atoms = universe.in_network(less)
            classes, atoms = classes & ~less_classes, atoms & ~less_atoms
        family = "IPv4" if whole.version == 4 else "IPv6"
        unaddressed = self._in_family(universe.unaddressed, family)
        if whole.prefixlen == 0 and not excluded:
            classes |= unaddressed
            unaddressed = 0
        host = universe.both(universe.host)
        peers, maybe = atoms, 0
        for among, fact in ((~host, cni.ipblock_matches_pods), (host, cni.ipblock_matches_nodes)):
            if fact is Fact.YES:
                peers |= classes & among
                maybe |= unaddressed & among
            elif fact is Fact.UNKNOWN:
                maybe |= (classes | unaddressed) & among
        return peers, maybe

    def _in_family(self, classes: int, family: str) -> int:
        return classes << self._universe.size if family == "IPv6" else classes

    def _report(self, ref: ObjectRef, place: Path, reason: str, harmless: bool = False) -> None:
        self.problems.append(PolicyProblem(ref, place, reason, harmless))


def _key(selector: LabelSelector) -> _SelectorKey:
    return (
        tuple(sorted(selector.match_labels.items())),
        tuple((r.key, r.operator, r.values) for r in selector.match_expressions),
    )
