"""What NetworkPolicies say of one side of a packet (network.md 3.1..3.4)."""

from . import ends
from .world import ALLOW, DENY, NETWORK_POLICY, NO, PASS, YES, Object, Outcomes, Side, World, all_of, any_of


def outcomes(world: World, side: Side) -> Outcomes:
    """A union of allows, if any policy isolates the pod in the direction (NET-08)."""
    isolating = [policy for policy in selecting(world, side) if isolates(policy, side.direction)]
    if not isolating:
        return frozenset([PASS])
    allowed = any_of(allows(world, policy, side) for policy in isolating)
    if allowed is True:
        return frozenset([ALLOW])
    return frozenset([DENY, *([ALLOW] if allowed is None or icmp_is_open(world, side) else [])])


def icmp_is_open(world: World, side: Side) -> bool:
    """What becomes of ICMP that no rule without ports matches is not defined, but for Cilium (NET-34)."""
    return side.protocol == "ICMP" and world.plugin.name != "cilium"


def selecting(world: World, side: Side) -> list[Object]:
    """The policies that select the pod, whatever their direction."""
    pod = side.subject
    return [
        policy
        for policy in world.of(NETWORK_POLICY, "NetworkPolicy")
        if policy["metadata"]["namespace"] == ends.space_of(pod)
        and ends.matches(policy["spec"].get("podSelector", {}), pod["metadata"]["labels"])
    ]


def isolates(policy: Object, direction: str) -> bool:
    """NET-03, NET-04."""
    spec = policy["spec"]
    types = spec.get("policyTypes")
    if types:
        return direction.capitalize() in types
    return direction == "ingress" or bool(spec.get("egress"))


def allows(world: World, policy: Object, side: Side) -> bool | None:
    """Whether one of the rules of a policy matches."""
    return any_of(
        all_of([_port(rule, side), _peers(world, policy, rule, side)])
        for rule in policy["spec"].get(side.direction, [])
    )


def _port(rule: Object, side: Side) -> bool:
    """NET-21..28; a port name is looked up on the pod that receives the packet."""
    if not rule.get("ports"):
        return True
    for item in rule["ports"]:
        if item.get("protocol", "TCP") != side.protocol:
            continue
        wanted = item.get("port")
        if wanted is None:
            return True
        if isinstance(wanted, str):
            if side.port in ends.named(side.packet.target, wanted, side.protocol):
                return True
        elif wanted <= side.port <= item.get("endPort", wanted):
            return True
    return False


def _peers(world: World, policy: Object, rule: Object, side: Side) -> bool | None:
    """NET-13."""
    listed = rule.get("from" if side.direction == "ingress" else "to", [])
    return any_of(_peer(world, policy, item, side) for item in listed) if listed else True


def _peer(world: World, policy: Object, item: Object, side: Side) -> bool | None:
    """NET-14..16; selectors match pods of the pod network alone (NET-49)."""
    peer = side.peer
    if "ipBlock" in item:
        return block(world, item["ipBlock"], side)
    if not ends.is_pod(peer) or isinstance(peer, str):
        return False
    space = ends.space_of(peer)
    if "namespaceSelector" in item:
        if not ends.matches(item["namespaceSelector"], ends.namespace_labels(world, space)):
            return False
    elif space != policy["metadata"]["namespace"]:
        return False
    return ends.matches(item.get("podSelector", {}), peer["metadata"]["labels"])


def block(world: World, item: Object, side: Side) -> bool | None:
    """Whether a peer lies in an ipBlock, if the plugin compares it with peers of its sort (NET-38, NET-39)."""
    inside = ends.within(world, side.peer, side.family, item["cidr"], item.get("except", ()))
    if isinstance(side.peer, str) and not ends.is_node(world, side.peer):
        return inside
    fact = world.plugin.pods if ends.is_pod(side.peer) else world.plugin.nodes
    return all_of([{YES: True, NO: False}.get(fact), inside])
