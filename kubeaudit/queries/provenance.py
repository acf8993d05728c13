"""Grants as answers show them: binding, subject, role, rule, with the fields that decide (RBAC-P4)."""

from msgspec import Struct

from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.proof import Evidence
from kubeaudit.rbac.access import Held, rule_evidence, subject_evidence
from kubeaudit.rbac.grants import Grant, RoleState, Subject
from kubeaudit.refs import ObjectRef


class Use(Struct, frozen=True, order=True, omit_defaults=True):
    """One rule that a subject holds through one binding.

    ``scope`` is the namespace it holds in, "" for the whole cluster. ``via`` is the group it comes by, "" for the
    subject's own name. ``origin`` is the role the rule is written in where another aggregates it (RBAC-37).
    ``assumed``: the role was not among the files, every API server creates it.
    """

    binding: ObjectRef
    role: ObjectRef
    scope: str
    rule: int
    subject: str
    subject_index: int
    via: str = ""
    origin: ObjectRef | None = None
    assumed: bool = False
    evidence: tuple[Evidence, ...] = ()

    def __str__(self) -> str:
        where = f" in {self.scope}" if self.scope else ""
        written = f", written in {self.origin}" if self.origin else ""
        group = f", as member of Group {self.via}" if self.via else ""
        return f"{self.binding} subjects[{self.subject_index}] -> {self.role} rules[{self.rule}]{written}{where}{group}"


def use(held: Held, rule: int) -> Use:
    """A held grant and the rule of it that counts."""
    return use_of(held.grant, held.subject, rule, held.via)


def use_of(grant: Grant, subject: Subject, rule: int, via: str = "") -> Use:
    """A grant through one of its subjects and the rule of it that counts."""
    origin = grant.origins[rule] if grant.origins else None
    return Use(
        binding=grant.binding,
        role=grant.role,
        scope=grant.scope,
        rule=rule,
        subject=str(subject),
        subject_index=subject.index,
        via=via,
        origin=origin.role if origin else None,
        assumed=grant.is_assumed(rule),
        evidence=(*subject_evidence(grant, subject), rule_evidence(grant, rule)),
    )


class Dormant(Struct, frozen=True, order=True):
    """A binding to a role that does not exist: it gives nothing until somebody creates the role (RBAC-23)."""

    binding: ObjectRef
    role: ObjectRef
    subject: str

    def __str__(self) -> str:
        return f"{self.binding} gives {self.subject} {self.role}, which does not exist: whoever creates it decides"


def dormant(held: tuple[Held, ...]) -> tuple[Dormant, ...]:
    """The bindings among held grants whose role does not exist."""
    return tuple(
        Dormant(each.grant.binding, each.grant.role, str(each.subject))
        for each in held
        if each.grant.state is RoleState.MISSING
    )


class Ignored(Struct, frozen=True, order=True):
    """An entry of a binding's subjects that matches nobody (RBAC-24)."""

    binding: ObjectRef
    subject: str
    subject_index: int
    reason: str

    def __str__(self) -> str:
        return f"{self.binding} subjects[{self.subject_index}], {self.subject}: {self.reason}"


def ignored(grant: Grant) -> tuple[Ignored, ...]:
    """The subjects of a binding that match nobody, each with the reason."""
    return tuple(
        Ignored(grant.binding, str(subject), subject.index, _why_ignored(subject))
        for subject in grant.subjects
        if subject.user is None and subject.group is None
    )


def _why_ignored(subject: Subject) -> str:
    if subject.kind == "ServiceAccount":
        return "a ServiceAccount in a ClusterRoleBinding needs a namespace, so it matches nobody"
    return f"kind {subject.kind!r} is none of User, Group and ServiceAccount, so it matches nobody"


def text_of(rule: PolicyRule) -> str:
    """A rule in one line: verbs, resources with their groups, names or URLs."""
    verbs = ",".join(rule.verbs) or "(no verbs)"
    if rule.non_resource_urls:
        return f"{verbs} {','.join(rule.non_resource_urls)}"
    groups = ",".join(group or "core" for group in rule.api_groups) or "(no apiGroups)"
    names = f" names {','.join(rule.resource_names)}" if rule.resource_names else ""
    return f"{verbs} {','.join(rule.resources) or '(no resources)'} of {groups}{names}"
