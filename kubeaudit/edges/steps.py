"""One escalation before it is an edge: what it takes, where it leads, and how it is told (EXP-31, EXP-34)."""

from collections.abc import Mapping

from msgspec import Struct

from kubeaudit.edges.contract import Edge
from kubeaudit.edges.vocabulary import ROWS
from kubeaudit.findings import ObjectClass, Unseen
from kubeaudit.proof import Assumption, Confidence, Evidence, State
from kubeaudit.rbac.access import rule_evidence, subject_evidence
from kubeaudit.rbac.grants import Grant, RoleState, Subject
from kubeaudit.rbac.rights import Right
from kubeaudit.refs import Vertex


class Step(Struct, frozen=True):
    """One escalation. ``does`` is the predicate of its sentence; ``used`` are the rights it takes, all of them."""

    row: str
    target: Vertex
    does: str
    used: tuple[Right, ...]
    state: State = State.YES
    confidence: Confidence = Confidence.OBJ
    assumptions: tuple[Assumption, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    evidence: tuple[Evidence, ...] = ()


def place(scope: str) -> str:
    """A scope in a sentence."""
    return f"in namespace {scope}" if scope else "in every namespace"


def edge_of(step: Step, source: Vertex, who: str, subjects: Mapping[int, Subject] | None = None) -> Edge:
    """The edge of a step. ``subjects`` name the holder in each grant, by the grant's identity, where the source is the
    holder and not one grant.
    """
    evidence: dict[Evidence, None] = {}
    for right in step.used:
        subject = (subjects or {}).get(id(right.grant))
        if subject is not None:
            evidence.update(dict.fromkeys(subject_evidence(right.grant, subject)))
        evidence[rule_evidence(right.grant, right.rule)] = None
    evidence.update(dict.fromkeys(step.evidence))
    assumed = any(right.grant.state is RoleState.ASSUMED for right in step.used)
    confidence = Confidence.ENV if assumed and step.confidence is Confidence.OBJ else step.confidence
    return Edge(
        step.row,
        source,
        step.target,
        step.state,
        confidence,
        ROWS[step.row].effort,
        f"{who} {step.does}.",
        tuple(evidence),
        step.assumptions,
        step.unseen,
        _fix(step.used),
    )


def _fix(used: tuple[Right, ...]) -> str:
    """The smallest edit that takes one of the rights away; never one of a role that came with the cluster (EXP-978)."""
    right = next((each for each in used if _is_own(each.grant)), None)
    if right is None:
        return ""
    return f"{right.grant.role}: remove {right.verb} on {right.key[1]} from rules[{right.rule}]"


def _is_own(grant: Grant) -> bool:
    return grant.object_class is not ObjectClass.BUILTIN and grant.state is RoleState.RESOLVED
