"""Parts of NetworkPolicies that edits are made of: peers for an end, peers for everything else, whole policies."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from kubeaudit.edges.context import Context
from kubeaudit.model.cluster import METADATA_NAME
from kubeaudit.model.objects.networking import Peer
from kubeaudit.model.selectors import InvalidSelectorError
from kubeaudit.network.fields import GROUP, PEERS, ref_of
from kubeaudit.network.ports import FIRST, ICMP, LAST, PROTOCOLS, Interval
from kubeaudit.network.reach import Direction
from kubeaudit.proof import Path, dotted
from kubeaudit.queries.names import labels_of, lasting
from kubeaudit.queries.pairs import Unit
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact

TYPES = {Direction.INGRESS: "Ingress", Direction.EGRESS: "Egress"}
_EVERYWHERE = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}
_ALL_PODS: dict[str, Any] = {"namespaceSelector": {}}


class Change(Struct, frozen=True, omit_defaults=True):
    """One change of one object: ``create`` it as ``value``, or at ``path`` ``set``, ``remove`` or ``append`` to a
    list.
    """

    op: str
    object: ObjectRef
    path: Path = ()
    value: Any = None


class Peers(Struct, frozen=True):
    """Peers of a rule and what they stand for; without items ``text`` says why there are none."""

    items: tuple[dict[str, Any], ...]
    text: str


def words(change: Change) -> str:
    """A change in words."""
    if change.op == "create":
        return f"create {change.object}"
    return f"{change.op} {dotted(change.path)} of {change.object}"


def labels(context: Context, unit: Unit) -> dict[str, str]:
    """The labels that select the pods of an end over rollouts; empty where they have none."""
    return lasting(labels_of(context.cluster)[unit.cls]) if unit.cls >= 0 else {}


def policy(context: Context, unit: Unit, direction: Direction, rules: Sequence[dict[str, Any]]) -> Change:
    """A NetworkPolicy that selects the pods of an end in one direction, with some rules."""
    cls = context.cluster.classes[unit.cls]
    taken = {p.metadata.name for p in context.cluster.network_policies if p.metadata.namespace == cls.namespace}
    base = f"{context.cluster.workloads[cls.workload].ref.name}-{direction}"
    name = next(n for n in (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))) if n not in taken)
    ref = ObjectRef("NetworkPolicy", cls.namespace, name, GROUP)
    found = labels(context, unit)
    spec = {
        "podSelector": {"matchLabels": found} if found else {},
        "policyTypes": [TYPES[direction]],
        str(direction): list(rules),
    }
    metadata = {"name": name, "namespace": cls.namespace}
    made = {"apiVersion": f"{GROUP}/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
    return Change("create", ref, (), made)


def rule(direction: Direction, peers: Sequence[dict[str, Any]], ports: Sequence[Interval]) -> dict[str, Any]:
    """A rule for some peers and ports. ICMP has no ports that a rule could name."""
    found: dict[str, Any] = {PEERS[direction]: list(peers)}
    numbered = [port for port in ports if port[0] != ICMP]
    whole = {protocol for protocol, first, last in numbered if (first, last) == (FIRST, LAST)}
    if numbered and not whole.issuperset(PROTOCOLS):
        found["ports"] = [_port(*port) for port in numbered]
    return found


def _port(protocol: str, first: int, last: int) -> dict[str, Any]:
    if (first, last) == (FIRST, LAST):
        return {"protocol": protocol}
    return {"protocol": protocol, "port": first} | ({"endPort": last} if last > first else {})


def peers_for(context: Context, unit: Unit, families: Sequence[str]) -> Peers:
    """The peers that stand for one end."""
    if unit.is_pod and not on_host(context, unit):
        cls = context.cluster.classes[unit.cls]
        selects = {"matchLabels": found} if (found := labels(context, unit)) else {}
        space = {"matchLabels": {METADATA_NAME: cls.namespace}}
        return Peers(({"namespaceSelector": space, "podSelector": selects},), unit.label)
    addresses = _node_addresses(context, unit)
    if addresses is not None and context.reach.cni.ipblock_matches_nodes is not Fact.YES:
        return Peers((), "with this network plugin no ipBlock is sure to match addresses of nodes")
    if addresses is not None:
        items = tuple({"ipBlock": {"cidr": _single(address)}} for address in addresses)
        return Peers(items, f"the node addresses {', '.join(addresses)}" if items else "the pod's node is not known")
    if unit.address:
        return Peers(({"ipBlock": {"cidr": _single(unit.address)}},), unit.address)
    cidrs = [unit.cidr] if unit.cidr else [_EVERYWHERE[family] for family in families]
    return Peers(tuple({"ipBlock": {"cidr": cidr}} for cidr in cidrs), " and ".join(cidrs))


def all_but(context: Context, unit: Unit) -> Peers:
    """Peers for every pod but those of an end; for an address or a CIDR, for everything else.

    Pods are told apart by the label that the fewest others share. Where an end is a pod, addresses outside the cluster
    are not among the peers: an ipBlock might match the pod's own.
    """
    if unit.is_pod:
        if on_host(context, unit):
            return Peers((_ALL_PODS,), "every pod that is not on the host network")
        cls = context.cluster.classes[unit.cls]
        elsewhere = {"matchExpressions": [_not_in(METADATA_NAME, cls.namespace)]}
        label = _rarest(context, unit)
        if label is None:
            return Peers(({"namespaceSelector": elsewhere},), f"pods outside namespace {cls.namespace}")
        here = {"namespaceSelector": {"matchLabels": {METADATA_NAME: cls.namespace}}}
        rest = here | {"podSelector": {"matchExpressions": [_not_in(*label)]}}
        return Peers(({"namespaceSelector": elsewhere}, rest), f"pods without {label[0]}={label[1]} in {cls.namespace}")
    excluded = ipaddress.ip_network(unit.address or unit.cidr) if unit.address or unit.cidr else None
    if excluded is None:
        return Peers((_ALL_PODS,), "all pods, and nothing outside the cluster,")
    blocks = []
    for cidr in _EVERYWHERE.values():
        block: dict[str, Any] = {"cidr": cidr}
        if ipaddress.ip_network(cidr).version == excluded.version:
            block["except"] = [str(excluded)]
        if str(excluded) != cidr:
            blocks.append({"ipBlock": block})
    return Peers((_ALL_PODS, *blocks), f"everything but {excluded}")


def excepting(peer: Peer, unit: Unit) -> list[str]:
    """The ``except`` of an ipBlock after which it leaves out an address or CIDR; empty where that is not the way."""
    outside = unit.address or unit.cidr
    if peer.ip_block is None or not outside:
        return []
    inner = ipaddress.ip_network(outside)
    try:
        outer = ipaddress.ip_network(peer.ip_block.cidr, strict=False)
    except ValueError:
        return []
    inside = (
        isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network) and inner.subnet_of(outer)
    ) or (
        isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network) and inner.subnet_of(outer)
    )
    return [*peer.ip_block.excluded, str(inner)] if inside and inner != outer else []


def selects_only(context: Context, ref: ObjectRef, cls: int) -> bool:
    """Whether a NetworkPolicy selects the pods of one workload alone."""
    found = next((p for p in context.cluster.network_policies if ref_of(p) == ref), None)
    if found is None:
        return False
    universe = context.reach.judge.universe
    try:
        mask = universe.labels.select(found.spec.pod_selector) & universe.members.get(ref.namespace, 0)
    except InvalidSelectorError:
        return False
    workload = context.cluster.classes[cls].workload
    return mask == sum(1 << c.index for c in context.cluster.classes if c.workload == workload)


def _rarest(context: Context, unit: Unit) -> tuple[str, str] | None:
    found = labels_of(context.cluster)
    mine = lasting(found[unit.cls])
    namespace = context.cluster.classes[unit.cls].namespace
    neighbours = [found[c.index] for c in context.cluster.classes if c.namespace == namespace]
    shared = {pair: sum(labels.get(pair[0]) == pair[1] for labels in neighbours) for pair in mine.items()}
    return min(shared, key=lambda pair: (shared[pair], pair), default=None)


def _not_in(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "operator": "NotIn", "values": [value]}


def _node_addresses(context: Context, unit: Unit) -> tuple[str, ...] | None:
    """The addresses of the nodes an end stands for; None where it is neither a node nor on the host network."""
    if unit.is_pod:
        pods = [unit.pod] if unit.pod >= 0 else list(context.cluster.classes[unit.cls].pods)
        nodes = {context.cluster.pods[pod].node for pod in pods}
        return tuple(a for node in context.cluster.nodes if node.ref.name in nodes for a in node.addresses)
    own = any(unit.address in node.addresses for node in context.cluster.nodes)
    return (unit.address,) if unit.address and own else None


def _single(address: str) -> str:
    return str(ipaddress.ip_network(address))


def on_host(context: Context, unit: Unit) -> bool:
    """Whether an end is on the host network, where policies have no subjects (NET-48)."""
    return unit.cls >= 0 and context.cluster.classes[unit.cls].shape.host_network


def is_plain(ref: ObjectRef) -> bool:
    """Whether a policy is a NetworkPolicy of Kubernetes itself."""
    return ref.kind == "NetworkPolicy" and ref.group == GROUP
