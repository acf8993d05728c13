"""The fields of policies that decide, as evidence (5.3), and rules that allow everything (check net-allow-all)."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from kubeaudit.model.decode import drop_nulls
from kubeaudit.model.objects.networking import NetworkPolicy, Peer
from kubeaudit.network.compiled import CompiledPolicy
from kubeaudit.network.fields import directions, ref_of, rules
from kubeaudit.network.verdicts import Action, Decision, Direction
from kubeaudit.proof import ANY, Evidence, Path, field, missing
from kubeaudit.refs import ObjectRef

_TYPE = {Direction.INGRESS: "Ingress", Direction.EGRESS: "Egress"}
_PEERS = {Direction.INGRESS: "from", Direction.EGRESS: "to"}
_EVERY_ADDRESS = ("0.0.0.0/0", "::/0")
_NOTES = {
    Action.ALLOW: "allows it (tier {tier})",
    Action.DENY: "denies it (tier {tier})",
    Action.PASS: "leaves it to the next tier (tier {tier})",
    Action.ISOLATE: "selects it (tier {tier}); no {direction} rule of the tier matches",
}
_OPTIONAL = ("matchLabels", "matchExpressions", "values", "except", "from", "to", "ports")


class AllowAll(Struct, frozen=True):
    """A rule that allows everything in a direction.

    ``path`` leads to the rule, or to the peer that stands for every address.
    """

    policy: ObjectRef
    direction: Direction
    rule: int
    path: Path
    evidence: Evidence


def evidence(policy: CompiledPolicy, decision: Decision) -> Evidence:
    """The value of the field a decision names; of an isolation the selector that takes the pod in."""
    if isinstance(policy.source, NetworkPolicy):
        return _of_networkpolicy(policy.source, decision)
    note = _NOTES[decision.action].format(tier=decision.tier, direction=decision.direction)
    return value_at(policy, decision.path, note)


def value_at(policy: CompiledPolicy, path: Path, note: str = "") -> Evidence:
    """What a policy has at a path, or that it has nothing there."""
    found = _at(policy.source, path)
    return missing(policy.ref, path, note) if found is None else field(policy.ref, path, stated(found), note)


def _at(source: object, path: Path) -> object:
    """What an object has at a path; None where it has nothing there."""
    found: Any = drop_nulls(msgspec.json.decode(msgspec.json.encode(source)))
    for step in path:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return None
    return found


def _of_networkpolicy(policy: NetworkPolicy, decision: Decision) -> Evidence:
    if decision.action is Action.ISOLATE or decision.rule is None:
        types = ", ".join(policy.spec.policy_types) or "not given"
        note = f"selects the pod; policyTypes {types}; no {decision.direction} rule of its lets the connection pass"
        return field(decision.policy, decision.path, stated(policy.spec.pod_selector), note)
    rule = rules(policy, decision.direction)[decision.rule]
    last = decision.path[-1]
    if len(decision.path) > 3 and isinstance(last, int):
        note = f"ports {_json(stated(rule.ports))}" if rule.ports else "every port"
        return field(decision.policy, decision.path, stated(rule.peers[last]), note)
    return field(decision.policy, decision.path, stated(rule), "names no peer, so every peer is allowed")


def no_policy(namespace: str, direction: Direction) -> Evidence:
    """That nothing isolates the pods of a namespace that the verdict is about."""
    note = f"no NetworkPolicy with policyType {_TYPE[direction]} selects the pod"
    return missing(ObjectRef("NetworkPolicy", namespace, ANY, "networking.k8s.io"), ("spec", "policyTypes"), note)


def allow_all(policy: NetworkPolicy) -> Iterator[AllowAll]:
    """Rules in force that name neither ports nor peers, or no ports and a block of every address without exception."""
    ref = ref_of(policy)
    for direction in directions(policy):
        for number, rule in enumerate(rules(policy, direction)):
            path: Path = ("spec", str(direction), number)
            if rule.ports:
                continue
            if not rule.peers:
                yield AllowAll(ref, direction, number, path, field(ref, path, stated(rule)))
            for position, peer in enumerate(rule.peers):
                if _is_every_address(peer):
                    place = (*path, _PEERS[direction], position)
                    yield AllowAll(ref, direction, number, place, field(ref, place, stated(peer)))


def _is_every_address(peer: Peer) -> bool:
    block = peer.ip_block
    selects = peer.pod_selector is not None or peer.namespace_selector is not None
    return block is not None and not selects and block.cidr in _EVERY_ADDRESS and not block.excluded


def stated(value: object) -> object:
    """A part of an object as JSON data, without the fields that it does not state."""
    return _without_empty(drop_nulls(msgspec.json.decode(msgspec.json.encode(value))))


def _without_empty(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_empty(item) for key, item in value.items() if item or key not in _OPTIONAL}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
