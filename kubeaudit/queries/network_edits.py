"""The edit that would change a verdict: what closes an open connection, what opens a blocked one.

Only NetworkPolicies are edited; of other kinds the deciding rule is named. Nothing is proposed that would have no
effect: where nothing enforces policies, or where the API exempts the traffic, the edit says just that.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from kubeaudit.edges.context import Context, spec_path
from kubeaudit.model.objects.networking import NetworkPolicy
from kubeaudit.network.fields import PEERS, directions, ref_of, rules
from kubeaudit.network.ports import Interval
from kubeaudit.network.reach import Action, Basis, Decision, Direction, ReachVerdict, Side
from kubeaudit.proof import Path, State, dotted
from kubeaudit.queries import network_policies as make
from kubeaudit.queries.network_policies import TYPES, Change, Peers
from kubeaudit.queries.pairs import Unit, exemptions
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact


class Edit(Struct, frozen=True, omit_defaults=True):
    """One edit in words, and as changes of objects that belong together; without ``changes`` no manifest does it."""

    text: str
    changes: tuple[Change, ...] = ()


def change(
    context: Context, source: Unit, target: Unit, verdict: ReachVerdict, ports: Sequence[Interval],
    families: Sequence[str],
) -> tuple[Edit, ...]:  # fmt: skip
    """The edits that turn a reachable verdict into a blocked one, or a blocked one into a reachable one."""
    if verdict.state is State.YES:
        return (_close(context, source, target, verdict),)
    if verdict.state is State.BLOCKED:
        return (_open(context, source, target, verdict, ports, families),)
    return ()


def _close(context: Context, source: Unit, target: Unit, verdict: ReachVerdict) -> Edit:
    cni = context.reach.cni
    exempt = exemptions(context.reach, source, target)
    if certain := next((found for found in exempt if found.fact is Fact.YES), None):
        which = "a pod with itself" if certain.detail == "self" else "a pod with its own node"
        return Edit(f"No policy closes this: policies do not concern {which}.")
    if cni.enforces is Fact.NO:
        then = ", ".join(dict.fromkeys(str(decision.policy) for decision in verdict.would_block_by))
        effect = f"; then {then} blocks it" if then else ", and a policy"
        return Edit(f"No policy closes this: {cni.text}. Install a plugin that enforces NetworkPolicy{effect}.")
    sides = [(verdict.ingress, target, source), (verdict.egress, source, target)]
    if not target.is_pod:
        sides.reverse()
    choices = [(side, one, other) for side, one, other in sides if one.is_pod and not make.on_host(context, one)]
    of_nodes = [d for side, _, _ in sides for d in side.by if d.policy in context.reach.policies_of_nodes]
    if not choices and of_nodes:
        listed = "; ".join(f"{dotted(decision.path)} of {decision.policy}" for decision in of_nodes)
        return Edit(f"Narrow what lets it pass: {listed}.")
    if not choices and not source.is_pod and not target.is_pod:
        return Edit("No policy of these nodes denies it; one that selects them closes this.")
    if not choices:
        named = target if target.is_pod else source
        owner, path = spec_path(context.cluster, context.cluster.classes[named.cls])
        field = dotted((*path, "hostNetwork"))
        return Edit(f"Policies do not concern host-network pods: set {field} of {owner} to false.")
    side, one, other = min(choices, key=lambda choice: (len(choice[0].by) or 1, not choice[0].by))
    edit = _closed_side(context, one, other, side)
    if cni.enforces is Fact.UNKNOWN:
        return Edit(f"{edit.text} It holds only if the network plugin enforces NetworkPolicy.", edit.changes)
    if exempt:
        return Edit(f"{edit.text} It holds only if the network plugin judges {exempt[0].detail} traffic.", edit.changes)
    return edit


def _closed_side(context: Context, one: Unit, other: Unit, side: Side) -> Edit:
    foreign = [decision for decision in side.by if not make.is_plain(decision.policy)]
    if foreign:
        listed = "; ".join(f"{dotted(decision.path)} of {decision.policy}" for decision in foreign)
        return Edit(f"Narrow what lets it pass: {listed}.")
    if not side.by:
        peers = make.all_but(context, other)
        rule = [{PEERS[side.direction]: list(peers.items)}] if peers.items else []
        made = make.policy(context, one, side.direction, rule)
        effect = f"which isolates {one.label} for {side.direction} and leaves {peers.text} open"
        return Edit(f"Create {made.object}, {effect}.", (made,))
    changes = tuple(_without(context, other, side.by, side.direction))
    listed = "; ".join(make.words(found) for found in changes)
    text = f"All of these: {listed}" if len(changes) > 1 else listed[:1].upper() + listed[1:]
    removes = any(found.op == "remove" for found in changes)
    return Edit(f"{text}. It closes whatever else that let in, too." if removes else f"{text}.", changes)


def _without(context: Context, other: Unit, by: Iterable[Decision], direction: Direction) -> Iterator[Change]:
    """The changes after which none of some rules lets the other end pass; list items from the last to the first."""
    peers_of: dict[ObjectRef, dict[int, set[int]]] = {}
    for decision in by:
        last = decision.path[-1]
        named = peers_of.setdefault(decision.policy, {}).setdefault(decision.rule or 0, set())
        if len(decision.path) > 3 and isinstance(last, int):
            named.add(last)
    policies = {ref_of(policy): policy for policy in context.cluster.network_policies}
    for ref, by_rule in peers_of.items():
        policy, gone = policies[ref], 0
        for number, peers in sorted(by_rule.items(), reverse=True):
            for found in _rule_without(context, other, policy, (direction, number), peers):
                gone += found.op == "remove" and len(found.path) == 3
                yield found
        if gone == len(rules(policy, direction)) and not policy.spec.policy_types and direction is Direction.EGRESS:
            # Without policyTypes a policy isolates for egress only while it has egress rules (NET-03).
            yield Change("set", ref, ("spec", "policyTypes"), [TYPES[named] for named in directions(policy)])


def _rule_without(
    context: Context, other: Unit, policy: NetworkPolicy, place: tuple[Direction, int], peers: set[int]
) -> Iterator[Change]:
    direction, number = place
    ref, path = ref_of(policy), ("spec", str(direction), number)
    listed = rules(policy, direction)[number].peers
    inside: Path = (*path, PEERS[direction])
    narrowed = {item: make.excepting(listed[item], other) for item in sorted(peers)}
    if not listed:
        yield Change("set", ref, inside, list(make.all_but(context, other).items))
    elif all(narrowed.values()):
        for item, excluded in narrowed.items():
            yield Change("set", ref, (*inside, item, "ipBlock", "except"), excluded)
    elif len(peers) == len(listed):
        # An empty list of peers would let everything pass (NET-13), so the rule goes as a whole.
        yield Change("remove", ref, path)
    else:
        yield from (Change("remove", ref, (*inside, item)) for item in sorted(peers, reverse=True))


def _open(
    context: Context, source: Unit, target: Unit, verdict: ReachVerdict, ports: Sequence[Interval],
    families: Sequence[str],
) -> Edit:  # fmt: skip
    edits = [
        _opened_side(context, one, other, side, ports, families)
        for side, one, other in ((verdict.egress, source, target), (verdict.ingress, target, source))
        if side.state is State.BLOCKED
    ]
    refused = [edit for edit in edits if not edit.changes]
    if refused:
        return Edit(" ".join(edit.text for edit in refused))
    changes = tuple(found for edit in edits for found in edit.changes)
    lead = "Both: " if len(edits) > 1 else ""
    open_question = [side for side in (verdict.egress, verdict.ingress) if side.state is State.UNKNOWN]
    doubt = " It is then no longer blocked, but not known either." if open_question else ""
    return Edit(lead + " ".join(edit.text for edit in edits) + doubt, changes)


def _opened_side(
    context: Context, one: Unit, other: Unit, side: Side, ports: Sequence[Interval], families: Sequence[str]
) -> Edit:
    denied = [decision for decision in side.by if decision.action is Action.DENY]
    if denied:
        listed = "; ".join(f"{dotted(decision.path)} of {decision.policy}" for decision in denied)
        return Edit(f"Change what denies it, which no rule of a NetworkPolicy overrules: {listed}.")
    if not side.by and not context.reach.cni.isolates_all:
        what = f" ({', '.join(side.details)})" if side.details else ""
        return Edit(f"No policy opens this for {side.direction}: the network plugin keeps it back{what}.")
    foreign = [decision.policy for decision in side.by if not make.is_plain(decision.policy)]
    if foreign or side.basis not in ((Basis.POLICY,), (Basis.CNI_PROFILE,)):
        names = ", ".join(dict.fromkeys(map(str, foreign))) or "what blocks it"
        return Edit(f"Add a rule for {other.label} to {names}.")
    peers = make.peers_for(context, other, families)
    if not peers.items:
        return Edit(f"No NetworkPolicy opens this for {side.direction}: {peers.text}.")
    return _with_rule(context, one, side, make.rule(side.direction, peers.items, ports), peers)


def _with_rule(context: Context, one: Unit, side: Side, rule: dict[str, object], peers: Peers) -> Edit:
    """The rule in the policy that selects these pods alone; in a new one where none does: nothing else opens."""
    direction = side.direction
    own = [ref for ref in side.isolating if make.selects_only(context, ref, one.cls)]
    if own or (side.isolating and not make.labels(context, one)):
        ref = own[0] if own else side.isolating[0]
        text = f"Add a rule for {peers.text} to spec.{direction} of {ref}"
        wide = "" if own else f"; it opens every pod that policy selects, because {one.label} has no label of its own"
        return Edit(f"{text}{wide}.", (Change("append", ref, ("spec", str(direction)), rule),))
    made = make.policy(context, one, direction, [rule])
    isolating = ", ".join(map(str, side.isolating)) or "the default of the network plugin"
    text = f"Create {made.object} with a rule in spec.{direction} for {peers.text}, beside {isolating}"
    return Edit(f"{text}.", (made,))
