"""Predicates about network policies: net-namespace-no-policy, net-pod-uncovered, net-allow-all."""

from collections.abc import Iterator

from kubeaudit.edges.context import unseen
from kubeaudit.findings import Cause, Unseen, Verdict
from kubeaudit.kinds import KINDS
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import classes_by_workload, members, subject, workload_subject
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import ANY, missing
from kubeaudit.refs import ObjectRef
from kubeaudit.world import World

GROUP = "networking.k8s.io"
_DIRECTIONS = ("ingress", "egress")


def namespace_without_policy(world: World, _policy: Policy) -> Iterator[Judgement]:
    """A namespace that runs pods and holds no network policy of any kind."""
    with_policy = _with_policy(world)
    unread = _Unread(world)
    populated: dict[str, int] = {}
    for cls in world.cluster.classes:
        populated[cls.namespace] = populated.get(cls.namespace, 0) + len(cls.pods)
    for name in sorted(world.cluster.namespaces):
        who = subject(ObjectRef("Namespace", "", name), "v1")
        if name not in populated:
            yield Judgement(who, Verdict.NOT_APPLICABLE)
        elif name in with_policy:
            yield Judgement(who, Verdict.PASS)
        elif others := unread.of(name):
            yield Judgement(who, Verdict.NOT_EVALUATED, unseen=others)
        else:
            none = missing(
                ObjectRef("NetworkPolicy", name, ANY, GROUP), ("metadata", "name"), "the namespace holds none"
            )
            message = f"Namespace {name} runs workloads and has no network policy."
            yield Judgement(who, Verdict.FAIL, message, (none,), instances=populated[name])


def pod_not_isolated(world: World, _policy: Policy) -> Iterator[Judgement]:
    """A workload some of whose pods no policy selects in a direction; policies do not bind host-network pods."""
    unread = _Unread(world)
    with_policy = _with_policy(world)
    for index, classes in classes_by_workload(world):
        who = workload_subject(world, index)
        bound = [cls for cls in classes if not cls.shape.host_network]
        if not bound:
            yield Judgement(who, Verdict.NOT_APPLICABLE)
            continue
        open_in = [d for d in _DIRECTIONS if any(not world.context.reach.isolating(cls.index, d) for cls in bound)]
        if not open_in:
            yield Judgement(who, Verdict.PASS)
        elif others := unread.of(who.object.namespace):
            yield Judgement(who, Verdict.NOT_EVALUATED, unseen=others)
        else:
            yield _uncovered(world, index, bound, open_in, with_policy)


def _with_policy(world: World) -> set[str]:
    """Namespaces that hold a policy of any kind, or whose pods one of the cluster selects."""
    found = {policy.ref.namespace for policy in world.context.reach.policies}
    wide = 0
    for policy in world.context.reach.policies:
        wide |= policy.selected if not policy.ref.namespace else 0
    return found | {name for name, held in world.context.reach.judge.universe.members.items() if held & wide}


class _Unread:
    """Policies that were not read, or are of a kind that is not evaluated yet, by namespace: absence is no evidence
    then.
    """

    def __init__(self, world: World) -> None:
        self._complete = world.cluster.complete
        self._others = set(world.context.reach.unevaluated())
        self._known: dict[str, tuple[Unseen, ...]] = {}

    def of(self, namespace: str) -> tuple[Unseen, ...]:
        """What may hold a policy for a namespace."""
        if namespace not in self._known:
            gaps = (self._complete.gap(kind.key, namespace) for kind in KINDS if "policy" in kind.marks)
            self._known[namespace] = tuple(sorted({unseen(gap) for gap in gaps if gap is not None} | self._others))
        return self._known[namespace]


def _uncovered(
    world: World, index: int, classes: list[WorkloadClass], directions: list[str], with_policy: set[str]
) -> Judgement:
    who = workload_subject(world, index)
    namespace = who.object.namespace
    affected = [c for c in classes if any(not world.context.reach.isolating(c.index, d) for d in directions)]
    count, names = members(world, affected)
    everywhere = namespace not in with_policy
    shown = tuple(
        missing(
            ObjectRef("NetworkPolicy", namespace, ANY, GROUP), ("spec", "policyTypes"), f"none selects the pods for {d}"
        )
        for d in directions
    )
    where = ObjectRef("Namespace", "", namespace)
    text = (
        "has no network policy"
        if everywhere
        else f"has no policy that selects these pods for {' and '.join(directions)}"
    )
    message = f"No network policy selects {who.object} for {' and '.join(directions)}."
    return Judgement(
        who, Verdict.FAIL, message, shown, Cause(where, text), value=", ".join(directions), instances=count, pods=names
    )  # fmt: skip


def policy_allows_all(world: World, _policy: Policy) -> Iterator[Judgement]:
    """A NetworkPolicy with a rule that allows every peer on every port in a direction."""
    found: dict[ObjectRef, Judgement] = {}
    for rule in world.context.reach.allow_all_rules():
        message = f"{rule.policy} allows every peer on every port for {rule.direction}."
        cause = Cause(rule.policy, f"{rule.direction} rule {rule.rule} allows everything")
        found.setdefault(
            rule.policy,
            Judgement(
                subject(rule.policy, f"{GROUP}/v1"),
                Verdict.FAIL,
                message,
                (rule.evidence,),
                cause,
                value=str(rule.direction),
            ),
        )
    for policy in world.cluster.network_policies:
        ref = ObjectRef("NetworkPolicy", policy.metadata.namespace, policy.metadata.name, GROUP)
        yield found.get(ref) or Judgement(subject(ref, f"{GROUP}/v1", policy.metadata.uid), Verdict.PASS)
