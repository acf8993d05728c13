"""The rules of every ClusterRole, with aggregated ones filled in as the controller would (RBAC-34..37)."""

from collections.abc import Iterable, Mapping, Set

from msgspec import Struct

from kubeaudit.findings import Cause
from kubeaudit.model.objects.rbac import PolicyRule, Role
from kubeaudit.model.selectors import InvalidSelectorError, LabelIndex, bits_of, index
from kubeaudit.rbac.names import ref
from kubeaudit.refs import ObjectRef


class Origin(Struct, frozen=True):
    """Where a rule of an aggregated ClusterRole is written: the role and the index among its rules.

    ``assumed``: the role is not among the files that were read, but every API server creates it.
    """

    role: ObjectRef
    index: int
    assumed: bool


class Filled(Struct, frozen=True):
    """The rules of a role in effect. ``origins`` has one entry per rule of an aggregated role, none for any other.

    ``declared``: the role is a manifest whose rules were computed here, so they do not stand in the object itself.
    """

    role: Role
    rules: tuple[PolicyRule, ...]
    origins: tuple[Origin | None, ...] = ()
    declared: bool = False


class Aggregated(Struct, frozen=True):
    """ClusterRoles by name; ``dead`` are texts without effect: invalid selectors, overwritten rules (RBAC-36)."""

    roles: dict[str, Filled]
    dead: tuple[Cause, ...]


def aggregate(cluster_roles: Iterable[Role], shipped: Mapping[str, Role]) -> Aggregated:
    """Fill in aggregated ClusterRoles. ``shipped`` are roles that exist beside them though they were not read.

    An object that carries a uid comes from a server whose controller has filled it: it is used as it is (RBAC-34). A
    manifest gets the union of the roles its selectors match, itself left out, until nothing changes (RBAC-35). Of
    several roles of one name the last counts, as it does when they are applied.
    """
    named = {role.metadata.name: role for role in cluster_roles}
    assumed = shipped.keys() - named.keys()
    roles = sorted((dict(shipped) | named).values(), key=lambda role: role.metadata.name)
    labels = index([role.metadata.labels for role in roles])
    dead: list[Cause] = []
    sources = {
        role.metadata.name: [source for source in _selected(role, roles, labels, dead) if source is not role]
        for role in roles
        if role.aggregation_rule
    }
    rules = _union(roles, sources)
    filled = {}
    for role in named.values():
        name, declared = role.metadata.name, bool(role.aggregation_rule) and not role.metadata.uid
        if declared and set(role.rules) - set(rules[name]):
            dead.append(Cause(_ref(role), "the controller overwrites rules that stand beside an aggregationRule"))
        filled[name] = Filled(role, rules[name], _origins(role, rules[name], sources, assumed), declared)
    return Aggregated(filled, tuple(dead))


def _selected(role: Role, roles: list[Role], labels: LabelIndex, dead: list[Cause]) -> list[Role]:
    mask = 0
    for selector in role.aggregation_rule.cluster_role_selectors if role.aggregation_rule else ():
        try:
            mask |= labels.select(selector)
        except InvalidSelectorError as error:
            dead.append(Cause(_ref(role), f"a selector of its aggregationRule matches nothing: {error}"))
    return [roles[position] for position in bits_of(mask)]


def _union(roles: list[Role], sources: dict[str, list[Role]]) -> dict[str, tuple[PolicyRule, ...]]:
    """Rules by role name at the fix-point: an aggregated role may feed another, as edit feeds admin."""
    declared = [role.metadata.name for role in roles if role.aggregation_rule and not role.metadata.uid]
    rules = {role.metadata.name: role.rules for role in roles} | dict.fromkeys(declared, ())
    changed = True
    while changed:
        changed = False
        for name in declared:
            union = tuple(dict.fromkeys(rule for source in sources[name] for rule in rules[source.metadata.name]))
            # Sets grow only, so equal sizes are equal sets; order may differ while a cycle of roles settles.
            if len(union) != len(rules[name]):
                rules[name], changed = union, True
    return rules


def _origins(
    role: Role, rules: tuple[PolicyRule, ...], sources: dict[str, list[Role]], assumed: Set[str]
) -> tuple[Origin | None, ...]:
    """For each rule of an aggregated role where it is written out; aggregated sources are followed to theirs."""
    if not role.aggregation_rule:
        return ()
    written: dict[PolicyRule, Origin] = {}
    seen, pending = {role.metadata.name}, list(sources[role.metadata.name])
    for source in pending:
        if source.metadata.name in seen:
            continue
        seen.add(source.metadata.name)
        if source.aggregation_rule:
            pending.extend(sources[source.metadata.name])
            continue
        for position, rule in enumerate(source.rules):
            written.setdefault(rule, Origin(_ref(source), position, source.metadata.name in assumed))
    return tuple(written.get(rule) for rule in rules)


def _ref(role: Role) -> ObjectRef:
    return ref("ClusterRole", role.metadata)
