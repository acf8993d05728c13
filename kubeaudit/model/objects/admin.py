"""Kinds of policy.networking.k8s.io/v1alpha1 and v1alpha2, only the fields that are read.

A list or selector that is absent (None) differs from one that is empty: of a subject and of a peer exactly one field
must be set.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.model.looks import Looks
from kubeaudit.model.objects.meta import LabelSelector, Metadata
from kubeaudit.model.selectors import keys_of


class NamespacedPods(Struct, frozen=True, rename="camel"):
    """v1alpha1 and v1alpha2 NamespacedPod: both selectors are ANDed."""

    namespace_selector: LabelSelector | None = None
    pod_selector: LabelSelector | None = None


class PodPeer(Struct, frozen=True, rename="camel"):
    """Subjects and ingress peers of both versions (NET-87, NET-88)."""

    namespaces: LabelSelector | None = None
    pods: NamespacedPods | None = None


class EgressPeer(PodPeer, frozen=True, rename="camel"):
    """Egress peers of both versions (NET-89)."""

    nodes: LabelSelector | None = None
    networks: tuple[str, ...] | None = None
    domain_names: tuple[str, ...] | None = None


class PortNumber(Struct, frozen=True):
    """v1alpha1 Port."""

    protocol: str = "TCP"
    port: int | None = None


class PortRange(Struct, frozen=True):
    """v1alpha1 PortRange."""

    protocol: str = "TCP"
    start: int | None = None
    end: int | None = None


class AdminPort(Struct, frozen=True, rename="camel"):
    """v1alpha1 AdminNetworkPolicyPort (NET-91)."""

    port_number: PortNumber | None = None
    named_port: str | None = None
    port_range: PortRange | None = None


class Range(Struct, frozen=True):
    """v1alpha2 PortRange."""

    start: int | None = None
    end: int | None = None


class DestinationPort(Struct, frozen=True):
    """v1alpha2 Port."""

    number: int | None = None
    range: Range | None = None


class Transport(Struct, frozen=True, rename="camel"):
    """v1alpha2 ClusterNetworkPolicyProtocolTCP, -UDP and -SCTP."""

    destination_port: DestinationPort | None = None


class Protocol(Struct, frozen=True, rename="camel"):
    """v1alpha2 ClusterNetworkPolicyProtocol (NET-92)."""

    tcp: Transport | None = None
    udp: Transport | None = None
    sctp: Transport | None = None
    destination_named_port: str | None = None


class AdminIngressRule(Struct, frozen=True, rename={"peers": "from"}):
    """v1alpha1 AdminNetworkPolicyIngressRule and its baseline form."""

    name: str = ""
    action: str = ""
    peers: tuple[PodPeer, ...] = ()
    ports: tuple[AdminPort, ...] | None = None


class AdminEgressRule(Struct, frozen=True, rename={"peers": "to"}):
    """v1alpha1 AdminNetworkPolicyEgressRule and its baseline form."""

    name: str = ""
    action: str = ""
    peers: tuple[EgressPeer, ...] = ()
    ports: tuple[AdminPort, ...] | None = None


class ClusterIngressRule(Struct, frozen=True, rename={"peers": "from"}):
    """v1alpha2 ClusterNetworkPolicyIngressRule."""

    name: str = ""
    action: str = ""
    peers: tuple[PodPeer, ...] = ()
    protocols: tuple[Protocol, ...] | None = None


class ClusterEgressRule(Struct, frozen=True, rename={"peers": "to"}):
    """v1alpha2 ClusterNetworkPolicyEgressRule."""

    name: str = ""
    action: str = ""
    peers: tuple[EgressPeer, ...] = ()
    protocols: tuple[Protocol, ...] | None = None


Rule = AdminIngressRule | AdminEgressRule | ClusterIngressRule | ClusterEgressRule


class AdminSpec(Struct, frozen=True):
    """v1alpha1 AdminNetworkPolicySpec."""

    subject: PodPeer = PodPeer()
    priority: int | None = None
    ingress: tuple[AdminIngressRule, ...] = ()
    egress: tuple[AdminEgressRule, ...] = ()


class AdminNetworkPolicy(Struct, frozen=True):
    """v1alpha1 AdminNetworkPolicy."""

    metadata: Metadata
    spec: AdminSpec = AdminSpec()


class BaselineSpec(Struct, frozen=True):
    """v1alpha1 BaselineAdminNetworkPolicySpec."""

    subject: PodPeer = PodPeer()
    ingress: tuple[AdminIngressRule, ...] = ()
    egress: tuple[AdminEgressRule, ...] = ()


class BaselineAdminNetworkPolicy(Struct, frozen=True):
    """v1alpha1 BaselineAdminNetworkPolicy."""

    metadata: Metadata
    spec: BaselineSpec = BaselineSpec()


class ClusterSpec(Struct, frozen=True):
    """v1alpha2 ClusterNetworkPolicySpec."""

    tier: str = ""
    subject: PodPeer = PodPeer()
    priority: int | None = None
    ingress: tuple[ClusterIngressRule, ...] = ()
    egress: tuple[ClusterEgressRule, ...] = ()


class ClusterNetworkPolicy(Struct, frozen=True):
    """v1alpha2 ClusterNetworkPolicy."""

    metadata: Metadata
    spec: ClusterSpec = ClusterSpec()


TierPolicy = AdminNetworkPolicy | BaselineAdminNetworkPolicy | ClusterNetworkPolicy


def looks(policy: TierPolicy) -> Looks:
    """What a policy of a tier tells pods apart by."""
    spec = policy.spec
    selectors: list[PodPeer] = [spec.subject, *_egress_peers(policy)]
    for rule in spec.ingress:
        selectors.extend(rule.peers)
    return Looks(
        labels=frozenset(key for one in selectors for key in _pod_keys(one)),
        networks=networks((policy,)),
        nodes=selects_nodes((policy,)),
    )


def _pod_keys(peer: PodPeer) -> set[str]:
    return keys_of(peer.pods.pod_selector) if peer.pods is not None and peer.pods.pod_selector is not None else set()


def networks(policies: Iterable[TierPolicy]) -> frozenset[str]:
    """Every CIDR of some policies, as text."""
    return frozenset(text for policy in policies for peer in _egress_peers(policy) for text in peer.networks or ())


def selects_nodes(policies: Iterable[TierPolicy]) -> bool:
    """Whether some peer stands for nodes."""
    return any(peer.nodes is not None for policy in policies for peer in _egress_peers(policy))


def _egress_peers(policy: TierPolicy) -> Iterator[EgressPeer]:
    """Every egress peer of every rule."""
    for rule in policy.spec.egress:
        yield from rule.peers
