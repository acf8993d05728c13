"""NetworkPolicy v1 into masks (NET-01..39)."""

from collections.abc import Iterator

from kubeaudit.model.cluster import METADATA_NAME, Cluster
from kubeaudit.model.objects.meta import LabelSelector
from kubeaudit.model.objects.networking import IPBlock, NetworkPolicy, Peer, blocks
from kubeaudit.model.selectors import InvalidSelectorError, keys_of
from kubeaudit.network.compiled import CompiledPolicy, Entry, Half
from kubeaudit.network.cuts import Cuts
from kubeaudit.network.fields import (
    PEERS,
    RESOURCE,
    TYPES,
    InvalidFieldError,
    Rule,
    directions,
    interval,
    intervals,
    port_names,
    ref_of,
    rules,
)
from kubeaudit.network.ipspace import Network
from kubeaudit.network.masks import Masks
from kubeaudit.network.verdicts import Direction
from kubeaudit.proof import Path

RESOURCES = frozenset([RESOURCE])
CALICO_ORDER, CALICO_NAME = 1000.0, "knp.default."
"""Where Calico puts NetworkPolicies in its tier ``default`` (NET-123); among themselves their order means nothing."""
_MATCH_ABSENT = ("NotIn", "DoesNotExist")


def cuts(cluster: Cluster) -> Cuts:
    """Where NetworkPolicies cut addresses and ports."""
    policies = cluster.network_policies
    networks = frozenset(text for policy in policies for text in blocks(policy))
    return Cuts(networks, port_names(policies), frozenset(intervals(policies)))


def compile_all(masks: Masks) -> Iterator[CompiledPolicy]:
    """Every NetworkPolicy."""
    for policy in masks.cluster.network_policies:
        yield _Compiler(masks, policy).compiled()


class _Compiler:
    """Compiles one policy."""

    def __init__(self, masks: Masks, policy: NetworkPolicy) -> None:
        self._masks = masks
        self._universe = masks.universe
        self._policy = policy
        self._ref = ref_of(policy)
        self._namespace = policy.metadata.namespace

    def compiled(self) -> CompiledPolicy:
        policy, ref, reported = self._policy, self._ref, len(self._masks.problems)
        for number, word in enumerate(policy.spec.policy_types):
            if word not in TYPES:
                self._report(("spec", "policyTypes", number), f"policy type {word!r} is not Ingress or Egress")
        own = self._universe.members.get(self._namespace, 0)
        try:
            selected = own & self._masks.pods(policy.spec.pod_selector)
        except InvalidSelectorError as error:
            self._report(("spec", "podSelector"), str(error))
            return CompiledPolicy(ref, RESOURCE, policy, 0, (), faulty=own)
        halves = tuple(self._half(direction, selected) for direction in directions(policy))
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
        entries = tuple(self._entries(direction, selected))
        return Half(direction, entries, namespace_labels=bool(selectors), absent_labels=absent)

    def _entries(self, direction: Direction, selected: int) -> Iterator[Entry]:
        for number, rule in enumerate(rules(self._policy, direction)):
            path: Path = ("spec", str(direction), number)
            plain, named = self._port_sets(path, rule)
            for peer_path, peers, maybe in self._peers(direction, path, rule):
                if plain:
                    yield Entry(selected, peers, maybe, plain, number, peer_path)
                for name in named:
                    for found in self._masks.named(name, direction, selected, (peers, maybe)):
                        yield Entry(*found, number, peer_path)

    def _port_sets(self, path: Path, rule: Rule) -> tuple[int, list[tuple[str, str]]]:
        """The numeric ports of a rule as a mask, and its port names with their protocols."""
        if not rule.ports:
            return self._masks.ports.everything, []
        plain, named = 0, []
        for number, port in enumerate(rule.ports):
            place = (*path, "ports", number)
            try:
                found = interval(port)
            except InvalidFieldError as error:
                self._report(place, str(error))
                continue
            if found is None:
                named.append((str(port.port), port.protocol))
            else:
                plain |= self._masks.ports.interval(*found)
                if isinstance(port.port, str):
                    self._report((*place, "port"), f"port {port.port!r} is a string; read as a number", harmless=True)
        return plain, named

    def _peers(self, direction: Direction, path: Path, rule: Rule) -> Iterator[tuple[Path, int, int]]:
        """The peers of a rule: place, certain mask, further mask (NET-13..17)."""
        if not rule.peers:
            yield path, self._universe.everything, 0
        for number, peer in enumerate(rule.peers):
            place = (*path, PEERS[direction], number)
            try:
                peers, maybe = self._peer(place, peer)
            except (InvalidSelectorError, InvalidFieldError) as error:
                self._report(place, str(error))
                continue
            yield place, peers, maybe

    def _peer(self, place: Path, peer: Peer) -> tuple[int, int]:
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
        return self._universe.both(found & ~self._universe.host), self._universe.both(host)

    def _host_peers(self, selector: LabelSelector | None) -> int:
        """Host-network pods that a namespace label of the plugin stands for; only maybe (NET-49, to be verified)."""
        label = self._masks.cni.host_network_label
        return self._universe.host if label and selector is not None and label in keys_of(selector) else 0

    def _block(self, place: Path, block: IPBlock) -> tuple[int, int]:
        """An ipBlock: external atoms, host-network pods by node address, pods as the plugin has it (NET-36..39)."""
        whole = self._masks.network(block.cidr)
        excluded = tuple(self._excluded(place, whole, block.excluded))
        cni = self._masks.cni
        return self._masks.block(whole, excluded, cni.ipblock_matches_pods, cni.ipblock_matches_nodes)

    def _excluded(self, place: Path, whole: Network, texts: tuple[str, ...]) -> Iterator[Network]:
        """The exceptions of a block; what lies outside takes nothing away (NET-37)."""
        for number, text in enumerate(texts):
            where = (*place, "ipBlock", "except", number)
            try:
                found = self._masks.network(text)
            except InvalidFieldError as error:
                self._report(where, str(error))
                continue
            same_family = found.version == whole.version
            if not (same_family and found.network_address in whole and found.prefixlen > whole.prefixlen):
                self._report(where, f"except {text} is no part of {whole}")
            if same_family:
                yield found

    def _report(self, place: Path, reason: str, harmless: bool = False) -> None:
        self._masks.report(self._ref, place, reason, harmless)
