"""The peers that rules of Cilium name, as masks (NET-105, NET-107..112)."""

from collections.abc import Iterator

from msgspec import Struct, structs

from kubeaudit.model.objects.cilium import (
    CIDRRule,
    CiliumCIDRGroup,
    FQDNSelector,
    Selector,
    ServicePeer,
    cidrs,
    plain_key,
)
from kubeaudit.model.objects.meta import LabelSelector, Requirement
from kubeaudit.model.selectors import bits_of, index
from kubeaudit.network.cilium.fields import CIDR_GROUPS
from kubeaudit.network.cilium.places import HOST, REMOTE_NODE, PeerSet, Places, single
from kubeaudit.network.cilium.selectors import EndpointSelectors
from kubeaudit.network.cilium.services import addresses, plain, services
from kubeaudit.network.cilium.switches import SERVICE_SELECTORS, CiliumSwitches
from kubeaudit.network.fields import InvalidFieldError
from kubeaudit.network.masks import Masks
from kubeaudit.network.verdicts import Action, Direction
from kubeaudit.proof import Path
from kubeaudit.settings import Fact


class Where(Struct, frozen=True):
    """Where a rule stands: the namespace of its policy, the pods it is for, its direction and what it does."""

    namespace: str
    selected: int
    direction: Direction
    action: Action


class Peers:
    """The peers of one cluster."""

    def __init__(self, masks: Masks, switches: CiliumSwitches, selectors: EndpointSelectors, places: Places) -> None:
        self._masks = masks
        self._universe = masks.universe
        self._switches = switches
        self._selectors = selectors
        self._places = places
        self._groups = masks.held(CIDR_GROUPS, CiliumCIDRGroup)
        self._groups_unread = masks.cluster.complete.gap(CIDR_GROUPS) is not None
        self._services_unread = masks.cluster.complete.gap("services") is not None
        self._by_label = index([group.metadata.labels for group in self._groups])
        self._addresses: dict[tuple[str, str], list[str]] | None = None

    def entities(self, path: Path, names: tuple[str, ...], where: Where) -> Iterator[tuple[Path, PeerSet]]:
        """Entities, each with its place; those that say together what neither says alone are one."""
        ingress, deny = where.direction is Direction.INGRESS, where.action is Action.DENY
        together = {HOST, REMOTE_NODE} <= set(names)
        for position, name in enumerate(names):
            if together and name == REMOTE_NODE:
                continue
            asked = (HOST, REMOTE_NODE) if together and name == HOST else (name,)
            for found in self._places.entities(asked, where.selected, ingress, deny):
                yield (*path, position), found

    def of(self, name: str, one: object, where: Where, required: PeerSet) -> Iterator[PeerSet]:
        """The peers of one item of a field."""
        selected, deny = where.selected, where.action is Action.DENY
        if name in ("fromEndpoints", "toEndpoints") and isinstance(one, Selector):
            yield from self._endpoints(one, where, required)
        elif isinstance(one, Selector):
            yield from self._nodes(one, selected)
        elif isinstance(one, CIDRRule):
            yield from self._networks(one, selected, deny)
        elif isinstance(one, ServicePeer):
            yield from self._services(one, where)
        elif isinstance(one, FQDNSelector):
            yield self._places.anywhere(selected, "fqdn")
        elif name in ("fromCIDR", "toCIDR"):
            yield from self._places.network(self._masks.network(str(one)), (), selected, deny)
        elif name in ("fromGroups", "toGroups"):
            yield self._places.anywhere(selected, "cilium_groups")

    def _endpoints(self, selector: Selector, where: Where, required: PeerSet) -> Iterator[PeerSet]:
        found = self._selectors.peers(selector, where.namespace)
        both = self._universe.both
        sure, maybe = both(found.sure), both(found.perhaps)
        possible = sure | maybe
        sure, possible = sure & required.peers, possible & (required.peers | required.maybe)
        doubt = "cilium_labels" if maybe else "cilium_requires"
        yield PeerSet(where.selected, sure, possible & ~sure, doubt)
        if found.reserved:
            ingress, deny = where.direction is Direction.INGRESS, where.action is Action.DENY
            for reached in self._places.entities(found.reserved, where.selected, ingress, deny):
                sure = reached.peers if found.certain else 0
                doubt = reached.doubt if found.certain else "cilium_labels"
                yield PeerSet(reached.subjects, sure, (reached.peers | reached.maybe) & ~sure, doubt)

    def _nodes(self, selector: Selector, selected: int) -> Iterator[PeerSet]:
        """Nodes by their labels; a pod's own node is not among them."""
        if self._masks.cluster.complete.gap("nodes") is not None:
            found = self._places.other_nodes(selected, None)
        else:
            found = self._places.other_nodes(selected, self.nodes(selector))
        unknown = self._switches.on("enable-node-selector-labels") is not Fact.YES
        for peers in found:
            sure = 0 if unknown else peers.peers
            yield structs.replace(peers, peers=sure, maybe=(peers.peers | peers.maybe) & ~sure)

    def nodes(self, selector: Selector) -> frozenset[str]:
        """The names of the nodes that a selector matches."""
        nodes = self._masks.cluster.nodes
        chosen = index([node.node.metadata.labels for node in nodes]).select(node_selector(selector))
        return frozenset(nodes[position].ref.name for position in bits_of(chosen))

    def _networks(self, rule: CIDRRule, selected: int, deny: bool) -> Iterator[PeerSet]:
        """A network, or those of the groups it names (NET-109)."""
        excluded = tuple(self._masks.network(text) for text in rule.excluded or ())
        if rule.cidr:
            yield from self._places.network(self._masks.network(rule.cidr), excluded, selected, deny)
            return
        if self._groups_unread:
            yield self._places.anywhere(selected, "cilium_cidr_group")
        for group in self._named_groups(rule):
            for text in cidrs(group):
                try:
                    found = self._masks.network(text)
                except InvalidFieldError:
                    yield self._places.anywhere(selected, "cilium_cidr_group")
                else:
                    yield from self._places.network(found, excluded, selected, deny)

    def _named_groups(self, rule: CIDRRule) -> tuple[CiliumCIDRGroup, ...]:
        if rule.cidr_group_selector is None:
            return tuple(group for group in self._groups if group.metadata.name == rule.cidr_group_ref)
        chosen = self._by_label.select(plain(rule.cidr_group_selector))
        return tuple(self._groups[position] for position in bits_of(chosen))

    def _services(self, peer: ServicePeer, where: Where) -> Iterator[PeerSet]:
        """Pods by the selectors of Services, or addresses of Services without one (NET-112)."""
        universe, selected, deny = self._universe, where.selected, where.action is Action.DENY
        if self._services_unread:
            yield PeerSet(selected, 0, universe.everything, "cilium_services")
        for service in services(self._masks.cluster, peer, where.namespace):
            meta = service.metadata
            if service.spec.selector:
                pods = self._masks.pods(LabelSelector(service.spec.selector)) & universe.members.get(meta.namespace, 0)
                behind = universe.both(pods & ~universe.host)
                unsure = self._switches.since(SERVICE_SELECTORS) is Fact.NO
                yield PeerSet(selected, 0 if unsure else behind, behind if unsure else 0, "cilium_services")
                continue
            by_server = (meta.namespace, meta.name) == ("default", "kubernetes")
            for address in self._listed((meta.namespace, meta.name)):
                for found in self._places.network(self._masks.network(single(address)), (), selected, deny):
                    sure = 0 if by_server else found.peers
                    yield PeerSet(selected, sure, (found.peers | found.maybe) & ~sure, "cilium_services")

    def _listed(self, service: tuple[str, str]) -> list[str]:
        if self._addresses is None:
            self._addresses = addresses(self._masks.cluster)
        return self._addresses.get(service, [])


def node_selector(selector: Selector) -> LabelSelector:
    """A selector of nodes, whose keys may have the source ``node:`` or one that stands for any."""

    def key(text: str) -> str:
        return plain_key(text).removeprefix("node:")

    labels = {key(name): value for name, value in (selector.match_labels or {}).items()}
    terms = tuple(Requirement(key(t.key), t.operator, t.values or ()) for t in selector.match_expressions or ())
    return LabelSelector(labels, terms)
