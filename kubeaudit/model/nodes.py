"""Nodes: provider (EXP-302), pool (EXP-22) and which addresses are public."""

import ipaddress
import re
from functools import lru_cache

from msgspec import Struct

from kubeaudit.model.objects.core import Node
from kubeaudit.refs import ObjectRef

_PROVIDERS = (
    ("aws://", "aws"),
    ("gce://", "gce"),
    ("azure://", "azure"),
    ("ocid1.", "oci"),
    ("oci://", "oci"),
    ("digitalocean://", "digitalocean"),
    ("hcloud://", "hetzner"),
    ("openstack://", "openstack"),
    ("ibm://", "ibm"),
    ("linode://", "linode"),
    ("vultr://", "vultr"),
    ("scaleway://", "scaleway"),
    ("qcloud://", "tencent"),
    ("yandex://", "yandex"),
    ("upcloud://", "upcloud"),
    ("exoscale://", "exoscale"),
    ("kind://", "kind"),
    ("vsphere://", "vsphere"),
    ("kubevirt://", "kubevirt"),
)
_ALIBABA = re.compile(r"^[a-z0-9-]+\.i-[a-z0-9]+$")
_LABELS = (("eks.amazonaws.com/", "aws"), ("cloud.google.com/gke-", "gce"), ("kubernetes.azure.com/", "azure"))
_POOL_LABELS = (
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
    "doks.digitalocean.com/node-pool",
    "node.kubernetes.io/pool",
)
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
"""Labels of control-plane nodes."""

WITHOUT_METADATA = frozenset(["kind", "vsphere", "kubevirt"])
"""Providers that have no metadata service of a cloud (EXP-302). ``k3s://`` is none of them: k3s names itself on a
cloud's machines too, so the provider behind it is not known."""


class NodePool(Struct, frozen=True, order=True):
    """Nodes equal in provider, pool label and role. ``provider`` is "" where it cannot be told."""

    provider: str
    name: str
    control_plane: bool = False

    @property
    def key(self) -> str:
        """How the pool is named in vertices and texts."""
        return f"{self.provider or 'unknown'}/{self.name}"


class NodeFacts(Struct, frozen=True):
    """What is used of one node. ``provider_field`` says which field told the provider."""

    ref: ObjectRef
    node: Node
    pool: NodePool
    provider_field: tuple[str, ...]
    addresses: tuple[str, ...]
    public: tuple[str, ...]


def facts(node: Node) -> NodeFacts:
    """Provider, pool and addresses of a node."""
    provider, told_by = _provider(node)
    labels = node.metadata.labels
    control_plane = any(label in labels for label in CONTROL_PLANE)
    name = next(
        (labels[label] for label in _POOL_LABELS if labels.get(label)), "control-plane" if control_plane else "nodes"
    )
    addresses = tuple(
        a.address for a in node.status.addresses if a.type in ("InternalIP", "ExternalIP") and parse(a.address)
    )
    return NodeFacts(
        ObjectRef("Node", "", node.metadata.name),
        node,
        NodePool(provider, name, control_plane),
        told_by,
        addresses,
        tuple(address for address in addresses if is_public(address)),
    )


def _provider(node: Node) -> tuple[str, tuple[str, ...]]:
    identity = node.spec.provider_id
    for prefix, provider in _PROVIDERS:
        if identity.startswith(prefix):
            return provider, ("spec", "providerID")
    if _ALIBABA.match(identity):
        return "alibaba", ("spec", "providerID")
    for prefix, provider in _LABELS:
        for label in sorted(node.metadata.labels):
            if label.startswith(prefix):
                return provider, ("metadata", "labels", label)
    return "", ("spec", "providerID")


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def family_of(address: str) -> str:
    """``IPv4`` or ``IPv6``, of an address in text."""
    return "IPv6" if ":" in address else "IPv4"


@lru_cache(maxsize=1 << 16)
def parse(text: str) -> Address | None:
    """An IP address, or None where the text is none."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


_NOT_INTERNET = tuple(
    ipaddress.ip_network(cidr)
    for cidr in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "0.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)


def is_public(text: str) -> bool:
    """Whether an address is outside private, CGNAT, link-local, loopback and ULA ranges (EXP-01).

    Documentation ranges (RFC 5737, RFC 3849) count as public: examples use them for just that.
    """
    address = parse(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address is None or address.is_multicast or address.is_unspecified:
        return False
    return not any(address in network for network in _NOT_INTERNET if network.version == address.version)


def holds_public(cidr: str) -> bool:
    """Whether a range may hold a public address; text that is no range may."""
    try:
        found = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return True
    if isinstance(found, ipaddress.IPv4Network):
        return not any(found.subnet_of(n) for n in _NOT_INTERNET if isinstance(n, ipaddress.IPv4Network))
    return not any(found.subnet_of(n) for n in _NOT_INTERNET if isinstance(n, ipaddress.IPv6Network))
