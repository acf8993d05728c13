"""Kinds of networking.k8s.io/v1 and discovery.k8s.io/v1, only the fields that are read."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.model.objects.core import LoadBalancerStatus
from kubeaudit.model.objects.meta import LabelSelector, Metadata


class PolicyPort(Struct, frozen=True, rename="camel"):
    """networking/v1 NetworkPolicyPort. ``protocol`` is TCP where the object does not say (NET-07)."""

    protocol: str = "TCP"
    port: int | str | None = None
    end_port: int | None = None


class IPBlock(Struct, frozen=True, rename={"excluded": "except"}):
    """networking/v1 IPBlock."""

    cidr: str = ""
    excluded: tuple[str, ...] = ()


class Peer(Struct, frozen=True, rename="camel"):
    """networking/v1 NetworkPolicyPeer."""

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IPBlock | None = None


class IngressRule(Struct, frozen=True, rename={"peers": "from"}):
    """networking/v1 NetworkPolicyIngressRule."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[PolicyPort, ...] = ()


class EgressRule(Struct, frozen=True, rename={"peers": "to"}):
    """networking/v1 NetworkPolicyEgressRule."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[PolicyPort, ...] = ()


class NetworkPolicySpec(Struct, frozen=True, rename="camel"):
    """networking/v1 NetworkPolicySpec."""

    pod_selector: LabelSelector = LabelSelector()
    policy_types: tuple[str, ...] = ()
    ingress: tuple[IngressRule, ...] = ()
    egress: tuple[EgressRule, ...] = ()


class NetworkPolicy(Struct, frozen=True):
    """networking/v1 NetworkPolicy."""

    metadata: Metadata
    spec: NetworkPolicySpec = NetworkPolicySpec()


def peers(policy: NetworkPolicy) -> Iterator[Peer]:
    """Every peer of every rule, in both directions."""
    for ingress in policy.spec.ingress:
        yield from ingress.peers
    for egress in policy.spec.egress:
        yield from egress.peers


def blocks(policy: NetworkPolicy) -> Iterator[str]:
    """Every ``cidr`` and ``except`` of a policy, as text."""
    for peer in peers(policy):
        if peer.ip_block is not None:
            yield peer.ip_block.cidr
            yield from peer.ip_block.excluded


class BackendPort(Struct, frozen=True):
    """networking/v1 ServiceBackendPort."""

    name: str = ""
    number: int = 0


class ServiceBackend(Struct, frozen=True):
    """networking/v1 IngressServiceBackend."""

    name: str = ""
    port: BackendPort = BackendPort()


class Backend(Struct, frozen=True):
    """networking/v1 IngressBackend; a backend that is no Service has none."""

    service: ServiceBackend | None = None


class HTTPPath(Struct, frozen=True, rename="camel"):
    """networking/v1 HTTPIngressPath."""

    backend: Backend = Backend()
    path: str = ""
    path_type: str = ""


class HTTPRule(Struct, frozen=True):
    """networking/v1 HTTPIngressRuleValue."""

    paths: tuple[HTTPPath, ...] = ()


class HostRule(Struct, frozen=True):
    """networking/v1 IngressRule."""

    host: str = ""
    http: HTTPRule = HTTPRule()


class IngressTLS(Struct, frozen=True, rename="camel"):
    """networking/v1 IngressTLS."""

    hosts: tuple[str, ...] = ()
    secret_name: str = ""


class IngressSpec(Struct, frozen=True, rename="camel"):
    """networking/v1 IngressSpec."""

    ingress_class_name: str | None = None
    default_backend: Backend | None = None
    rules: tuple[HostRule, ...] = ()
    tls: tuple[IngressTLS, ...] = ()


class IngressStatus(Struct, frozen=True, rename="camel"):
    """networking/v1 IngressStatus."""

    load_balancer: LoadBalancerStatus = LoadBalancerStatus()


class Ingress(Struct, frozen=True):
    """networking/v1 Ingress."""

    metadata: Metadata
    spec: IngressSpec = IngressSpec()
    status: IngressStatus = IngressStatus()


class IngressClassSpec(Struct, frozen=True):
    """networking/v1 IngressClassSpec."""

    controller: str = ""


class IngressClass(Struct, frozen=True):
    """networking/v1 IngressClass."""

    metadata: Metadata
    spec: IngressClassSpec = IngressClassSpec()


class ServiceCIDRSpec(Struct, frozen=True):
    """networking/v1 ServiceCIDRSpec."""

    cidrs: tuple[str, ...] = ()


class ServiceCIDR(Struct, frozen=True):
    """networking/v1 ServiceCIDR: where Services get their addresses from."""

    metadata: Metadata
    spec: ServiceCIDRSpec = ServiceCIDRSpec()


class EndpointConditions(Struct, frozen=True):
    """discovery/v1 EndpointConditions; nil ``ready`` means ready (NET-62)."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class TargetRef(Struct, frozen=True):
    """core/v1 ObjectReference of an endpoint."""

    kind: str = ""
    namespace: str = ""
    name: str = ""


class Endpoint(Struct, frozen=True, rename="camel"):
    """discovery/v1 Endpoint."""

    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    node_name: str = ""
    target_ref: TargetRef | None = None


class EndpointPort(Struct, frozen=True):
    """discovery/v1 EndpointPort."""

    name: str = ""
    protocol: str = "TCP"
    port: int | None = None


class EndpointSlice(Struct, frozen=True, rename="camel"):
    """discovery/v1 EndpointSlice."""

    metadata: Metadata
    address_type: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()
