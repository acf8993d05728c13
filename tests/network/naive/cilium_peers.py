"""Whether a rule of Cilium means a peer (NET-103..111)."""

from typing import Any

from . import ends
from .world import CILIUM, NO, YES, End, Object, Side, World, all_of, any_of

_SPACE = "io.kubernetes.pod.namespace"


def peers(world: World, policy: Object, rule: Object, side: Side) -> bool | None:
    """Whether one of the peer fields of a rule means the peer."""
    prefix = "from" if side.direction == "ingress" else "to"
    given = {key: listed for key, listed in rule.items() if key.startswith(prefix) and key != "toPorts"}
    if any(listed == [] for listed in given.values()):
        return None if given.keys() == {"toFQDNs"} else False
    if not given:
        return True if rule.get("toPorts") or rule.get("icmps") else None
    if {"host", "remote-node"} <= set(given.get(f"{prefix}Entities", ())) and ends.node_of(world, side.peer):
        return True  # every node is one or the other, also where the pod's own is not known
    return any_of(
        _peer(world, policy, key.removeprefix(prefix), one, side) for key, listed in given.items() for one in listed
    )


def pod_labels(world: World, pod: Object) -> dict[str, str]:
    """The labels that Cilium gives a pod (NET-107)."""
    space = ends.space_of(pod)
    of_space = ends.namespace_labels(world, space)
    return pod["metadata"]["labels"] | {
        _SPACE: space,
        "io.cilium.k8s.policy.serviceaccount": ends.account_of(pod),
        **{f"io.cilium.k8s.namespace.labels.{key}": value for key, value in of_space.items()},
    }


def matches(selector: Object, labels: dict[str, str]) -> bool:
    """A selector whose keys may say where a label comes from."""
    keyed = {_bare(key): value for key, value in selector.get("matchLabels", {}).items()}
    terms = [term | {"key": _bare(term["key"])} for term in selector.get("matchExpressions", [])]
    return ends.matches({"matchLabels": keyed, "matchExpressions": terms}, labels)


def _bare(key: str) -> str:
    return key.removeprefix("k8s:").removeprefix("any:")


def _peer(world: World, policy: Object, sort: str, one: Any, side: Side) -> bool | None:
    if sort == "Endpoints":
        return _endpoint(world, policy, one, side.peer)
    if sort == "Entities":
        return _entity(world, one, side)
    if sort == "FQDNs":
        return None if isinstance(side.peer, str) and not ends.node_of(world, side.peer) else False
    blocks = [one] if isinstance(one, dict) else [{"cidr": one}]
    if isinstance(one, dict) and "cidrGroupRef" in one:
        held = [g for g in world.of(CILIUM, "CiliumCIDRGroup") if g["metadata"]["name"] == one["cidrGroupRef"]]
        blocks = [{**one, "cidr": cidr} for group in held for cidr in group["spec"]["externalCIDRs"]]
    return any_of(_block(world, block, side) for block in blocks)


def _endpoint(world: World, policy: Object, selector: Object, peer: End) -> bool:
    """NET-105: pods, of the policy's own namespace unless the selector names one; a clusterwide policy means all."""
    if isinstance(peer, str) or ends.on_host(peer):
        return False
    keys = {*selector.get("matchLabels", {}), *(t["key"] for t in selector.get("matchExpressions", []))}
    space, named = policy["metadata"].get("namespace"), any(_bare(key) == _SPACE for key in keys)
    if space is not None and not named and ends.space_of(peer) != space:
        return False
    return matches(selector, pod_labels(world, peer))


def _entity(world: World, entity: str, side: Side) -> bool | None:
    """NET-108."""
    peer, at = side.peer, ends.node_of(world, side.peer)
    if entity == "all":
        return True
    if entity == "cluster":
        if at or not isinstance(peer, str):
            return True
        return any_of(_entity(world, part, side) for part in ("kube-apiserver", "health"))
    if entity in ("host", "remote-node"):
        own = side.subject["spec"].get("nodeName")
        return False if at is None else None if not own else (at == own) == (entity == "host")
    if entity == "kube-apiserver":
        return _is_api_server(world, peer, side.family)
    if at or not isinstance(peer, str):
        return False
    if entity.startswith("world"):
        return entity in ("world", "world-" + side.family.lower())
    return None if entity in ("health", "ingress") and ends.is_private(peer) else False


def _is_api_server(world: World, peer: End, family: str) -> bool:
    """An address of the API server; a host-network pod on a node that has one of the family."""
    if isinstance(peer, str):
        return any(ends.same(peer, address) for address in world.api_server)
    own = ends.node_addresses(world, ends.node_of(world, peer)) if ends.on_host(peer) else []
    served = [address for address in world.api_server if (":" in address) == (family == "IPv6")]
    return any(ends.same(one, other) for one in own for other in served)


def _block(world: World, block: Object, side: Side) -> bool | None:
    """NET-109: addresses outside the cluster, and nodes only by the switch (NET-39)."""
    by_switch = {YES: True, NO: False}.get(world.plugin.nodes) if world.plugin.name == "cilium" else None
    if isinstance(side.peer, str):
        counts = by_switch if ends.node_of(world, side.peer) else True
    else:
        counts = by_switch if ends.on_host(side.peer) else False
    return all_of([counts, ends.within(world, side.peer, side.family, block["cidr"], block.get("except", ()))])
