"""The escalations of some grants: which rows they meet, one by one and together."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.edges import admission, authority, credentials, limited, operators, pods, tampering
from kubeaudit.edges.operators import Deputy
from kubeaudit.edges.scene import Scene
from kubeaudit.edges.steps import Step
from kubeaudit.rbac.grants import Grant
from kubeaudit.rbac.powers import RuleSet
from kubeaudit.rbac.rights import Finder, Key, Rights, finder, rights

_FAMILIES = (pods, credentials, authority, admission, tampering, limited)
KEYS: tuple[Key, ...] = tuple(dict.fromkeys(key for family in _FAMILIES for key in family.KEYS))
JOINT: frozenset[Key] = frozenset(key for family in _FAMILIES for key in family.JOINT)
CLUSTER_KINDS: frozenset[Key] = frozenset(key for family in _FAMILIES for key in family.CLUSTER_KINDS)
_ROLES = (authority.ROLES, authority.CLUSTER_ROLES)


class Judge(Struct, frozen=True):
    """What is needed to judge grants: the scene, the rules that matter, and the operators that run."""

    scene: Scene
    find: Finder
    deputies: tuple[Deputy, ...]

    def rights(
        self,
        grants: tuple[Grant, ...],
        scope: str,
        bound: tuple[Grant, ...] | None = None,
        everywhere: bool = False,
    ) -> Rights:
        """What some grants of one identity allow together in a scope."""
        return rights(grants, self.find, CLUSTER_KINDS, scope, bound, everywhere)

    def single(self, held: Rights) -> Iterator[Step]:
        """The rows that one right meets."""
        if not held.held:
            return
        yield from pods.single(self.scene, held)
        yield from credentials.single(self.scene, held)
        yield from authority.single(self.scene, held)
        yield from admission.single(self.scene, held)
        yield from tampering.single(self.scene, held)
        yield from operators.single(self.deputies, held)

    def joint(self, held: Rights) -> Iterator[Step]:
        """The rows that several rights meet together (EXP-34)."""
        yield from pods.joint(self.scene, held)
        yield from credentials.joint(self.scene, held)
        yield from authority.joint(self.scene, held)
        yield from admission.joint(self.scene, held)
        yield from tampering.joint(self.scene, held)
        yield from limited.joint(self.scene, held)

    def is_part(self, grant: Grant) -> bool:
        """Whether a grant gives a part of something that several rights make up, and not everything at once."""
        return grant.cluster_admin is None and not JOINT.isdisjoint(self.find(grant.rule_set))

    def escalates(self, rule_set: RuleSet) -> bool:
        """Whether a list of rules lets roles be given rules that their writer does not hold (RBAC-39)."""
        hits = self.find(rule_set)
        return any({"escalate", "*"} & set(hit.verbs) for key in _ROLES for hit in hits.get(key, ()))


def judge(scene: Scene) -> Judge:
    """A judge of the grants of a scene."""
    found = operators.deputies(scene.context)
    watched = (*KEYS, *(key for deputy in found for key in deputy.keys))
    return Judge(scene, finder(watched), found)
