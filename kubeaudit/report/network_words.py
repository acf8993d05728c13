"""How ports, verdicts and what decides them are said in the outputs about the network."""

from collections.abc import Iterable, Sequence

from kubeaudit.network.ports import FIRST, ICMP, LAST, PROTOCOLS, Interval
from kubeaudit.network.reach import Action, Basis, Decision, ReachVerdict
from kubeaudit.proof import State, dotted
from kubeaudit.report.words import unseen

STATES = {State.YES: "reachable", State.UNKNOWN: "unknown", State.BLOCKED: "blocked"}
MARKS = {State.YES: "●", State.UNKNOWN: "◐", State.BLOCKED: "○"}
MOST = 6
"""So many names stand in a list before the rest is counted."""

_DETAILS = {
    "self": "a pod always reaches itself",
    "own_node": "policies do not concern a pod and its own node",
    "host_network": "policies do not concern host-network pods with this plugin",
    "finished": "the pod has finished",
    "no_endpoint": "no ready pod stands behind the Service",
    "IPv4": "one end has no IPv4 address",
    "IPv6": "one end has no IPv6 address",
    "dnat": "a rule names the Service's address, but policies see that of the pod behind it",
}


_CONDITIONS = {
    "l7": "the request matches a rule of layer 7",
    "fqdn": "DNS gave the address for an allowed name",
}


def ports_text(ports: Sequence[Interval]) -> str:
    """Intervals as people read them: ``TCP 80, 8080-8090; UDP``; every port of every protocol is ``all`` (AGG-4)."""
    by_protocol: dict[str, list[str]] = {}
    for protocol, first, last in ports:
        whole = protocol == ICMP or (first, last) == (FIRST, LAST)
        number = "" if whole else str(first) if first == last else f"{first}-{last}"
        by_protocol.setdefault(protocol, []).append(number)
    if all(by_protocol.get(protocol) == [""] for protocol in (*PROTOCOLS, ICMP)):
        return "all"
    return "; ".join(f"{protocol} {', '.join(numbers)}".rstrip() for protocol, numbers in by_protocol.items())


def intervals_text(ports: Sequence[Interval]) -> str:
    """The same where ICMP is not looked at: every port of TCP, UDP and SCTP is ``all``."""
    text = ports_text(ports)
    return "all" if text == "; ".join(PROTOCOLS) else text


def some(names: Iterable[str], most: int = MOST) -> str:
    """Names with commas; of many the first ones and how many more there are."""
    found = list(names)
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def rule(decision: Decision) -> str:
    """A decision in words: ``spec.ingress[0].from[1] of NetworkPolicy shop/web``."""
    tier = f" (tier {decision.tier})" if decision.tier not in ("", "NetworkPolicy") else ""
    return f"{dotted(decision.path)} of {decision.policy}{tier}"


def conditions_text(conditions: Iterable[str]) -> str:
    """What a connection must fulfil above L4, as the rest of a sentence."""
    return " and ".join(_CONDITIONS.get(word, word) for word in conditions)


def why(verdict: ReachVerdict, source: str, target: str) -> str:
    """Why a verdict is as it is, as the rest of a sentence."""
    reasons = [_DETAILS[detail] for detail in verdict.details if detail in _DETAILS]
    if Basis.CNI_UNKNOWN in verdict.basis:
        policies = some(dict.fromkeys(str(decision.policy) for decision in verdict.would_block_by))
        return f"{policies or 'a policy'} would block it, but it is not known whether anything enforces policies"
    if verdict.state is State.UNKNOWN:
        reasons.extend(unseen(item) for item in verdict.unseen)
        return "; ".join(dict.fromkeys(reasons)) or f"basis {', '.join(verdict.basis)}"
    if Basis.NOT_ENFORCED in verdict.basis:
        policies = some(dict.fromkeys(str(decision.policy) for decision in verdict.would_block_by))
        return f"{policies} would block it, but nothing enforces policies"
    if reasons:
        return "; ".join(dict.fromkeys(reasons))
    if verdict.state is State.BLOCKED:
        return _blocked(verdict, source, target)
    return _open(verdict, source, target)


def _open(verdict: ReachVerdict, source: str, target: str) -> str:
    parts = []
    for side, name in ((verdict.egress, source), (verdict.ingress, target)):
        if side.by:
            parts.append(f"{some(map(rule, side.by), 3)} lets it pass")
        elif side.namespace:
            parts.append(f"no policy isolates {name} for {side.direction}")
    conditions = f", if {conditions_text(verdict.conditions)}" if verdict.conditions else ""
    return "; ".join(parts) + conditions


def _blocked(verdict: ReachVerdict, source: str, target: str) -> str:
    parts = []
    for side, name in ((verdict.egress, source), (verdict.ingress, target)):
        if side.state is not State.BLOCKED:
            continue
        denied = [decision for decision in side.by if decision.action is Action.DENY]
        if denied:
            parts.append(f"{some(map(rule, denied), 3)} denies it")
        elif side.by:
            policies = some(dict.fromkeys(str(decision.policy) for decision in side.by), 3)
            only = "isolates" if len({d.policy for d in side.by}) == 1 else "isolate"
            parts.append(f"{policies} {only} {name} for {side.direction}, and no rule lets it pass")
        else:
            parts.append(f"the network plugin isolates {name} for {side.direction}")
    return "; ".join(parts)
