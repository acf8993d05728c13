"""What is asked of one end of a packet: its labels, addresses, port names and node."""

import ipaddress
from collections.abc import Iterable

from .world import End, Object, World, any_of

_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
_METADATA = ("169.254.169.254", "100.100.100.200", "fd00:ec2::254")


def is_pod(end: End) -> bool:
    """Whether an end is a pod of the pod network; one on the host network counts as its node (NET-48, NET-49)."""
    return not isinstance(end, str) and not on_host(end)


def on_host(end: End) -> bool:
    """Whether an end is a pod on the host network."""
    return not isinstance(end, str) and bool(end["spec"].get("hostNetwork"))


def takes_part(end: End, family: str) -> bool:
    """A finished pod is no endpoint, nor one without an address of the family; an unknown address may be of any."""
    if isinstance(end, str):
        return _is_of(end, family)
    if end["status"]["phase"] in ("Succeeded", "Failed"):
        return False
    addresses = pod_addresses(end)
    return not addresses or any(_is_of(address, family) for address in addresses)


def space_of(pod: Object) -> str:
    return str(pod["metadata"]["namespace"])


def account_of(pod: Object) -> str:
    return str(pod["spec"].get("serviceAccountName", "default"))


def namespace_labels(world: World, name: str) -> dict[str, str]:
    """The labels of a namespace; every one has its name among them (NET-10)."""
    found = next((n["metadata"]["labels"] for n in world.namespaces if n["metadata"]["name"] == name), {})
    return {"kubernetes.io/metadata.name": name} | found


def matches(selector: Object, labels: dict[str, str]) -> bool:
    """NET-18, NET-19."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for term in selector.get("matchExpressions", []):
        key, operator, values = term["key"], term["operator"], term.get("values", [])
        holds = {
            "In": key in labels and labels[key] in values,
            "NotIn": key not in labels or labels[key] not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[operator]
        if not holds:
            return False
    return True


def named(end: End, name: str, protocol: str) -> list[int]:
    """The numbers that a pod declares for a port name (NET-25..31); none of an address."""
    if isinstance(end, str):
        return []
    running = [*end["spec"]["containers"]]
    running += [c for c in end["spec"].get("initContainers", []) if c.get("restartPolicy") == "Always"]
    listed = [port for container in running for port in container.get("ports", [])]
    return [p["containerPort"] for p in listed if (p.get("name"), p.get("protocol", "TCP")) == (name, protocol)]


def pod_addresses(pod: Object) -> list[str]:
    return [entry["ip"] for entry in pod["status"].get("podIPs", [])]


def addresses(world: World, end: End) -> list[str]:
    """The addresses of an end; those of its node for a pod on the host network that shows none of its own."""
    if isinstance(end, str):
        return [end]
    return pod_addresses(end) or (node_addresses(world, end["spec"].get("nodeName")) if on_host(end) else [])


def is_node(world: World, address: str) -> bool:
    """Whether an address is one of a node."""
    return any(same(own, address) for own in node_addresses(world, *(n["metadata"]["name"] for n in world.nodes)))


def node_addresses(world: World, *names: str | None) -> list[str]:
    return [a["address"] for n in world.nodes if n["metadata"]["name"] in names for a in n["status"]["addresses"]]


def within(world: World, end: End, family: str, network: str, excluded: Iterable[str] = ()) -> bool | None:
    """Whether the address of an end in a family lies in a network and in none of its exceptions (NET-36, NET-42).

    An address that is not known yet lies in the whole of its family, and perhaps in any other network of it.
    """
    whole, less = ipaddress.ip_network(network, strict=False), [ipaddress.ip_network(e, strict=False) for e in excluded]
    known = addresses(world, end)
    if not known:
        if not _is_of(str(whole.network_address), family):
            return False
        return True if whole.prefixlen == 0 and not less else None
    asked = [ipaddress.ip_address(address) for address in known if _is_of(address, family)]
    return any(one in whole and not any(one in other for other in less) for one in asked)


def among(world: World, end: End, family: str, networks: Iterable[str]) -> bool | None:
    """Whether the address of an end lies in one of some networks."""
    return any_of(within(world, end, family, network) for network in networks)


def node_of(world: World, end: End) -> str | None:
    """The node that an end counts as: an address of a node, or a pod on the host network there."""
    if not isinstance(end, str):
        return end["spec"].get("nodeName") if on_host(end) else None
    of_nodes = [(n["metadata"]["name"], a["address"]) for n in world.nodes for a in n["status"]["addresses"]]
    return next((name for name, address in of_nodes if same(address, end)), None)


def on_own_node(world: World, node_end: End, end: End) -> bool:
    """Whether an end is the node that a pod of the pod network runs on, or a host-network pod there (NET-44, NET-45).

    Also of a host-network pod the node's address is its own.
    """
    if isinstance(end, str):
        return False
    at = end["spec"].get("nodeName")
    if isinstance(node_end, str):
        return any(same(address, node_end) for address in node_addresses(world, at))
    return on_host(node_end) and not on_host(end) and at is not None and node_end["spec"].get("nodeName") == at


def same(one: str, other: str) -> bool:
    return ipaddress.ip_address(one) == ipaddress.ip_address(other)


def is_private(address: str) -> bool:
    """Whether a network of the cluster may have the address; no network has those of metadata services."""
    found = ipaddress.ip_address(address)
    return address not in _METADATA and any(found in ipaddress.ip_network(network) for network in _PRIVATE)


def _is_of(address: str, family: str) -> bool:
    return (":" in address) == (family == "IPv6")
