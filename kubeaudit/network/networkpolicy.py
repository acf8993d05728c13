"""NetworkPolicy v1 into masks (NET-01..39)."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.model.cluster import METADATA_NAME, Cluster
from kubeaudit.model.objects.meta import LabelSelector
from kubeaudit.model.objects.networking import IPBlock, NetworkPolicy, Peer, blocks
from kubeaudit.model.selectors import InvalidSelectorError, keys_of
from kubeaudit.network.cilium.places import POD_IDENTITY, single
from kubeaudit.network.compiled import END_PORT, CompiledPolicy, Entry, Half
from kubeaudit.network.cuts import Cuts
from kubeaudit.network.fields import (
    PEERS,
    RESOURCE,
    TYPES,
    InvalidFieldError,
    Rule,
    directions,
    has_host_bits,
    interval,
    intervals,
    port_names,
    ref_of,
    rules,
)
from kubeaudit.network.ipspace import Network
from kubeaudit.network.masks import Masks
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.ports import Interval
from kubeaudit.network.verdicts import Direction
from kubeaudit.proof import Path
from kubeaudit.settings import Fact

RESOURCES = frozenset([RESOURCE])
CALICO_ORDER, CALICO_NAME = 1000.0, "knp.default."
"""Where Calico puts NetworkPolicies in its tier ``default`` (NET-123); among themselves their order means nothing."""
_MATCH_ABSENT = ("NotIn", "DoesNotExist")


def cuts(cluster: Cluster) -> Cuts:
    """Where NetworkPolicies cut addresses and ports."""
    policies = cluster.network_policies
    networks = frozenset(text for policy in policies for text in blocks(policy))
    return Cuts(networks, port_names(policies), frozenset(intervals(policies)))


def plugin_cuts(cluster: Cluster, cni: CniProfile) -> Cuts:
    """Where plugins cut that read NetworkPolicies otherwise than the API: addresses of nodes, which they do not compare
    with blocks (NET-39), and the agent of EKS Pod Identity on them (NET-150); the first port of a range (NET-24).
    """
    policies, networks, ports = cluster.network_policies, set[str](), set[Interval]()
    if cni.ipblock_matches_nodes is not Fact.YES and any(True for policy in policies for _ in blocks(policy)):
        networks.update(single(address) for node in cluster.nodes for address in node.addresses)
        networks.update(map(single, POD_IDENTITY))
    if cni.end_port is not Fact.YES:
        ports.update((protocol, first, first) for protocol, first, last in intervals(policies) if first < last)
    return Cuts(frozenset(networks), frozenset(), frozenset(ports))


def compile_all(masks: Masks) -> Iterator[CompiledPolicy]:
    """Every NetworkPolicy."""
    agents = _agents(masks)
    for policy in masks.cluster.network_policies:
        yield _Compiler(masks, policy, agents).compiled()


def _agents(masks: Masks) -> int:
    """Addresses that Cilium perhaps takes for those of the node they are served on (NET-150)."""
    universe, on_aws = masks.universe, any(node.pool.provider == "aws" for node in masks.cluster.nodes)
    if masks.cni.name != "cilium" or masks.cni.ipblock_matches_nodes is Fact.YES or not on_aws:
        return 0
    return universe.address_bit(POD_IDENTITY[0]) | universe.address_bit(POD_IDENTITY[1])


class _Ports(Struct, frozen=True):
    """The ports of a rule: ``plain`` for certain, ``beyond`` those that only a plugin that reads ``endPort`` adds
    (NET-24), ``named`` port names with their protocols.
    """

    plain: int
    beyond: int = 0
    named: tuple[tuple[str, str], ...] = ()


class _Compiler:
    """Compiles one policy."""

    def __init__(self, masks: Masks, policy: NetworkPolicy, agents: int) -> None:
        self._masks = masks
        self._agents = agents
        self._universe = masks.universe
        self._policy = policy
        self._ref = ref_of(policy)
        self._namespace = policy.metadata.namespace

    def compiled(self) -> CompiledPolicy:
        policy, ref, reported = self._policy, self._ref, len(self._masks.problems)
        for number, word in enumerate(policy.spec.policy_types):
            if word not in TYPES:
                self._report(("spec", "policyTypes", number), f"policy type {word!r} is not Ingress or Egress")
        if len(policy.spec.policy_types) > len(TYPES):
            self._report(("spec", "policyTypes"), f"more than {len(TYPES)} policy types")
        own = self._universe.members.get(self._namespace, 0)
        try:
            selected = own & self._masks.pods(policy.spec.pod_selector)
        except InvalidSelectorError as error:
            self._report(("spec", "podSelector"), str(error))
            return CompiledPolicy(ref, RESOURCE, policy, 0, (), faulty=own)
        halves = tuple(self._half(direction, selected) for direction in directions(policy))
        # Inert rules (NET-04) take part in nothing, but the API server refuses an object for them too.
        for direction in Direction if len(halves) < len(Direction) else ():
            if direction not in directions(policy):
                self._half(direction, 0)
        doubtful = any(not problem.harmless for problem in self._masks.problems[reported:])
        order = (CALICO_ORDER, CALICO_NAME + policy.metadata.name)
        return CompiledPolicy(ref, RESOURCE, policy, selected, halves, order=order, faulty=selected if doubtful else 0)

    def _half(self, direction: Direction, selected: int) -> Half:
        selectors = [
            peer.namespace_selector
            for rule in rules(self._policy, direction)
            for peer in rule.peers
            if peer.namespace_selector is not None and keys_of(peer.namespace_selector) - {METADATA_NAME}
        ]
        absent = any(r.operator in _MATCH_ABSENT for found in selectors for r in found.match_expressions)
        entries, unread = list[Entry](), list[Entry]()
        for entry in self._entries(direction, selected):
            dropped = entry.doubt == END_PORT and self._masks.cni.end_port is Fact.NO
            (unread if dropped else entries).append(entry)
        return Half(
            direction,
            tuple(entries),
            namespace_labels=bool(selectors),
            absent_labels=absent,
            unread=tuple(unread),
        )

    def _entries(self, direction: Direction, selected: int) -> Iterator[Entry]:
        for number, rule in enumerate(rules(self._policy, direction)):
            path: Path = ("spec", str(direction), number)
            ports = self._ports(path, rule)
            for peer_path, peers, maybe, leaks in self._peers(direction, path, rule):
                if agents := peers & self._agents if rule.peers else 0:
                    peers &= ~agents
                    every = ports.plain | ports.beyond
                    yield Entry(selected, 0, agents, every, number, peer_path, doubt="cilium_pod_identity")
                if leaks:
                    every = ports.plain | ports.beyond
                    yield Entry(selected, 0, leaks, every, number, peer_path, doubt="exception")
                if ports.plain:
                    yield Entry(selected, peers, maybe, ports.plain, number, peer_path)
                if ports.beyond:
                    yield Entry(selected, 0, peers | maybe, ports.beyond, number, peer_path, doubt=END_PORT)
                for name in ports.named:
                    for found in self._masks.named(name, direction, selected, (peers, maybe)):
                        yield Entry(*found, number, peer_path)

    def _ports(self, path: Path, rule: Rule) -> "_Ports":
        """The ports of a rule. ICMP and others without ports are among them only where it names none (NET-21)."""
        if not rule.ports:
            return _Ports(self._masks.ports.everything)
        plain, beyond, named = 0, 0, []
        for number, port in enumerate(rule.ports):
            place = (*path, "ports", number)
            try:
                found = interval(port)
            except InvalidFieldError as error:
                self._report(place, str(error))
                continue
            if found is None:
                named.append((str(port.port), port.protocol))
                continue
            if port.end_port is not None and self._masks.cni.end_port is not Fact.YES:
                beyond |= self._masks.ports.interval(*found)
                found = (found[0], found[1], found[1])
            plain |= self._masks.ports.interval(*found)
            if isinstance(port.port, str):
                self._report((*place, "port"), f"port {port.port!r} is a string; read as a number", harmless=True)
        return _Ports(plain, beyond & ~plain, tuple(named))

    def _peers(self, direction: Direction, path: Path, rule: Rule) -> Iterator[tuple[Path, int, int, int]]:
        """The peers of a rule: place, certain mask, further mask, mask of exceptions that may not hold (NET-13..17)."""
        if not rule.peers:
            yield path, self._universe.everything, 0, 0
        for number, peer in enumerate(rule.peers):
            place = (*path, PEERS[direction], number)
            try:
                found = self._peer(place, peer)
            except (InvalidSelectorError, InvalidFieldError) as error:
                self._report(place, str(error))
                continue
            yield place, *found

    def _peer(self, place: Path, peer: Peer) -> tuple[int, int, int]:
        by_label = peer.pod_selector is not None or peer.namespace_selector is not None
        if peer.ip_block is not None:
            if by_label:
                raise InvalidFieldError("ipBlock stands together with a selector; such a peer matches nothing")
            return self._block(place, peer.ip_block)
        if not by_label:
            raise InvalidFieldError("the peer has no podSelector, namespaceSelector or ipBlock; it matches nothing")
        if peer.namespace_selector is None:
            found = self._universe.members.get(self._namespace, 0)
        else:
            found = self._masks.namespaces(peer.namespace_selector)
        if peer.pod_selector is not None:
            found &= self._masks.pods(peer.pod_selector)
        # A host-network pod is no peer of a selector, it counts as its node's address (NET-49).
        host = self._host_peers(peer.namespace_selector)
        return self._universe.both(found & ~self._universe.host), self._universe.both(host), 0

    def _host_peers(self, selector: LabelSelector | None) -> int:
        """Host-network pods that a namespace label of the plugin stands for; only maybe (NET-49, to be verified)."""
        label = self._masks.cni.host_network_label
        return self._universe.host if label and selector is not None and label in keys_of(selector) else 0

    def _block(self, place: Path, block: IPBlock) -> tuple[int, int, int]:
        """An ipBlock: external atoms, host-network pods by node address, pods as the plugin has it (NET-36..39), and
        what its exceptions leave out if the plugin perhaps does not keep to them (NET-149).
        """
        whole = self._network((*place, "ipBlock", "cidr"), block.cidr)
        excluded = tuple(self._excluded(place, whole, block.excluded))
        cni = self._masks.cni
        peers, maybe = self._masks.block(whole, excluded, cni.ipblock_matches_pods, cni.ipblock_matches_nodes)
        if cni.exceptions_hold is Fact.YES or not excluded:
            return peers, maybe, 0
        every = self._masks.block(whole, (), cni.ipblock_matches_pods, cni.ipblock_matches_nodes)
        return peers, maybe, (every[0] | every[1]) & ~(peers | maybe)

    def _excluded(self, place: Path, whole: Network, texts: tuple[str, ...]) -> Iterator[Network]:
        """The exceptions of a block; what lies outside takes nothing away (NET-37)."""
        for number, text in enumerate(texts):
            where = (*place, "ipBlock", "except", number)
            try:
                found = self._network(where, text)
            except InvalidFieldError as error:
                self._report(where, str(error))
                continue
            same_family = found.version == whole.version
            if not (same_family and found.network_address in whole and found.prefixlen > whole.prefixlen):
                self._report(where, f"except {text} is no part of {whole}")
            if same_family:
                yield found

    def _network(self, place: Path, text: str) -> Network:
        """A CIDR; host bits, which are refused in new objects only, are masked off (NET-36)."""
        found = self._masks.network(text)
        if has_host_bits(text, found):
            self._report(place, f"{text} has host bits; read as {found}", harmless=True)
        return found

    def _report(self, place: Path, reason: str, harmless: bool = False) -> None:
        self._masks.report(self._ref, place, reason, harmless)
