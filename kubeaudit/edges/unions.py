"""Escalations that no single grant allows, but the grants of one identity together (EXP-34).

Only grants that give a part of something are put together, and only where an identity has at least two of them; what
its groups have among themselves already is theirs. Where many identities hold the same roles beside the grants of one
group, they share a vertex, so that edges never grow with identities times namespaces (EXP-21).
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from kubeaudit.edges.contract import Edge
from kubeaudit.edges.identity import account, group
from kubeaudit.edges.judge import Judge
from kubeaudit.edges.steps import Step, edge_of
from kubeaudit.edges.vertices import user
from kubeaudit.edges.vocabulary import EXP_GRANT
from kubeaudit.proof import Confidence, State
from kubeaudit.rbac.access import ByScope, Held, subject_evidence
from kubeaudit.rbac.grants import Grant, Subject
from kubeaudit.rbac.identities import account_of, member_of
from kubeaudit.rbac.identities import user as identity_of
from kubeaudit.refs import Vertex, VertexKind

Met = frozenset[tuple[str, Vertex]]
"""Rows with their targets."""


class _Parts(Struct, frozen=True):
    """The grants of a holder that give a part of something, by scope, and what each of them meets by itself.

    ``escalates``: one of them lets roles be given rules that their writer does not hold.
    """

    scopes: ByScope
    met: Met
    escalates: bool


class _Holder(Struct, frozen=True):
    """A user or group: its vertex and name, its own grants, the groups it is in, and what these have met."""

    vertex: Vertex
    who: str
    own: ByScope
    groups: tuple[str, ...]
    met: tuple[Met, ...]


class _Put(Struct, frozen=True):
    """What putting grants together takes: the judge, what each grant meets by itself, by the grant's identity, the
    parts that each group gives, and the shared vertices whose edges were told.
    """

    judge: Judge
    met: Mapping[int, Met]
    parts: dict[str, _Parts]
    shared: dict[Vertex, bool]


def unions(judge: Judge, met: Mapping[int, Met]) -> Iterator[Edge]:
    """The escalations of every group, then of every user and ServiceAccount."""
    access = judge.scene.context.access
    put = _Put(judge, met, {name: _parts(judge, scopes, met) for name, scopes in access.groups.items()}, {})
    of_groups: dict[str, Met] = {}

    def known(groups: tuple[str, ...]) -> tuple[Met, ...]:
        return tuple(of_groups[name] for name in groups if of_groups.get(name))

    # A group comes after those that its members are always in.
    for name in sorted(access.groups, key=lambda name: (len(member_of(name).groups), name)):
        groups = tuple(other for other in member_of(name).groups if other != name)
        found = list(_of(put, _Holder(group(name), f"Group {name}", access.groups[name], groups, known(groups))))
        of_groups[name] = frozenset((edge.row, edge.target) for edge in found)
        yield from found
    for name, own in access.users.items():
        place = account_of(name)
        vertex = account(*place) if place else user(name)
        who = f"ServiceAccount {place[0]}/{place[1]}" if place else f"User {name}"
        groups = identity_of(name).groups
        yield from _of(put, _Holder(vertex, who, own, groups, known(groups)))


def _parts(judge: Judge, scopes: ByScope, met: Mapping[int, Met]) -> _Parts:
    """The grants that give a part of something."""
    found = {scope: [h for h in held if judge.is_part(h.grant)] for scope, held in scopes.items()}
    kept = {scope: held for scope, held in found.items() if held}
    every = [held.grant for bound in kept.values() for held in bound]
    alone = frozenset().union(*(met.get(id(grant), frozenset()) for grant in every))
    return _Parts(kept, alone, any(judge.escalates(grant.rule_set) for grant in every))


def _of(put: _Put, holder: _Holder) -> Iterator[Edge]:
    own = _parts(put.judge, holder.own, put.met)
    inherited = [put.parts[name] for name in holder.groups if name in put.parts and put.parts[name].scopes]
    every = (own, *inherited)
    escalates = any(parts.escalates for parts in every)
    several = len(inherited) + sum(map(len, own.scopes.values())) > 1
    if not own.scopes or not (several or escalates):
        return
    bound = _all_grants(put.judge, holder) if escalates else None
    # Looked up one by one: a union would cost each member of a group what the group has met.
    known, done = (*holder.met, *(parts.met for parts in every)), set[tuple[str, Vertex]]()
    for scope in sorted(own.scopes):
        together = _held(scope, *(parts.scopes for parts in every))
        for step in _steps(put.judge, together, scope, bound, several=not escalates):
            pair = (step.row, step.target)
            if pair not in done and not any(pair in met for met in known):
                done.add(pair)
                yield edge_of(step, holder.vertex, holder.who, _subjects(together))
    if "" in own.scopes and inherited:
        yield from _with_groups(put, holder, own.scopes[""], [parts.scopes for parts in inherited])


def _with_groups(put: _Put, holder: _Holder, own: list[Held], inherited: list[ByScope]) -> Iterator[Edge]:
    """What cluster-wide grants give together with those that groups have in namespaces."""
    roles = sorted({f"{held.grant.role.kind}/{held.grant.role.name}" for held in own})
    groups = [f"Group/{name}" for name in holder.groups if name in put.parts and put.parts[name].scopes]
    shared = Vertex(VertexKind.GRANT, "", f"{'+'.join(roles)}@rights of {'+'.join(groups)}")
    if shared not in put.shared:
        found = list(_in_namespaces(put, shared, own, inherited))
        put.shared[shared] = bool(found)
        yield from found
    if put.shared[shared]:
        shown = tuple(item for held in own for item in subject_evidence(held.grant, held.subject))
        sentence = f"{holder.who} holds {', '.join(roles)} beside what its groups hold in namespaces."
        yield Edge(EXP_GRANT, holder.vertex, shared, State.YES, Confidence.OBJ, 0, sentence, shown)


def _in_namespaces(put: _Put, shared: Vertex, own: list[Held], inherited: list[ByScope]) -> Iterator[Edge]:
    done: set[tuple[str, Vertex]] = set()
    for scope in sorted({scope for scopes in inherited for scope in scopes} - {""}):
        together = _held(scope, {"": own}, *inherited)
        alone = [put.met[id(held.grant)] for held in together if id(held.grant) in put.met]
        # The holders of the shared vertex are named on the edges that lead to it.
        subjects = _subjects(held for held in together if held.via)
        for step in _steps(put.judge, together, scope, None, several=True):
            pair, within = (step.row, step.target), any(right.grant.scope for right in step.used)
            if within and pair not in done and not any(pair in met for met in alone):
                done.add(pair)
                yield edge_of(step, shared, "Whoever holds these", subjects)


def _steps(
    judge: Judge, together: list[Held], scope: str, bound: tuple[Grant, ...] | None, *, several: bool
) -> Iterator[Step]:
    """The steps that some grants allow together; ``several``: none that one of them allows alone."""
    # One binding may name a holder and its group: it is one grant.
    grants = tuple({id(held.grant): held.grant for held in together}.values())
    if len(grants) < 2 and several:
        return
    for step in judge.joint(judge.rights(grants, scope, bound)):
        if not several or len({id(right.grant) for right in step.used}) > 1:
            yield step


def _held(scope: str, *lists: ByScope) -> list[Held]:
    """The grants that hold in a scope."""
    places = ("", scope) if scope else ("",)
    return [held for scopes in lists for place in places for held in scopes.get(place, ())]


def _subjects(together: Iterable[Held]) -> dict[int, Subject]:
    return {id(held.grant): held.subject for held in together}


def _all_grants(judge: Judge, holder: _Holder) -> tuple[Grant, ...]:
    """Every grant of a holder: those that bind it to a role that it may rewrite."""
    access = judge.scene.context.access
    lists = (holder.own, *(access.groups.get(name, {}) for name in holder.groups))
    return tuple(held.grant for scopes in lists for bound in scopes.values() for held in bound)
