"""The RBAC policies about one right each, on every binding (checks.csv, theme rbac; rbac.md section 6.1)."""

from collections.abc import Iterator

from kubeaudit.findings import ObjectClass
from kubeaudit.rbac.access import Access, rule_evidence
from kubeaudit.rbac.dangers import Danger, danger
from kubeaudit.rbac.grants import Grant, RoleState, Subject
from kubeaudit.rbac.joint import Pair, pairs
from kubeaudit.rbac.reviewing import (
    SHOWN,
    Review,
    adds,
    binding_evidence,
    failed,
    given,
    matching,
    passed,
    people,
    place,
    unread,
)
from kubeaudit.refs import ObjectRef


def having(access: Access, name: str) -> Iterator[Review]:
    """Every binding that gives somebody a right, by itself or together with another one."""
    wanted, version = danger(name), access.cluster.version()
    joined = _joined(access, wanted)
    gated = bool(wanted.joint_since) and version in (None, wanted.joint_since)
    for grant in access.grants:
        subjects = matching(grant, adds)
        if not subjects or grant.object_class is ObjectClass.BUILTIN:
            yield passed(grant, subjects)
        elif grant.state is RoleState.UNREAD:
            yield unread(grant, subjects)
        elif rules := wanted.rules(grant):
            yield _given(grant, subjects, rules, wanted, wanted.note)
        elif rules := wanted.weak(grant):
            certain = version is not None and wanted.until is not None and version < wanted.until
            note = wanted.note if certain else wanted.note + wanted.weak_note
            yield _given(grant, subjects, rules, wanted, note, doubtful=not certain)
        elif grant.binding in joined:
            yield _joint(grant, joined[grant.binding], gated=gated)
        else:
            yield passed(grant, subjects)


def _given(
    grant: Grant,
    subjects: tuple[Subject, ...],
    rules: tuple[int, ...],
    wanted: Danger,
    note: str,
    *,
    doubtful: bool = False,
) -> Review:
    names = [name for rule in rules for name in grant.rules[rule].resource_names or ("",)]
    if all(names):
        distinct = list(dict.fromkeys(names))
        more = f" and {len(distinct) - SHOWN} more" if len(distinct) > SHOWN else ""
        note = f" (only {', '.join(distinct[:SHOWN])}{more}){note}"
    elif grant.scope:
        note += wanted.scoped_note
    return given(grant, subjects, rules, wanted.what, by_role=True, note=note, doubtful=doubtful)


def _joined(access: Access, wanted: Danger) -> dict[ObjectRef, list[Pair]]:
    """Pairs by the binding that the finding is about; none where the server is too old for the right."""
    version = access.cluster.version()
    found: dict[ObjectRef, list[Pair]] = {}
    if not wanted.joint_since or version is None or version >= wanted.joint_since:
        for joint in wanted.joint:
            for pair in pairs(access, joint):
                found.setdefault(pair.here.grant.binding, []).append(pair)
    return found


def _joint(grant: Grant, found: list[Pair], *, gated: bool) -> Review:
    """A binding that gives half of a right to somebody who has the other half; the first kind of pair is told."""
    joint, here, there = found[0].joint, found[0].here, found[0].there
    subjects = tuple(pair.here.subject for pair in found if pair.joint is joint)
    own = there.grant is grant
    rules = tuple(sorted({*here.rules, *(there.rules if own else ())}))
    listed = ", ".join(f"rules[{rule}]" for rule in rules[:SHOWN])
    text = f"{grant.binding} gives {people(subjects)} {joint.what} in {place(grant)}: {grant.role}, {listed}"
    evidence = binding_evidence(grant, subjects) + tuple(rule_evidence(grant, rule) for rule in rules)
    if not own:
        text += f", together with {there.grant.binding} of {there.grant.role}"
        evidence += binding_evidence(there.grant, (there.subject,))
        evidence += tuple(rule_evidence(there.grant, rule) for rule in there.rules)
    if joint.note:
        text += f", {joint.note}"
    if gated:
        text += ", where the server has constrained impersonation on (RBAC-48)"
    assumed = any(all(part.grant.is_assumed(rule) for rule in part.rules) for part in (here, there))
    return failed(grant, subjects, text, evidence, rules=rules, inferred=joint.doubtful or gated or assumed)
