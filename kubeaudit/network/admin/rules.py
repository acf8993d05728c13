"""Subjects, peers and rules of the Admin and Baseline tiers as masks (NET-82..99)."""

import ipaddress
from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.model.cluster import METADATA_NAME, Cluster
from kubeaudit.model.nodes import parse
from kubeaudit.model.objects.admin import EgressPeer, NamespacedPods, PodPeer, Rule, TierPolicy
from kubeaudit.model.objects.meta import LabelSelector
from kubeaudit.model.selectors import InvalidSelectorError, LabelIndex, bits_of, index, keys_of
from kubeaudit.network.admin.fields import (
    LONGEST_NAME,
    LONGEST_NETWORK,
    fields_of,
    is_bare,
    is_domain_name,
    port,
    port_items,
    rules,
)
from kubeaudit.network.compiled import Entry, Half
from kubeaudit.network.fields import PEERS, InvalidFieldError
from kubeaudit.network.masks import Masks
from kubeaudit.network.ports import PROTOCOLS
from kubeaudit.network.verdicts import Action, Direction
from kubeaudit.proof import Path
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact

_MATCH_ABSENT = ("NotIn", "DoesNotExist")
_UNNAMED = ("networks", "nodes", "domainNames")
"""Peers that have no port names (NET-99)."""
_MOST_NETWORKS = _MOST_NAMES = 25
_FAILS_CLOSED = {
    Action.ALLOW: "the rule fails closed: it matches nothing",
    Action.DENY: "the rule fails closed: it denies everything",
    Action.PASS: "the rule fails closed: it denies everything",
}
_NEVER_A_NODE = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10")))


class Form(Struct, frozen=True):
    """What differs between the kinds: the actions by their names, how long lists of rules and peers may be, which
    selectors ``pods`` must have, and whether ``domainNames`` are peers.
    """

    actions: dict[str, Action]
    limit: int
    selectors: tuple[str, ...]
    domain_names: bool = True


class Subject(Struct, frozen=True):
    """Whom a policy selects; ``by_labels``: by labels of namespaces that only their objects show."""

    classes: int
    by_labels: bool


class _Match(Struct, frozen=True):
    """What a peer matches for certain and perhaps, and why only perhaps."""

    peers: int
    maybe: int = 0
    doubt: str = ""
    condition: str = ""


class NodePeers:
    """Addresses of nodes by a selector on their labels."""

    def __init__(self, cluster: Cluster) -> None:
        self._nodes = cluster.nodes
        self._labels: LabelIndex = index([node.node.metadata.labels for node in cluster.nodes])
        self.unread = cluster.complete.gap("nodes") is not None

    def texts(self) -> frozenset[str]:
        """The address of every node as a CIDR."""
        return frozenset(_cidr(address) for node in self._nodes for address in node.addresses)

    def selected(self, selector: LabelSelector) -> Iterator[str]:
        """The addresses of the nodes a selector matches, as CIDRs. Raises ``InvalidSelectorError``."""
        for position in bits_of(self._labels.select(selector)):
            yield from map(_cidr, self._nodes[position].addresses)


def _cidr(address: str) -> str:
    found = parse(address)
    return f"{address}/{found.max_prefixlen if found else 32}"


class RuleCompiler:
    """Compiles the parts of one policy and reports what the API server would refuse."""

    def __init__(self, masks: Masks, ref: ObjectRef, form: Form, nodes: NodePeers) -> None:
        self._masks = masks
        self._universe = masks.universe
        self._ref = ref
        self._form = form
        self._nodes = nodes

    def subject(self, subject: PodPeer) -> Subject | None:
        """The selected classes, never host-network ones (NET-50, NET-87); None where that cannot be told."""
        place: Path = ("spec", "subject")
        if len(fields_of(subject)) != 1:
            self._report(place, "the subject needs exactly one of namespaces and pods")
            return None
        try:
            return Subject(self._pods(place, subject), any(map(_by_labels, _namespace_selectors(subject))))
        except InvalidSelectorError as error:
            self._report(place, str(error))
            return None

    def half(self, policy: TierPolicy, direction: Direction, selected: int) -> Half:
        """The rules of a direction, first to last (NET-81); they never isolate (NET-84)."""
        found = rules(policy, direction)
        self._limit(("spec", str(direction)), len(found), self._form.limit)
        entries = tuple(
            entry for number, rule in enumerate(found) for entry in self._rule(direction, selected, number, rule)
        )
        selectors = [one for rule in found for peer in rule.peers for one in _namespace_selectors(peer)]
        absent = any(r.operator in _MATCH_ABSENT for one in selectors for r in one.match_expressions)
        return Half(direction, entries, False, any(map(_by_labels, selectors)), absent)

    def _rule(self, direction: Direction, selected: int, number: int, rule: Rule) -> Iterator[Entry]:
        path: Path = ("spec", str(direction), number)
        if len(rule.name) > LONGEST_NAME:
            self._report((*path, "name"), f"a name of {len(rule.name)} characters; at most {LONGEST_NAME} are allowed")
        action = self._form.actions.get(rule.action)
        if action is None:
            words = ", ".join(self._form.actions)
            reason = f"action {rule.action!r} is none of {words}; {_FAILS_CLOSED[Action.DENY]}"
            yield from self._closed((*path, "action"), reason, Action.DENY, selected, number)
            return
        side = PEERS[direction]
        if not rule.peers:
            self._report((*path, side), "the rule names no peer; it matches nothing")
        self._limit((*path, side), len(rule.peers), self._form.limit)
        for position, peer in enumerate(rule.peers):
            if not fields_of(peer):
                reason = f"the peer has no field that this version of the API knows; {_FAILS_CLOSED[action]}"
                yield from self._closed((*path, side, position), reason, action, selected, number)
                return
        yield from self._entries(direction, selected, number, rule, action)

    def _closed(self, place: Path, reason: str, action: Action, selected: int, number: int) -> Iterator[Entry]:
        """A rule that a newer version of the API may understand: it allows nothing or denies all (NET-90, NET-93)."""
        self._report(place, reason, harmless=True)
        if action is not Action.ALLOW:
            every, ports = self._universe.everything, self._masks.ports.everything
            yield Entry(selected, every, 0, ports, number, place, Action.DENY)

    def _entries(self, direction: Direction, selected: int, number: int, rule: Rule, action: Action) -> Iterator[Entry]:
        path: Path = ("spec", str(direction), number)
        plain, names = self._ports(path, rule)
        for position, peer in enumerate(rule.peers):
            place = (*path, PEERS[direction], position)
            try:
                match = self._peer(place, peer, action)
            except (InvalidSelectorError, InvalidFieldError) as error:
                self._report(place, str(error))
                continue
            if plain:
                yield _entry(selected, match, plain, number, place, action)
            if names and fields_of(peer)[0] in _UNNAMED:
                self._report(place, f"{fields_of(peer)[0]} have no port names; a port name matches none of them")
                continue
            for name in names:
                found = self._masks.named(name, direction, selected, (match.peers, match.maybe))
                for subjects, peers, maybe, ports in found:
                    part = _Match(peers, maybe, match.doubt, match.condition)
                    yield _entry(subjects, part, ports, number, place, action)

    def _ports(self, path: Path, rule: Rule) -> tuple[int, list[tuple[str, str]]]:
        """The numeric ports of a rule as a mask, and its port names with every protocol a pod may declare them for."""
        word, items = port_items(rule)
        if not items:
            if items is not None:
                self._report((*path, word), "the list is empty; read as all traffic, as if it were absent")
            return self._masks.ports.everything, []
        self._limit((*path, word), len(items), self._form.limit)
        plain, names = 0, list[tuple[str, str]]()
        for number, item in enumerate(items):
            try:
                found = port(item)
            except InvalidFieldError as error:
                self._report((*path, word, number), str(error))
                continue
            if is_bare(item):
                self._report(
                    (*path, word, number), f"no field of the protocol is set; read as {found[0]}", harmless=True
                )
            if isinstance(found, str):
                names.extend((found, protocol) for protocol in PROTOCOLS)
            else:
                plain |= self._masks.ports.interval(*found)
        return plain, names

    def _peer(self, place: Path, peer: PodPeer, action: Action) -> _Match:
        given = fields_of(peer)
        if len(given) > 1:
            raise InvalidFieldError(f"{' and '.join(given)} stand together; such a peer matches nothing")
        if not isinstance(peer, EgressPeer) or given[0] in ("namespaces", "pods"):
            return _Match(self._universe.both(self._pods(place, peer)))
        if peer.nodes is not None:
            return self._of_nodes(peer.nodes)
        if peer.networks is not None:
            return self._of_networks((*place, "networks"), peer.networks)
        return self._of_names((*place, "domainNames"), peer.domain_names or (), action)

    def _pods(self, place: Path, peer: PodPeer) -> int:
        """The classes of pods a subject or peer selects, without host-network ones (NET-50)."""
        if peer.pods is not None:
            found = self._both(place, peer.pods)
        else:
            found = self._masks.namespaces(peer.namespaces or LabelSelector())
        return found & ~self._universe.host

    def _both(self, place: Path, pods: NamespacedPods) -> int:
        given = {"namespaceSelector": pods.namespace_selector, "podSelector": pods.pod_selector}
        for word in self._form.selectors:
            if given[word] is None:
                self._report(
                    (*place, "pods", word), "the selector is missing; read as one for everything", harmless=True
                )
        namespaces = self._masks.namespaces(pods.namespace_selector or LabelSelector())
        return namespaces & self._masks.pods(pods.pod_selector or LabelSelector())

    def _of_nodes(self, selector: LabelSelector) -> _Match:
        """Addresses of nodes, and host-network pods by them (NET-50, NET-89). Every address may be that of a node that
        was not read, but for those that no node has.
        """
        peers, maybe = self._united(self._nodes.selected(selector), Fact.NO)
        if not self._nodes.unread:
            return _Match(peers, maybe)
        space = self._universe.space
        outside = space.family(4) | space.family(6)
        for network in _NEVER_A_NODE:
            outside &= ~space.mask(network)
        maybe |= self._universe.external(outside) | self._universe.both(self._universe.host)
        return _Match(peers, maybe & ~peers, "node_addresses")

    def _of_networks(self, place: Path, texts: tuple[str, ...]) -> _Match:
        """Addresses of every sort, those of pods and nodes too (NET-41)."""
        self._listed(place, texts, _MOST_NETWORKS)
        readable = []
        for number, text in enumerate(texts):
            if len(text) > LONGEST_NETWORK:
                self._report((*place, number), f"{text!r} has more than {LONGEST_NETWORK} characters")
            try:
                self._masks.network(text)
                readable.append(text)
            except InvalidFieldError as error:
                self._report((*place, number), str(error))
        return _Match(*self._united(iter(readable), self._masks.cni.networks_match_pods))

    def _of_names(self, place: Path, names: tuple[str, ...], action: Action) -> _Match:
        """Domain names stand for addresses outside that no object shows: a name of the cloud's metadata service has a
        link-local one (NET-97).
        """
        if not self._form.domain_names:
            raise InvalidFieldError(f"a {self._ref.kind} has no domainNames; such a peer matches nothing")
        if action is not Action.ALLOW:
            raise InvalidFieldError(
                "domainNames cannot stand in a rule that does not allow; such a peer matches nothing"
            )
        self._listed(place, names, _MOST_NAMES)
        readable = [is_domain_name(name) for name in names]
        for number in (number for number, known in enumerate(readable) if not known):
            self._report((*place, number), f"{names[number]!r} is no domain name; it matches nothing")
        space = self._universe.space
        outside = self._universe.external(space.family(4) | space.family(6)) if any(readable) else 0
        return _Match(0, outside, "fqdn", "fqdn")

    def _united(self, texts: Iterator[str], pods: Fact) -> tuple[int, int]:
        peers = maybe = 0
        for text in texts:
            found = self._masks.block(self._masks.network(text), (), pods, Fact.YES)
            peers, maybe = peers | found[0], maybe | found[1]
        return peers, maybe & ~peers

    def _listed(self, place: Path, values: tuple[str, ...], limit: int) -> None:
        if not values:
            raise InvalidFieldError(f"{place[-1]} is empty; such a peer matches nothing")
        if len(set(values)) < len(values):
            self._report(place, "an item stands there twice")
        self._limit(place, len(values), limit)

    def _limit(self, place: Path, count: int, limit: int) -> None:
        """Longer lists than the API server takes are reported and evaluated all the same (NET-96)."""
        if count > limit:
            self._report(place, f"{count} items; the API server takes at most {limit}", harmless=True)

    def _report(self, place: Path, reason: str, harmless: bool = False) -> None:
        self._masks.report(self._ref, place, reason, harmless)


def _entry(subjects: int, match: _Match, ports: int, number: int, place: Path, action: Action) -> Entry:
    return Entry(subjects, match.peers, match.maybe, ports, number, place, action, match.doubt, match.condition)


def _namespace_selectors(peer: PodPeer) -> Iterator[LabelSelector]:
    if peer.namespaces is not None:
        yield peer.namespaces
    if peer.pods is not None:
        yield peer.pods.namespace_selector or LabelSelector()


def _by_labels(selector: LabelSelector) -> bool:
    """Whether a selector looks at more than the name of a namespace, which is known without its object (NET-10)."""
    return bool(keys_of(selector) - {METADATA_NAME})
