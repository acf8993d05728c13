"""Constrained impersonation: acting as somebody, for the requests that a rule lists (RBAC-E12, RBAC-48)."""

from collections.abc import Iterator

from msgspec import structs

from kubeaudit.edges.scene import Scene
from kubeaudit.edges.steps import Step, place
from kubeaudit.edges.vocabulary import RBAC_CONSTRAINED
from kubeaudit.findings import ObjectClass
from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.proof import Assumption, Confidence, State
from kubeaudit.rbac.grants import Grant
from kubeaudit.rbac.impersonation import AUTHENTICATION, Mode
from kubeaudit.rbac.rights import LIMITED, Key, Right, Rights
from kubeaudit.refs import Vertex, VertexKind

RESOURCES: dict[Mode, Key] = {
    Mode.USER_INFO: (AUTHENTICATION, "users"),
    Mode.SERVICE_ACCOUNT: (AUTHENTICATION, "serviceaccounts"),
    Mode.ARBITRARY_NODE: (AUTHENTICATION, "nodes"),
    Mode.ASSOCIATED_NODE: (AUTHENTICATION, "nodes"),
}
KEYS: tuple[Key, ...] = tuple(dict.fromkeys(RESOURCES.values()))
JOINT = (*KEYS, LIMITED)
CLUSTER_KINDS: tuple[Key, ...] = ((AUTHENTICATION, "users"), (AUTHENTICATION, "nodes"))
_ON, _GATED = (1, 36), (1, 35)
_ALLOWED = Assumption("impersonated-rights", "somebody who may be impersonated is allowed these requests")


def joint(scene: Scene, rights: Rights) -> Iterator[Step]:
    """The right to act as somebody, and the requests that it is good for: one step for each grant of requests."""
    limits = rights.held.get(LIMITED, ())
    if not limits:
        return
    state, why = scene.since(on=_ON, gated=_GATED, what="constrained impersonation")
    if state is State.BLOCKED:
        return
    for mode, key in RESOURCES.items():
        acting = rights.some(key, f"impersonate:{mode}")
        if acting is None:
            continue
        for grant in {id(grant): grant for grant, _ in limits}.values():
            rules = _requests(grant, mode)
            if rules:
                target = Vertex(VertexKind.GRANT, grant.scope, f"as a {mode}@{grant.binding.kind}/{grant.binding.name}")
                scene.note(target, _limited(scene, grant, rules))
                first = next(hit.rule for held, hit in limits if held is grant)
                used = (acting, Right(grant, first, LIMITED, f"{LIMITED[1]}{mode}"))
                does = f"may {acting}, for the requests that {grant.role} lists {place(grant.scope)}"
                yield Step(RBAC_CONSTRAINED, target, does, used, state, Confidence.ENV, (_ALLOWED,), why)


def _requests(grant: Grant, mode: Mode) -> tuple[PolicyRule, ...]:
    """The rules of a grant as they are for the one who is impersonated."""
    prefix = f"{LIMITED[1]}{mode}:"
    verbs = (tuple(verb.removeprefix(prefix) for verb in rule.verbs if verb.startswith(prefix)) for rule in grant.rules)
    found = zip(grant.rules, verbs, strict=True)
    return tuple(structs.replace(rule, verbs=allowed) for rule, allowed in found if allowed)


def _limited(scene: Scene, grant: Grant, rules: tuple[PolicyRule, ...]) -> Grant:
    # The rules stand in the role with longer verbs, and a fix belongs to the step before.
    return structs.replace(
        grant, rule_set=scene.intern(rules), origins=(), subjects=(), object_class=ObjectClass.BUILTIN
    )
