"""Whether admission lets a pod that takes over its node into a namespace (EXP-605, RBAC-66).

PodSecurity labels decide; webhooks and ValidatingAdmissionPolicies that see pods may refuse one, and what they look at
is not judged: such a namespace is unknown, never safe.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.edges.context import unseen
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.admission import MatchResources, ResourceRule
from kubeaudit.model.objects.meta import LabelSelector
from kubeaudit.model.selectors import InvalidSelectorError, LabelIndex, index
from kubeaudit.proof import Assumption, Confidence, Evidence, State, field, missing
from kubeaudit.refs import ObjectRef

ENFORCE = "pod-security.kubernetes.io/enforce"
_GROUP = "admissionregistration.k8s.io"
_GUARDS = tuple(
    f"{plural}.{_GROUP}"
    for plural in (
        "validatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    )
)
_CONSTRAINTS = "securitycontextconstraints.security.openshift.io"
_POD_SECURITY, _NO_POD_SECURITY_POLICY = (1, 23), (1, 25)
NO_EXEMPTION = Assumption("pod-security-exemptions", "the API server exempts nobody from PodSecurity admission")
NO_DEFAULT = Assumption("pod-security-default", "the API server enforces no PodSecurity level by default")


class Gate(Struct, frozen=True):
    """Whether a pod that takes over its node may be made in a namespace; ``seen_by`` may refuse any pod there."""

    state: State
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    assumptions: tuple[Assumption, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    seen_by: tuple[ObjectRef, ...] = ()


def gates(cluster: Cluster) -> dict[str, Gate]:
    """The gate of every namespace."""
    names = sorted(cluster.namespaces)
    labels = index([cluster.namespaces[name] for name in names])
    seeing = list(_seeing(cluster, labels))
    gap = cluster.complete.first_gap(("namespaces", *_GUARDS))
    unread = unseen(gap) if gap is not None else None
    return {
        name: _gate(cluster, name, tuple(ref for ref, mask in seeing if mask >> bit & 1), unread)
        for bit, name in enumerate(names)
    }


def _gate(cluster: Cluster, name: str, seen_by: tuple[ObjectRef, ...], unread: Unseen | None) -> Gate:
    level = cluster.namespaces[name].get(ENFORCE)
    ref, path, version = ObjectRef("Namespace", "", name), ("metadata", "labels", ENFORCE), cluster.version()
    if level is not None and level != "privileged":
        # A level that does not exist counts as the strictest.
        shown = (field(ref, path, level),)
        if version is None:
            return Gate(State.UNKNOWN, Confidence.ENV, shown, (), (_since("PodSecurity admission"),), seen_by)
        if version >= _POD_SECURITY:
            return Gate(State.BLOCKED, Confidence.ENV, shown, (NO_EXEMPTION,), (), seen_by)
    shown = (field(ref, path, level) if level is not None else missing(ref, path),)
    doubts = tuple(_doubts(cluster, version, seen_by, unread))
    state = State.UNKNOWN if doubts else State.YES
    if level is not None:
        return Gate(state, Confidence.OBJ, shown, (), doubts, seen_by)
    return Gate(state, Confidence.ENV, shown, (NO_DEFAULT,), doubts, seen_by)


def _doubts(
    cluster: Cluster, version: tuple[int, int] | None, seen_by: tuple[ObjectRef, ...], unread: Unseen | None
) -> Iterator[Unseen]:
    if unread is not None:
        yield unread
    for ref in seen_by:
        yield Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=f"{ref} sees pods of this namespace and may refuse them")
    if version is not None and version < _NO_POD_SECURITY_POLICY:
        yield Unseen(Reason.OPT_IN, "podsecuritypolicies.policy", detail="was not asked for")
    if cluster.counts.get(_CONSTRAINTS):
        detail = "SecurityContextConstraints may refuse them"
        yield Unseen(Reason.UNKNOWN_IMPLEMENTATION, _CONSTRAINTS, detail=detail)


def _since(what: str) -> Unseen:
    return Unseen(Reason.CONTROL_PLANE_NOT_VISIBLE, detail=f"the server's version decides whether it has {what}")


def _seeing(cluster: Cluster, labels: LabelIndex) -> Iterator[tuple[ObjectRef, int]]:
    """What may refuse pods, and the mask of the namespaces where it sees them."""
    for configuration in cluster.extensions.validating_webhooks:
        ref = ObjectRef("ValidatingWebhookConfiguration", "", configuration.metadata.name, _GROUP)
        mask = 0
        for webhook in configuration.webhooks:
            if _on_pods(webhook.rules):
                mask |= _selected(labels, webhook.namespace_selector)
        yield ref, mask
    policies = {policy.metadata.name: policy for policy in cluster.extensions.admission_policies}
    for binding in cluster.extensions.admission_bindings:
        policy = policies.get(binding.spec.policy_name)
        match = binding.spec.match_resources
        if policy and "Deny" in binding.spec.validation_actions and _may_match(policy.spec.match_constraints, match):
            ref = ObjectRef("ValidatingAdmissionPolicy", "", policy.metadata.name, _GROUP)
            selectors = (policy.spec.match_constraints.namespace_selector, match.namespace_selector)
            yield ref, _selected(labels, selectors[0]) & _selected(labels, selectors[1])


def _may_match(policy: MatchResources, binding: MatchResources) -> bool:
    return _on_pods(policy.resource_rules) and (not binding.resource_rules or _on_pods(binding.resource_rules))


def _on_pods(rules: Iterable[ResourceRule]) -> bool:
    """Whether rules of admission match the creation of pods: ``pods/*`` are their subresources only."""
    return any(
        {"*", "CREATE"} & set(rule.operations)
        and {"*", ""} & set(rule.api_groups)
        and {"*", "*/*", "pods"} & set(rule.resources)
        for rule in rules
    )


def _selected(labels: LabelIndex, selector: LabelSelector) -> int:
    try:
        return labels.select(selector)
    except InvalidSelectorError:
        return labels.everything
