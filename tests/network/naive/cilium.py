"""What Cilium's policies and NetworkPolicies say together (network.md 3.9): no order, and denies beat all allows."""

from . import ends, networkpolicy
from .cilium_peers import matches, peers, pod_labels
from .world import ALLOW, CILIUM, DENY, PASS, Object, Outcomes, Side, World, all_of, any_of

_KINDS = ("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy")
_PLAIN = ""


def outcomes(world: World, side: Side) -> Outcomes:
    """NET-101: what is denied, then what is allowed, then whether anything isolates."""
    plain = [p for p in networkpolicy.selecting(world, side) if networkpolicy.isolates(p, side.direction)]
    own = [p for p in world.of(CILIUM, *_KINDS) if _selects(world, p, side.subject)]
    denied = any_of(
        _rule(world, policy, rule, side, True)
        for policy in own
        for rule in policy["spec"].get(side.direction + "Deny") or ()
    )
    if denied is True:
        return frozenset([DENY])
    allowing = {_PLAIN: any_of([*(networkpolicy.allows(world, p, side) for p in plain), _by_null(own, side)])}
    for policy in own:
        for rule in policy["spec"].get(side.direction) or ():
            answer = _rule(world, policy, rule, side, False)
            for condition in _conditions(rule):
                allowing[condition] = any_of([answer, allowing.get(condition, False)])
    isolated = any(_isolates(policy, side.direction) for policy in own)
    found = _allowed(allowing)
    if any_of(allowing.values()) is not True:
        is_open = bool(plain) and not isolated and networkpolicy.icmp_is_open(world, side)
        found |= {DENY, *([ALLOW] if is_open else [])} if isolated or plain else {PASS}
    return frozenset(found | ({DENY} if denied is None else set()))


def _allowed(allowing: dict[str, bool | None]) -> set[str]:
    """A connection that a rule allows as it is needs nothing; else the conditions of all rules that may allow it."""
    if allowing[_PLAIN] is True:
        return {ALLOW}
    conditions = {condition for condition, answer in allowing.items() if condition and answer is not False}
    sure = any(allowing[condition] is True for condition in conditions)
    return conditions | ({ALLOW} if allowing[_PLAIN] is None and not sure else set())


def _conditions(rule: Object) -> set[str]:
    """NET-110, NET-111; which types of ICMP are asked for is not told apart."""
    found = {"fqdn"} if rule.get("toFQDNs") else set()
    if any("rules" in part for part in rule.get("toPorts", ())):
        found.add("l7")
    return found or ({"icmp_type"} if rule.get("icmps") else {_PLAIN})


def _selects(world: World, policy: Object, pod: Object) -> bool:
    """NET-107: a namespaced policy selects in its own namespace."""
    space = policy["metadata"].get("namespace")
    own = space is None or space == ends.space_of(pod)
    return own and matches(policy["spec"]["endpointSelector"], pod_labels(world, pod))


def _isolates(policy: Object, direction: str) -> bool:
    """NET-100; a section that is null may mean anything (NET-103)."""
    spec = policy["spec"]
    chosen = (spec.get("enableDefaultDeny") or {}).get(direction)
    return chosen is not False and bool(
        spec.get(direction) or spec.get(direction + "Deny") or _is_null(spec, direction)
    )


def _is_null(spec: Object, direction: str) -> bool:
    return direction in spec and spec[direction] is None


def _by_null(policies: list[Object], side: Side) -> bool | None:
    return None if any(_is_null(policy["spec"], side.direction) for policy in policies) else False


def _rule(world: World, policy: Object, rule: Object, side: Side, deny: bool) -> bool | None:
    return all_of([_ports(rule, deny, side), peers(world, policy, rule, side)])


def _ports(rule: Object, deny: bool, side: Side) -> bool | None:
    """NET-106, NET-115; ICMP passes without ports, or by its type (NET-34)."""
    if rule.get("icmps"):
        families = {f.get("family", "IPv4") for icmp in rule["icmps"] for f in icmp["fields"]}
        return (None if deny else True) if side.protocol == "ICMP" and side.family in families else False
    if not rule.get("toPorts"):
        return True
    return any_of(_item(item, side) for part in rule["toPorts"] for item in part["ports"])


def _item(item: Object, side: Side) -> bool | None:
    wanted, text = item.get("protocol", "ANY"), item["port"]
    if side.protocol == "ICMP":
        return None if text == "0" and wanted == "ANY" else False
    if wanted not in (side.protocol, "ANY"):
        return False
    if not text.isdecimal():
        return side.port in ends.named(side.packet.target, text.lower(), side.protocol)
    first = int(text)
    return first == 0 or first <= side.port <= max(first, item.get("endPort", first))
