"""AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy into masks (NET-80..99)."""

from collections.abc import Iterator, Sequence

from kubeaudit.kinds import by_key
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.admin import (
    AdminNetworkPolicy,
    BaselineAdminNetworkPolicy,
    ClusterNetworkPolicy,
    TierPolicy,
    networks,
    selects_nodes,
)
from kubeaudit.network.admin.fields import intervals, port_names
from kubeaudit.network.admin.rules import Form, NodePeers, RuleCompiler
from kubeaudit.network.compiled import ADMIN, BASELINE, CompiledPolicy, Tier
from kubeaudit.network.cuts import Cuts
from kubeaudit.network.masks import Masks
from kubeaudit.network.verdicts import Action, Direction
from kubeaudit.proof import Path
from kubeaudit.refs import ObjectRef

GROUP = "policy.networking.k8s.io"
_ADMIN, _BASELINE, _CLUSTER = (
    f"{plural}.{GROUP}" for plural in ("adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies")
)
RESOURCES = frozenset([_ADMIN, _BASELINE, _CLUSTER])
_TIERS = {"Admin": ADMIN, "Baseline": BASELINE}
_LAST_PRIORITY = 1000
_ONLY_NAME = "default"
_BOTH = ("namespaceSelector", "podSelector")
_FORMS = {
    _ADMIN: Form({"Allow": Action.ALLOW, "Deny": Action.DENY, "Pass": Action.PASS}, 100, _BOTH),
    _BASELINE: Form({"Allow": Action.ALLOW, "Deny": Action.DENY}, 100, _BOTH, domain_names=False),
    _CLUSTER: Form({"Accept": Action.ALLOW, "Deny": Action.DENY, "Pass": Action.PASS}, 25, ("podSelector",)),
}


def cuts(cluster: Cluster) -> Cuts:
    """Where policies of the tiers cut addresses and ports."""
    policies: list[TierPolicy] = [
        *cluster.held(_ADMIN, AdminNetworkPolicy),
        *cluster.held(_BASELINE, BaselineAdminNetworkPolicy),
        *cluster.held(_CLUSTER, ClusterNetworkPolicy),
    ]
    of_nodes = NodePeers(cluster).texts() if selects_nodes(policies) else frozenset()
    return Cuts(networks(policies) | of_nodes, frozenset(port_names(policies)), frozenset(intervals(policies)))


def compile_all(masks: Masks) -> Iterator[CompiledPolicy]:
    """Every policy of the two tiers."""
    found = list(_compiled(masks))
    _report_equal_names(masks, found)
    _report_equal_priorities(masks, found)
    yield from found


def _compiled(masks: Masks) -> Iterator[CompiledPolicy]:
    nodes = NodePeers(masks.cluster)
    for admin in masks.held(_ADMIN, AdminNetworkPolicy):
        yield _Compiler(masks, nodes, _ADMIN, admin).compiled(ADMIN)
    found = False
    for baseline in masks.held(_BASELINE, BaselineAdminNetworkPolicy):
        compiler = _Compiler(masks, nodes, _BASELINE, baseline)
        if baseline.metadata.name != _ONLY_NAME or found:
            compiler.ignored()
        else:
            found = True
            yield compiler.compiled(BASELINE)
    for policy in masks.held(_CLUSTER, ClusterNetworkPolicy):
        yield _Compiler(masks, nodes, _CLUSTER, policy).compiled(_TIERS.get(policy.spec.tier))


class _Compiler:
    """Compiles one policy."""

    def __init__(self, masks: Masks, nodes: NodePeers, resource: str, policy: TierPolicy) -> None:
        self._masks = masks
        self._resource = resource
        self._policy = policy
        self._ref = ObjectRef(by_key()[resource].kind, "", policy.metadata.name, GROUP)
        self._rules = RuleCompiler(masks, self._ref, _FORMS[resource], nodes)

    def compiled(self, tier: Tier | None) -> CompiledPolicy:
        """The policy in a tier; None where the object names no tier that exists."""
        reported = len(self._masks.problems)
        order = (float(self._priority()), "")
        subject = self._rules.subject(self._policy.spec.subject)
        if tier is None:
            self._report(("spec", "tier"), "the tier is not Admin or Baseline")
        if tier is None or subject is None:
            universe = self._masks.universe
            everyone = universe.classes & ~universe.host
            return CompiledPolicy(self._ref, self._resource, self._policy, 0, (), tier=tier or ADMIN, faulty=everyone)
        selected = subject.classes
        halves = [self._rules.half(self._policy, direction, selected) for direction in Direction]
        doubtful = any(not problem.harmless for problem in self._masks.problems[reported:])
        return CompiledPolicy(
            self._ref,
            self._resource,
            self._policy,
            selected,
            tuple(half for half in halves if half.entries),
            tier=tier,
            order=order,
            selector=("spec", "subject"),
            selects_by_namespace=subject.by_labels,
            faulty=selected if doubtful else 0,
            ordered=True,
        )

    def ignored(self) -> None:
        """Report a baseline policy that is not the one (NET-94)."""
        reason = f"only one BaselineAdminNetworkPolicy, named {_ONLY_NAME}, has effect; this one is ignored"
        self._report(("metadata", "name"), reason, harmless=True)

    def _priority(self) -> int:
        """The place in the tier; what has none is asked last (NET-81)."""
        if isinstance(self._policy, BaselineAdminNetworkPolicy):
            return 0
        priority = self._policy.spec.priority
        if priority is None:
            self._report(("spec", "priority"), "the priority is missing")
            return _LAST_PRIORITY + 1
        if not 0 <= priority <= _LAST_PRIORITY:
            self._report(("spec", "priority"), f"priority {priority} is not within 0 to {_LAST_PRIORITY}")
        return priority

    def _report(self, place: Path, reason: str, harmless: bool = False) -> None:
        self._masks.report(self._ref, place, reason, harmless)


def _report_equal_names(masks: Masks, policies: Sequence[CompiledPolicy]) -> None:
    seen: set[ObjectRef] = set()
    for policy in policies:
        if policy.ref in seen:
            reason = f"another {policy.ref.kind} has this name; a cluster holds only one of them"
            masks.report(policy.ref, ("metadata", "name"), reason, harmless=True)
        seen.add(policy.ref)


def _report_equal_priorities(masks: Masks, policies: Sequence[CompiledPolicy]) -> None:
    """Policies of one priority that meet on some pod: what they do to the same traffic is not defined (NET-86)."""
    groups: dict[tuple[Tier, float], list[CompiledPolicy]] = {}
    for policy in policies:
        groups.setdefault((policy.tier, policy.order[0]), []).append(policy)
    for (tier, priority), group in groups.items():
        if not _contradict(group):
            continue
        for number, policy in enumerate(group):
            for other in group[:number]:
                if policy.selected & other.selected and _contradict((policy, other)):
                    reason = f"{other.ref} has priority {priority:.0f} in tier {tier.name} too and selects some of the"
                    reason += " same pods; which of the two is asked first is not defined"
                    masks.report(policy.ref, ("spec", "priority"), reason, harmless=True)
                    break


def _contradict(policies: Sequence[CompiledPolicy]) -> bool:
    """Whether the order of policies may matter: in one direction they do different things."""
    for direction in Direction:
        halves = [half for half in (policy.half(direction) for policy in policies) if half is not None]
        if len(halves) > 1 and len({entry.action for half in halves for entry in half.entries}) > 1:
            return True
    return False
