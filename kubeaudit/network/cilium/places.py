"""What Cilium's entities, nodes and networks stand for as peers (NET-108, NET-109).

An address is that of a node, or else it is outside the cluster ("world"), unless it is one of those that the agent
hands out itself: to its health endpoints, its Envoy, or to pods it does not manage. These are not to be seen, so any
private address may be one.
"""

import ipaddress
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from kubeaudit.model.cluster import Cluster
from kubeaudit.model.selectors import bits_of, mask_of
from kubeaudit.network.fields import InvalidFieldError, network
from kubeaudit.network.ipspace import Network
from kubeaudit.network.masks import Masks
from kubeaudit.settings import Fact

HOST, REMOTE_NODE, API_SERVER, WORLD = "host", "remote-node", "kube-apiserver", "world"
WORLD_IPV4, WORLD_IPV6 = "world-ipv4", "world-ipv6"
HIDDEN = ("ingress", "health", "init", "unmanaged")
ALL, CLUSTER, NONE = "all", "cluster", "none"
IDENTITIES = (HOST, REMOTE_NODE, API_SERVER, WORLD, WORLD_IPV4, WORLD_IPV6, *HIDDEN)
ENTITIES = frozenset([*IDENTITIES, ALL, CLUSTER, NONE])
POD_IDENTITY = ("169.254.170.23", "fd00:ec2::23")
"""Where the agent of EKS Pod Identity listens, on every node (NET-150)."""
NEVER_INSIDE = ("100.100.100.200/32", "fd00:ec2::254/128", "fd00:ec2::23/128")
"""Metadata services in private ranges; no node and no pod has their address (network.md, 3.12)."""
_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
SERVICE_NAME = "kubernetes.io/service-name"
_TUNNELED = ("azure", "gce")
"""Providers whose control plane reaches pods through other nodes."""


class PeerSet(Struct, frozen=True):
    """Peers of some subjects: for certain, and perhaps, which ``doubt`` explains."""

    subjects: int
    peers: int
    maybe: int = 0
    doubt: str = ""


class Places:
    """The masks of one cluster."""

    def __init__(self, masks: Masks, nodes_by_cidr: Fact, nodes_of: Sequence[tuple[str, ...]] | None = None) -> None:
        """``nodes_by_cidr``: whether CIDR rules match addresses of nodes (NET-39). ``nodes_of`` has the nodes of every
        subject, where these are no classes.
        """
        universe = masks.universe
        self._masks = masks
        self._universe = universe
        self._nodes_by_cidr = nodes_by_cidr
        self._nodes_of = [cls.nodes for cls in masks.cluster.classes] if nodes_of is None else nodes_of
        self.outer = universe.everything & ~universe.both(universe.classes)
        self.pods = universe.both(universe.classes & ~universe.host)
        self._hosts = universe.both(universe.host)
        self._unread = masks.cluster.complete.gap("nodes") is not None
        self._addresses = {node.ref.name: self._of(node.addresses) for node in masks.cluster.nodes}
        self._nodes = _united(self._addresses.values())
        on_aws = any(node.pool.provider == "aws" for node in masks.cluster.nodes)
        self._agents = self._of(POD_IDENTITY) if on_aws else 0
        inside = self._of_networks(_PRIVATE) & ~self._of_networks(NEVER_INSIDE)
        self._hidden = inside & ~self._nodes
        self._on_node: dict[str, int] = {}
        for cls in bits_of(universe.host):
            for name in masks.cluster.classes[cls].nodes:
                self._on_node[name] = self._on_node.get(name, 0) | 1 << cls
        self._placed = _united(self._on_node.values())

    def entities(self, names: Iterable[str], subjects: int, ingress: bool, deny: bool) -> Iterator[PeerSet]:
        """What entities or reserved identities stand for (NET-108)."""
        chosen = set(names)
        if ALL in chosen:
            yield PeerSet(subjects, self._universe.everything)
        if CLUSTER in chosen:
            yield PeerSet(subjects, self.pods)
            chosen |= {HOST, REMOTE_NODE, API_SERVER, *HIDDEN}
        if HOST in chosen and REMOTE_NODE in chosen:
            maybe = self._hidden if self._unread else 0
            yield PeerSet(subjects, self._nodes | self._hosts, maybe, "node_addresses" if maybe else "")
        elif HOST in chosen:
            yield from self.own_node(subjects)
        elif REMOTE_NODE in chosen:
            yield from self.other_nodes(subjects, None)
        if HOST in chosen and self._agents:
            yield PeerSet(subjects, 0, self._agents, "cilium_pod_identity")
        for word, atoms in ((WORLD, self.outer), (WORLD_IPV4, self._family(4)), (WORLD_IPV6, self._family(6))):
            if word in chosen:
                yield from self.outside(atoms, subjects, deny)
        if API_SERVER in chosen:
            yield self._api_server(subjects, ingress)
        if chosen & {*HIDDEN}:
            yield PeerSet(subjects, 0, self._hidden, "cilium_hidden")

    def outside(self, addresses: int, subjects: int, deny: bool) -> Iterator[PeerSet]:
        """Addresses without those of nodes. Where the nodes were not read, a private one may be a node's, so that it is
        not certain that it is denied. The agent of Pod Identity may count as the node it runs on (NET-150).
        """
        found = addresses & self.outer & ~self._nodes
        open_question = found & self._hidden if self._unread and deny else 0
        yield PeerSet(subjects, found & ~open_question & ~self._agents, open_question, "node_addresses")
        if found & self._agents:
            yield PeerSet(subjects, 0, found & self._agents, "cilium_pod_identity")

    def anywhere(self, subjects: int, doubt: str) -> PeerSet:
        """Any address that may be outside the cluster, perhaps."""
        return PeerSet(subjects, 0, self.outer & ~self._nodes, doubt)

    def network(self, whole: Network, excluded: tuple[Network, ...], subjects: int, deny: bool) -> Iterator[PeerSet]:
        """A network without its exceptions: never pods, and nodes only where the switch says so (NET-38, -39, -109)."""
        peers, maybe = self._masks.block(whole, excluded, Fact.NO, self._nodes_by_cidr)
        yield from self.outside(peers, subjects, deny)
        on_nodes = peers & (self._nodes | self._hosts)
        sure = on_nodes if self._nodes_by_cidr is Fact.YES else 0
        maybe |= on_nodes if self._nodes_by_cidr is Fact.UNKNOWN else 0
        if sure | maybe:
            yield PeerSet(subjects, sure, maybe, "ipblock_node")

    def own_node(self, subjects: int) -> Iterator[PeerSet]:
        """The node that a pod runs on, with the host-network pods there."""
        for names, group in self._split(subjects):
            if not names:
                yield PeerSet(group, 0, self._nodes | self._hosts | self._not_listed(names), "cilium_host")
                continue
            addresses = _united(self._addresses.get(name, 0) for name in names)
            touching = _united(self._on_node.get(name, 0) for name in names)
            sure = addresses | self._universe.both(self._only_on(touching, names)) if len(names) == 1 else 0
            maybe = addresses | self._universe.both(touching) | self._loose() | self._not_listed(names)
            yield PeerSet(group, sure, maybe & ~sure, "cilium_host")

    def other_nodes(self, subjects: int, chosen: frozenset[str] | None) -> Iterator[PeerSet]:
        """The nodes that a pod does not run on, with the host-network pods there; of some nodes, or of all (None)."""
        names = self._addresses.keys() | self._on_node.keys() if chosen is None else chosen
        addresses = _united(self._addresses.get(name, 0) for name in names)
        touching = _united(self._on_node.get(name, 0) for name in names)
        within = self._only_on(touching, names)
        for own, group in self._split(subjects):
            near = _united(self._on_node.get(name, 0) for name in own)
            beside = _united(self._addresses.get(name, 0) for name in own)
            sure = addresses & ~beside | self._universe.both(within & ~near) if own else 0
            if len(own) == 1:
                maybe = addresses & ~beside | self._universe.both(touching & ~self._only_on(near, own))
            else:
                maybe = addresses | self._universe.both(touching)
            yield PeerSet(group, sure, (maybe | self._loose() | self._not_listed(own)) & ~sure, "cilium_host")

    def _api_server(self, subjects: int, ingress: bool) -> PeerSet:
        sure, maybe, known = self._of_api_server
        if not known:
            return PeerSet(subjects, 0, maybe, "cilium_api_server")
        if ingress and any(node.pool.provider in _TUNNELED for node in self._masks.cluster.nodes):
            return PeerSet(subjects, 0, sure | maybe, "cilium_control_plane")
        return PeerSet(subjects, sure, maybe, "cilium_host")

    @cached_property
    def _of_api_server(self) -> tuple[int, int, bool]:
        """The endpoints of the Service ``default/kubernetes``, with host-network pods that have their addresses: for
        certain, perhaps, and whether they are known at all.
        """
        universe = self._universe
        listed = api_server_addresses(self._masks.cluster)
        if not listed:
            return 0, universe.external(universe.space.public) | self._hidden | self._nodes | self._hosts, False
        sure, maybe = self._of(listed), self._loose()
        for version, classes in ((4, universe.classes), (6, universe.classes << universe.size)):
            found = sure & self._family(version)
            names = [name for name, own in self._addresses.items() if own & found]
            touching = _united(self._on_node.get(name, 0) for name in names)
            sure |= universe.both(self._only_on(touching, names)) & classes
            maybe |= universe.both(touching) & classes
        return sure, maybe & ~sure, True

    def _split(self, subjects: int) -> Iterator[tuple[tuple[str, ...], int]]:
        """Subjects by the nodes that they run on."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for cls in bits_of(subjects):
            groups.setdefault(self._nodes_of[cls], []).append(cls)
        return ((names, mask_of(found)) for names, found in groups.items())

    def _only_on(self, among: int, names: Collection[str]) -> int:
        """Those of some host-network classes whose pods all run on some nodes."""
        classes, wanted = self._masks.cluster.classes, frozenset(names)
        return mask_of(cls for cls in bits_of(among) if wanted.issuperset(classes[cls].nodes))

    def _loose(self) -> int:
        """Host-network pods that are on no node yet."""
        return self._hosts & ~self._universe.both(self._placed)

    def _not_listed(self, names: Iterable[str]) -> int:
        """Addresses that nodes which were not read may have."""
        return self._hidden if self._unread or any(name not in self._addresses for name in names) else 0

    def _family(self, version: int) -> int:
        return self._universe.external(self._universe.space.family(version))

    def _of(self, addresses: Iterable[str]) -> int:
        return self._of_networks(single(address) for address in addresses if usable(address))

    def _of_networks(self, texts: Iterable[str]) -> int:
        space = self._universe.space
        return self._universe.external(_united(space.mask(ipaddress.ip_network(text)) for text in texts))


def api_server_addresses(cluster: Cluster) -> tuple[str, ...]:
    """Addresses of the API server, as the EndpointSlices of its Service list them."""
    return tuple(
        address
        for found in cluster.endpoint_slices
        if found.metadata.namespace == "default" and found.metadata.labels.get(SERVICE_NAME) == "kubernetes"
        for endpoint in found.endpoints
        for address in endpoint.addresses
        if usable(address)
    )


def single(address: str) -> str:
    """An address as the text of a network."""
    return f"{address}/{128 if ':' in address else 32}"


def usable(address: str) -> bool:
    """Whether an address is one that the address space is cut at: no zone, no IPv4 address in IPv6 form."""
    try:
        network(single(address))
    except InvalidFieldError:
        return False
    return True


def _united(masks: Iterable[int]) -> int:
    united = 0
    for mask in masks:
        united |= mask
    return united
