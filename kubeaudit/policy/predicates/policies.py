"""Predicates about the policies of every dialect and their plugin: net-no-default-deny, net-cni-enforces,
net-cross-namespace, net-dangling-policy.
"""

from collections.abc import Iterator

from kubeaudit.findings import Cause, ObjectClass, Reason, Subject, Unseen, Verdict
from kubeaudit.model.cluster import object_class
from kubeaudit.model.objects.meta import LabelSelector
from kubeaudit.model.objects.networking import NetworkPolicy
from kubeaudit.model.selectors import bits_of
from kubeaudit.network.evidence import value_at
from kubeaudit.network.reach import Action, CompiledPolicy, Decision, Direction
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import subject
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import ANY, Evidence, Path, missing
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact
from kubeaudit.world import World

SYSTEM = ObjectRef("Namespace", "", "kube-system")
"""Stands for the cluster where no DaemonSet shows its plugin."""
_DNS = (("UDP", 53), ("TCP", 53), ("UDP", 5353), ("TCP", 5353))


def no_default_deny(world: World, _policy: Policy) -> Iterator[Judgement]:
    """A namespace in which a new pod may open or take connections because no policy selects it."""
    for name in sorted(world.cluster.namespaces):
        who = subject(ObjectRef("Namespace", "", name), "v1")
        defaults = {direction: world.context.reach.default(name, direction) for direction in Direction}
        open_in = [str(direction) for direction, found in defaults.items() if found.denies is Fact.NO]
        missed = tuple(sorted({word for found in defaults.values() for word in found.unseen}))
        if open_in:
            shown = tuple(_none_denies(world, name, direction) for direction in open_in)
            where = " and ".join(open_in)
            message = f"Namespace {name} has no default deny for {where}: a new pod without labels is open."
            yield Judgement(who, Verdict.FAIL, message, shown, value=", ".join(open_in))
        elif missed:
            yield Judgement(who, Verdict.NOT_EVALUATED, unseen=missed)
        else:
            yield Judgement(who, Verdict.PASS)


def _none_denies(world: World, namespace: str, direction: str) -> Evidence:
    if world.context.reach.cni.enforces is Fact.NO and world.context.reach.cni.evidence:
        return world.context.reach.cni.evidence[0]
    ref = ObjectRef("NetworkPolicy", namespace, ANY, "networking.k8s.io")
    return missing(ref, ("spec", "podSelector"), f"no policy denies {direction} of pods without labels")


def cni_enforces(world: World, _policy: Policy) -> Iterator[Judgement]:
    """Whether the network plugin enforces NetworkPolicy (NET-71..73)."""
    cni = world.context.reach.cni
    who = subject(cni.evidence[0].object if cni.evidence else SYSTEM)
    if cni.enforces is Fact.YES:
        yield Judgement(who, Verdict.PASS)
    elif cni.enforces is Fact.UNKNOWN:
        yield Judgement(who, Verdict.NOT_EVALUATED, unseen=cni.unseen, detail=cni.text)
    else:
        count = len(world.cluster.network_policies)
        text = f"{cni.text[:1].upper()}{cni.text[1:]}: {count} network policies have no effect."
        yield Judgement(who, Verdict.FAIL, text, cni.evidence)


def cross_namespace(world: World, _policy: Policy) -> Iterator[Judgement]:
    """A policy of a sensitive namespace that lets pods of other namespaces in, for more than DNS."""
    ports = world.context.reach.judge.ports
    dns = 0
    for protocol, number in _DNS:
        atom = ports.atom(protocol, number)
        if [(first, last) for _, first, last in ports.intervals(atom)] == [(number, number)]:
            dns |= atom
    for policy in world.context.reach.policies:
        who = subject(policy.ref, "", policy.source.metadata.uid)
        namespace = policy.ref.namespace
        if not namespace or not _sensitive(world, namespace):
            yield Judgement(who, Verdict.NOT_APPLICABLE)
            continue
        found = next(_opened(world, policy, dns), None)
        if found is None:
            yield Judgement(who, Verdict.PASS)
            continue
        decision, other = found
        message = f"{policy.ref} lets pods of other namespaces into {namespace}, such as those of {other}."
        cause = Cause(policy.ref, f"ingress rule {decision.rule} names pods of other namespaces")
        shown = world.context.reach.evidence(decision)
        yield Judgement(who, Verdict.FAIL, message, (shown,), cause, value=str(decision.rule))


def _sensitive(world: World, namespace: str) -> bool:
    """Namespaces of the system, and those that somebody declared a crown jewel (EXP-968)."""
    if object_class(ObjectRef("Namespace", "", namespace)) is ObjectClass.SYSTEM:
        return True
    return any(jewel.kind == "Namespace" and jewel.name == namespace for jewel in world.settings.crown_jewels)


def _opened(world: World, policy: CompiledPolicy, dns: int) -> Iterator[tuple[Decision, str]]:
    """Ingress rules that name pods of other namespaces; everything, or addresses, is another check's concern."""
    universe, classes = world.context.reach.judge.universe, world.cluster.classes
    own = universe.members.get(policy.ref.namespace, 0)
    half = policy.half(Direction.INGRESS)
    for entry in half.entries if half is not None else ():
        others = (universe.seen_in(entry.peers, "IPv4") | universe.seen_in(entry.peers, "IPv6")) & ~own
        if entry.action is not Action.ALLOW or universe.atoms_of(entry.peers) or not others or not entry.ports & ~dns:
            continue
        decision = Decision(policy.ref, Direction.INGRESS, entry.rule, entry.path, Action.ALLOW, policy.tier.name)
        yield decision, min(classes[bit].namespace for bit in bits_of(others))


def dangling_policy(world: World, _policy: Policy) -> Iterator[Judgement]:
    """A policy that selects no pod, or a peer of one that matches none (NET-11)."""
    for policy in world.context.reach.policies:
        who = subject(policy.ref, "", policy.source.metadata.uid)
        if policy.faulty:
            missed = Unseen(Reason.EVALUATION_ERROR, policy.resource, policy.ref.namespace, f"{policy.ref} is faulty")
            yield Judgement(who, Verdict.NOT_EVALUATED, unseen=(missed,))
        elif not policy.selected and not _selects_everything(policy):
            place = "cluster" if not policy.ref.namespace else f"namespace {policy.ref.namespace}"
            message = f"{policy.ref} selects no pod of the {place}."
            yield Judgement(
                who, Verdict.FAIL, message, (_shown(world, policy, None, policy.selector),), value="selector"
            )
        else:
            yield from _dangling_peers(world, who, policy)


def _selects_everything(policy: CompiledPolicy) -> bool:
    """Whether the selector is empty: then it waits for pods to come, and is no mistake."""
    return isinstance(policy.source, NetworkPolicy) and policy.source.spec.pod_selector == LabelSelector()


def _dangling_peers(world: World, who: Subject, policy: CompiledPolicy) -> Iterator[Judgement]:
    """Peers without pods. Manifests need not hold the other namespaces that a peer names, so those are not judged."""
    seen: dict[Path, int] = {}
    rules: dict[Path, tuple[int, Direction]] = {}
    for half in policy.halves:
        for entry in half.entries:
            seen[entry.path] = seen.get(entry.path, 0) | entry.peers | entry.maybe
            rules[entry.path] = (entry.rule, half.direction)
    live = world.cluster.header.source == "live"
    empty = [path for path, peers in seen.items() if not peers and (live or _stays_inside(policy, path))]
    if not empty:
        yield Judgement(who, Verdict.PASS)
    for path in empty:
        shown = (_shown(world, policy, rules[path], path),)
        message = f"A peer of {policy.ref} matches no pod."
        yield Judgement(who, Verdict.FAIL, message, shown, value=".".join(map(str, path)))


def _stays_inside(policy: CompiledPolicy, path: Path) -> bool:
    """Whether a peer names pods of the policy's own namespace."""
    shown = value_at(policy, path).value
    return isinstance(policy.source, NetworkPolicy) and "namespaceSelector" not in shown


def _shown(world: World, policy: CompiledPolicy, rule: tuple[int, Direction] | None, path: Path) -> Evidence:
    number, direction = rule or (None, Direction.INGRESS)
    action = Action.ALLOW if rule else Action.ISOLATE
    return world.context.reach.evidence(Decision(policy.ref, direction, number, path, action, policy.tier.name))
