"""exp-aws-auth-mapping: IAM principals that kube-system/aws-auth makes administrators (RBAC-60)."""

from collections.abc import Iterator

from kubeaudit.documents import compose_marked
from kubeaudit.edges.context import unseen
from kubeaudit.errors import UsageError
from kubeaudit.findings import Subject, Unseen, Verdict
from kubeaudit.model.objects.core import ConfigMap
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import subject
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import field
from kubeaudit.rbac.access import Access
from kubeaudit.rbac.identities import MASTERS
from kubeaudit.rbac.names import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from kubeaudit.refs import ObjectRef
from kubeaudit.world import World

_PLACE = ("kube-system", "aws-auth")
_LISTS = {"mapRoles": "rolearn", "mapUsers": "userarn"}
"""Keys of the ConfigMap, each with the field that names the principal in its entries."""


def aws_auth_mapping(world: World, _policy: Policy) -> Iterator[Judgement]:
    """Judge each list of the ConfigMap: who is mapped to system:masters or to what a binding makes cluster-admin.

    A list that cannot be parsed is a finding: the API server's authenticator cannot read it either.
    """
    found = world.cluster.config_maps.get(_PLACE)
    if found is None:
        return
    who = subject(ObjectRef("ConfigMap", *_PLACE), "v1", found.metadata.uid)
    given = [key for key in _LISTS if found.data.get(key, "").strip()]
    if not given:
        yield Judgement(who, Verdict.PASS)
    for key in given:
        yield _judge(world, who, found, key)


def _judge(world: World, who: Subject, found: ConfigMap, key: str) -> Judgement:
    shown = (field(who.object, ("data", key), found.data[key]),)
    try:
        entries = _entries(found.data[key], key)
    except UsageError as error:
        return Judgement(who, Verdict.FAIL, f"{who.object}: {key} cannot be parsed: {error.message}.", shown, value=key)
    admins, access = _admins(world.context.access), world.context.access
    mapped = [f"{arn} (as {name})" for arn, names in entries for name in names if name in admins]
    if mapped:
        more = f" and {len(mapped) - 5} more" if len(mapped) > 5 else ""
        message = f"{who.object} makes cluster-admin of {', '.join(mapped[:5])}{more}."
        return Judgement(who, Verdict.FAIL, message, shown, value=key)
    gaps = _unread(access)
    return Judgement(who, Verdict.NOT_EVALUATED if gaps else Verdict.PASS, unseen=gaps)


def _entries(text: str, key: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Principal, and the names it is mapped to: groups, and the user name."""
    value, _ = compose_marked(text, key)
    if not isinstance(value, list):
        raise UsageError("it is no list")
    found = []
    for number, entry in enumerate(value):
        if not isinstance(entry, dict) or not isinstance(groups := entry.get("groups") or [], list):
            raise UsageError(f"entry {number} is no mapping with a list of groups")
        arn = str(entry.get(_LISTS[key]) or f"entry {number}")
        found.append((arn, (*(f"Group {group}" for group in groups), f"User {entry.get('username')}")))
    return iter(found)


def _admins(access: Access) -> frozenset[str]:
    """Groups and users that are cluster-admin: by the authorizer itself, or by a binding in effect (EXP-625)."""
    bound = (str(one) for grant in access.grants if grant.cluster_admin is not None for one in grant.subjects)
    return frozenset((f"Group {MASTERS}", *bound))


def _unread(access: Access) -> tuple[Unseen, ...]:
    gaps = (access.cluster.complete.gap(key) for key in (CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES))
    return tuple(sorted({unseen(gap) for gap in gaps if gap is not None}))
