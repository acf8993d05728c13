"""Predicates about RBAC grants (rbac-*): each reviews every binding."""

from collections.abc import Callable, Iterator

from kubeaudit.findings import Certainty, ObjectClass, Subject, Verdict
from kubeaudit.model.cluster import object_class
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import parameter
from kubeaudit.policy.schema import Policy
from kubeaudit.rbac import review, review_dangers, review_roles, review_subjects
from kubeaudit.rbac.access import Access
from kubeaudit.rbac.baseline import LABEL
from kubeaudit.rbac.names import ref as named
from kubeaudit.rbac.reviewing import Review
from kubeaudit.world import World

_REVIEWS: dict[tuple[str, str], Callable[[Access], Iterator[Review]]] = {
    ("cluster-admin", ""): review.cluster_admin,
    ("wildcard", ""): review.wildcard,
    ("secrets-read", ""): review.secrets_read,
    ("", "anonymous"): review.anonymous,
    ("", "authenticated"): review.all_authenticated,
    ("", "system-masters"): review.system_masters,
    ("secrets-cross-namespace", ""): review_subjects.cross_namespace_secrets,
    ("", "default-accounts"): review_subjects.default_accounts,
    ("", "missing-accounts"): review_subjects.dangling,
    ("aggregation-hijack", ""): review_roles.aggregation_hijack,
    ("aws-auth-write", ""): review_roles.aws_auth_write,
}
"""What a policy may ask beside the dangers of ``rbac.dangers``: by ``of`` (what is granted) or ``to`` (whom)."""


def grants(world: World, policy: Policy) -> Iterator[Judgement]:
    """Judge every binding by what it grants, or by whom it grants it to."""
    access, of, to = world.context.access, parameter(policy, "of"), parameter(policy, "to")
    asked = _REVIEWS.get((of, to))
    said = tuple(map(judgement, asked(access) if asked else review_dangers.having(access, of)))
    elsewhere = any(one.verdict is Verdict.NOT_APPLICABLE for one in said)
    yield from unbound(world, Verdict.NOT_APPLICABLE if elsewhere else Verdict.PASS)
    yield from said


def inventory(world: World, _policy: Policy) -> Iterator[Judgement]:
    """Judge every ServiceAccount by whether it holds anything (rbac-inventory)."""
    yield from map(judgement, review_subjects.inventory(world.context.access))


def judgement(found: Review) -> Judgement:
    """A review as a judgement: only failures carry words and evidence."""
    failed, group = found.verdict is Verdict.FAIL, found.object.group
    return Judgement(
        subject=Subject(found.object, f"{group}/v1" if group else "v1", found.uid, object_class=found.object_class),
        verdict=found.verdict,
        message=f"{found.message}." if failed else "",
        evidence=found.evidence if failed else (),
        cause=found.cause,
        unseen=found.unseen,
        certainty=Certainty.INFERRED if found.inferred else Certainty.OBSERVED,
    )


def unbound(world: World, verdict: Verdict = Verdict.PASS) -> Iterator[Judgement]:
    """Roles that no binding refers to pass, where the question applies: a role nobody holds is no finding (REG-04)."""
    bound = {grant.role for grant in world.context.access.grants}
    for role in (*world.cluster.cluster_roles, *world.cluster.roles):
        ref = named("Role" if role.metadata.namespace else "ClusterRole", role.metadata)
        if ref not in bound:
            shipped = LABEL in role.metadata.labels.items()
            owner = ObjectClass.BUILTIN if shipped else object_class(ref)
            yield Judgement(Subject(ref, f"{ref.group}/v1", role.metadata.uid, object_class=owner), verdict)
