"""Predicates about RBAC grants (rbac-*): each reviews every binding."""

from collections.abc import Callable, Iterator

from kubeaudit.findings import Certainty, ObjectClass, Subject, Verdict
from kubeaudit.model.cluster import object_class
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import parameter
from kubeaudit.policy.schema import Policy
from kubeaudit.rbac import review
from kubeaudit.rbac.access import Access
from kubeaudit.rbac.names import ref as named
from kubeaudit.world import World

_BOOTSTRAP = ("kubernetes.io/bootstrapping", "rbac-defaults")
_REVIEWS: dict[tuple[str, str], Callable[[Access], Iterator[review.Review]]] = {
    ("cluster-admin", ""): review.cluster_admin,
    ("wildcard", ""): review.wildcard,
    ("secrets-read", ""): review.secrets_read,
    ("", "anonymous"): review.anonymous,
    ("", "authenticated"): review.all_authenticated,
    ("", "system-masters"): review.system_masters,
}
"""What a policy may ask: by ``of`` (what is granted) or ``to`` (whom)."""


def grants(world: World, policy: Policy) -> Iterator[Judgement]:
    """Judge every binding by what it grants, or by whom it grants it to."""
    yield from _unbound(world)
    asked = _REVIEWS[parameter(policy, "of"), parameter(policy, "to")]
    for found in asked(world.context.access):
        group = found.object.group
        yield Judgement(
            subject=Subject(found.object, f"{group}/v1", found.uid, object_class=found.object_class),
            verdict=found.verdict,
            message=f"{found.message}." if found.verdict is Verdict.FAIL else "",
            evidence=found.evidence if found.verdict is Verdict.FAIL else (),
            cause=found.cause,
            unseen=found.unseen,
            certainty=Certainty.INFERRED if found.inferred else Certainty.OBSERVED,
        )


def _unbound(world: World) -> Iterator[Judgement]:
    """Roles that no binding refers to pass: a role nobody holds is no finding (REG-04)."""
    bound = {grant.role for grant in world.context.access.grants}
    for role in (*world.cluster.cluster_roles, *world.cluster.roles):
        ref = named("Role" if role.metadata.namespace else "ClusterRole", role.metadata)
        if ref not in bound:
            shipped = _BOOTSTRAP in role.metadata.labels.items()
            owner = ObjectClass.BUILTIN if shipped else object_class(ref)
            yield Judgement(Subject(ref, f"{ref.group}/v1", role.metadata.uid, object_class=owner), Verdict.PASS)
