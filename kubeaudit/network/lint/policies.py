"""Lints about single policies: inert rules, selectors without effect, selectors split in two, kinds that nothing
implements, equal priorities.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import groupby, pairwise

from kubeaudit.kinds import KINDS
from kubeaudit.model.objects.networking import NetworkPolicy
from kubeaudit.network.cilium.rules import EMPTY_RULE
from kubeaudit.network.compiled import CompiledPolicy
from kubeaudit.network.evidence import stated, value_at
from kubeaudit.network.fields import PEERS, directions, ref_of, rules
from kubeaudit.network.lint.contract import Lint
from kubeaudit.network.mesh.membership import GROUP
from kubeaudit.network.reach import Reach
from kubeaudit.network.verdicts import Direction
from kubeaudit.proof import field
from kubeaudit.refs import ObjectRef


def inert_rules(reach: Reach) -> Iterator[Lint]:
    """Rules of a direction that policyTypes leaves out (NET-04)."""
    for policy in reach.cluster.network_policies:
        for direction in Direction:
            if direction not in directions(policy) and rules(policy, direction):
                ref, words = ref_of(policy), ", ".join(policy.spec.policy_types) or "no type"
                text = f"{ref} has {direction} rules, but its policyTypes name {words}: the rules have no effect."
                shown = (field(ref, ("spec", "policyTypes"), list(policy.spec.policy_types)),)
                yield Lint("inert-rules", ref, text, "NET-04", shown)


def selects_nothing(reach: Reach) -> Iterator[Lint]:
    """A policy that selects no pod (NET-11), with the label that was perhaps meant."""
    for policy in reach.policies:
        if policy.selected or policy.faulty:
            continue
        where = f"namespace {policy.ref.namespace}" if policy.ref.namespace else "the cluster"
        text = f"{policy.ref} selects no pod of {where}{_meant(reach, policy)}."
        yield Lint("selects-nothing", policy.ref, text, "NET-11", (value_at(policy, policy.selector),))


def _meant(reach: Reach, policy: CompiledPolicy) -> str:
    source = policy.source
    if not isinstance(source, NetworkPolicy):
        return ""
    labels = reach.judge.universe.labels.labels
    own = reach.judge.universe.members.get(policy.ref.namespace, 0)
    for key, value in source.spec.pod_selector.match_labels.items():
        used = [known for (name, known), mask in labels.items() if name == key and mask & own]
        near = get_close_matches(value, used, n=1)
        if near and value not in used:
            return f"; pods there carry {key}={near[0]}"
    return ""


def selector_split(reach: Reach) -> Iterator[Lint]:
    """A namespaceSelector and a podSelector in two items of a list, which are ORed, where one item would AND them
    (NET-16).
    """
    for policy in reach.cluster.network_policies:
        ref = ref_of(policy)
        for direction in directions(policy):
            for number, rule in enumerate(rules(policy, direction)):
                for place, (first, second) in enumerate(pairwise(rule.peers)):
                    by_namespace = first.namespace_selector is not None and first.pod_selector is None
                    if by_namespace and second.pod_selector is not None and second.namespace_selector is None:
                        path = ("spec", str(direction), number, PEERS[direction], place)
                        text = (
                            f"{ref} names namespaces and pods in two peers: either is enough. One peer with both "
                            f"selectors means these pods in these namespaces."
                        )
                        shown = (field(ref, path, stated(first)), field(ref, (*path[:-1], place + 1), stated(second)))
                        yield Lint("selector-split", ref, text, "NET-16", shown)


def without_implementer(reach: Reach) -> Iterator[Lint]:
    """Policies of a kind that the network plugin does not know, or of a mesh that no pod is part of (NET-78)."""
    for kind in KINDS:
        count = reach.cluster.counts.get(kind.key, 0) if "policy" in kind.marks else 0
        if count and not reach.cni.has_effect(kind.key):
            ref = ObjectRef(kind.kind, "", "*", kind.group)
            text = f"{count} {kind.kind} of {kind.group} have no effect: {reach.cni.text} and does not implement them."
            yield Lint("no-implementer", ref, text, "NET-78", reach.cni.evidence)
        elif count and kind.group == GROUP and not _in_mesh(reach):
            ref = ObjectRef(kind.kind, "", "*", kind.group)
            text = f"{count} {kind.kind} of {kind.group} have no effect: no pod is behind a proxy of a mesh."
            yield Lint("no-implementer", ref, text, "NET-78")


def _in_mesh(reach: Reach) -> int:
    mesh = reach.judge.narrowing.mesh if reach.judge.narrowing else None
    return mesh.inside | mesh.perhaps if mesh else 0


def empty_rule(reach: Reach) -> Iterator[Lint]:
    """Rules of Cilium that say nothing, which some sources read as everything and others as nothing (NET-103)."""
    for policy in reach.policies:
        for place in dict.fromkeys(e.path for half in policy.halves for e in half.entries if e.doubt == EMPTY_RULE):
            text = (
                f"{policy.ref} has an empty rule: sources disagree on whether it stands for every peer or for none. "
                f"fromEntities or toEntities says which: [all] or []."
            )
            yield Lint("empty-rule", policy.ref, text, "NET-103", (value_at(policy, place),))


def equal_priority(reach: Reach) -> Iterator[Lint]:
    """Policies of one tier and order that select the same pods and do different things (NET-86)."""
    ordered = sorted(reach.policies, key=_place)
    for (tier, _), group in groupby(ordered, key=_place):
        for first, second in pairwise(group):
            if first.resource == "networkpolicies.networking.k8s.io" or not _clash(first, second):
                continue
            text = (
                f"{first.ref} and {second.ref} have the same priority in tier {tier[1]}: which is asked first is open."
            )
            path = ("spec", "priority")
            yield Lint("equal-priority", first.ref, text, "NET-86", (value_at(first, path), value_at(second, path)))


def _place(policy: CompiledPolicy) -> tuple[tuple[float, str], tuple[float, str]]:
    return (policy.tier.rank, policy.tier.name), policy.order


def _clash(first: CompiledPolicy, second: CompiledPolicy) -> bool:
    actions = set(_actions((first, second)))
    return bool(first.selected & second.selected) and len(actions) > 1


def _actions(policies: Iterable[CompiledPolicy]) -> Iterator[str]:
    for policy in policies:
        for half in policy.halves:
            yield from (entry.action for entry in half.entries)
