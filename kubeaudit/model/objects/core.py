"""Kinds of the core group (k8s.io/api core/v1), only the fields that are read."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from kubeaudit.model.objects.meta import Labels, Metadata


class Namespace(Struct, frozen=True):
    """core/v1 Namespace."""

    metadata: Metadata


class NodeAddress(Struct, frozen=True):
    """core/v1 NodeAddress: type ``InternalIP``, ``ExternalIP``, ``Hostname`` ..."""

    type: str = ""
    address: str = ""


class NodeInfo(Struct, frozen=True, rename="camel"):
    """core/v1 NodeSystemInfo."""

    kubelet_version: str = ""
    os_image: str = ""
    container_runtime_version: str = ""


class NodeSpec(Struct, frozen=True, rename={"provider_id": "providerID"}):
    """core/v1 NodeSpec."""

    provider_id: str = ""


class NodeStatus(Struct, frozen=True, rename="camel"):
    """core/v1 NodeStatus."""

    addresses: tuple[NodeAddress, ...] = ()
    node_info: NodeInfo = NodeInfo()


class Node(Struct, frozen=True):
    """core/v1 Node."""

    metadata: Metadata
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


PortNumber = Annotated[int, Meta(ge=1, le=65535)]
Protocol = Literal["TCP", "UDP", "SCTP"]


def is_port(protocol: str, number: int) -> bool:
    """Whether a protocol and number are a port as the API server takes it; files may have others."""
    return protocol in ("TCP", "UDP", "SCTP") and 1 <= number <= 65535


class ServicePort(Struct, frozen=True, rename="camel"):
    """core/v1 ServicePort. Numbers and protocols that the API server refuses are no Service (files may have them)."""

    port: PortNumber
    name: str = ""
    protocol: Protocol = "TCP"
    target_port: PortNumber | str | None = None
    node_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    app_protocol: str = ""


class LoadBalancerAddress(Struct, frozen=True):
    """core/v1 LoadBalancerIngress."""

    ip: str = ""
    hostname: str = ""


class LoadBalancerStatus(Struct, frozen=True):
    """core/v1 LoadBalancerStatus."""

    ingress: tuple[LoadBalancerAddress, ...] = ()


class ServiceSpec(
    Struct,
    frozen=True,
    rename={
        "cluster_ip": "clusterIP",
        "external_ips": "externalIPs",
        "load_balancer_class": "loadBalancerClass",
        "load_balancer_source_ranges": "loadBalancerSourceRanges",
        "external_name": "externalName",
        "external_traffic_policy": "externalTrafficPolicy",
        "internal_traffic_policy": "internalTrafficPolicy",
        "allocate_load_balancer_node_ports": "allocateLoadBalancerNodePorts",
        "publish_not_ready_addresses": "publishNotReadyAddresses",
    },
):
    """core/v1 ServiceSpec."""

    type: str = "ClusterIP"
    selector: Labels = {}
    ports: tuple[ServicePort, ...] = ()
    cluster_ip: str = ""
    external_ips: tuple[str, ...] = ()
    load_balancer_class: str = ""
    load_balancer_source_ranges: tuple[str, ...] = ()
    external_name: str = ""
    external_traffic_policy: str = ""
    internal_traffic_policy: str = ""
    allocate_load_balancer_node_ports: bool | None = None
    publish_not_ready_addresses: bool = False


class ServiceStatus(Struct, frozen=True, rename="camel"):
    """core/v1 ServiceStatus."""

    load_balancer: LoadBalancerStatus = LoadBalancerStatus()


class Service(Struct, frozen=True):
    """core/v1 Service."""

    metadata: Metadata
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()


class ServiceAccount(Struct, frozen=True, rename="camel"):
    """core/v1 ServiceAccount."""

    metadata: Metadata
    automount_service_account_token: bool | None = None


class ConfigMap(Struct, frozen=True):
    """core/v1 ConfigMap; only the named ones are read (LP-04)."""

    metadata: Metadata
    data: dict[str, str] = {}
