"""One folder for every statement of network.md: ``numbers/NET-nn`` (more with a suffix where it has several settings).

``cluster.yaml`` holds the manifests, ``expected.json`` what they show, one line a row, to be checked by eye against the
statement. ``case.yaml`` says the statement in a sentence and what is shown (:class:`Case`). ``after.yaml`` is a second
state of the cluster, for statements about changes. ``KUBEAUDIT_UPDATE=1`` writes ``expected.json`` anew; read every
line then.
"""

import io
import ipaddress
import json
import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from kubeaudit.cli.question import ports as ports_of
from kubeaudit.collect.manifests import collect_files
from kubeaudit.documents import Document, parse
from kubeaudit.edges.context import Context
from kubeaudit.errors import UsageError
from kubeaudit.kinds import KINDS
from kubeaudit.network.lint import lints
from kubeaudit.network.ports import Interval
from kubeaudit.network.reach import ReachVerdict
from kubeaudit.network.relation import Row
from kubeaudit.proof import Evidence, State, dotted
from kubeaudit.queries import network_diff, relation
from kubeaudit.queries.covers import covers
from kubeaudit.queries.ends import end
from kubeaudit.queries.notes import limits
from kubeaudit.queries.pairs import Unit, by_policies, pieces, port_atoms
from kubeaudit.queries.pairs import verdict as judged
from kubeaudit.queries.reach import ReachAnswer, Segment, answer
from kubeaudit.settings import Facts, Settings
from kubeaudit.snapshot import Outcome, Snapshot
from kubeaudit.world import World, build

FOLDER = Path(__file__).parent / "numbers"
CASES = sorted(path for path in FOLDER.iterdir() if path.is_dir())
NUMBERS = {*range(1, 80), *range(80, 100), *range(100, 116), *range(120, 132), *range(135, 142), *range(145, 156)}
"""The statements of sections 3.1 to 3.12."""
_NAME = re.compile(r"NET-(\d{2,3})([a-z]|(-[a-z0-9]+)+)?")
_WORDS = {State.YES: "reachable", State.UNKNOWN: "unknown", State.BLOCKED: "blocked"}
_TIME = "2026-01-01T00:00:00Z"

Shown = dict[str, Any]
Section = Literal["plugin", "relation", "problems", "lint", "notes"]


class Only(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from", "target": "to"}):
    """The filters of ``kubeaudit network``. Every state is shown, blocked too, unless ``states`` says otherwise."""

    source: str = ""
    target: str = ""
    direction: str = ""
    ports: tuple[str, ...] = ("tcp",)
    families: tuple[str, ...] = ("IPv4", "IPv6")
    states: tuple[Literal["reachable", "unknown", "blocked"], ...] = ("reachable", "unknown", "blocked")


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a folder shows.

    ``says`` is the statement in our words. ``cni`` names a profile, or ``detect``: what the manifests show; ``facts``
    are those of kubeaudit.yaml, ``namespace`` is that of documents without one. With ``read: cluster`` every kind was
    read whole, but for ``unread``; with ``read: files`` the manifests are files, and kinds that a running cluster adds
    are not known. ``shows`` names sections, ``only`` what the relation is filtered by; ``edges`` are rows of the graph,
    with a text behind the blank that an end of the edge has; ``questions`` are asked as of ``kubeaudit reach``: FROM,
    TO, PORT...
    """

    says: str
    cni: str = "kube-network-policies"
    facts: Facts = Facts()
    read: Literal["cluster", "files"] = "cluster"
    namespace: str = ""
    unread: dict[str, Outcome] = {}
    only: Only | tuple[Only, ...] = Only()
    shows: tuple[Section, ...] = ("relation",)
    edges: tuple[str, ...] = ()
    questions: tuple[tuple[str, ...], ...] = ()


@pytest.mark.parametrize("folder", CASES, ids=[path.name for path in CASES])
def test_a_statement_holds(folder: Path) -> None:
    """NET-01 to NET-155."""
    case = _case(folder)
    shown = _shown(folder, case)
    assert any(shown.values()) or "lint" in case.shows, "nothing is shown"
    path = folder / "expected.json"
    if os.environ.get("KUBEAUDIT_UPDATE"):
        path.write_text(_text(shown), encoding="utf-8")
    assert shown == json.loads(path.read_text(encoding="utf-8")), "KUBEAUDIT_UPDATE=1 accepts what is shown"


def test_no_number_is_missing() -> None:
    """Section 8.5: one folder a number."""
    names = [_NAME.fullmatch(path.name) for path in CASES]
    assert all(names), "a folder is named NET-nn, with a letter or words behind it"
    assert {int(name[1]) for name in names if name} == NUMBERS


def test_every_statement_is_its_own() -> None:
    said = [_case(path).says.strip() for path in CASES]
    assert all(said) and len(set(said)) == len(said)


def _case(folder: Path) -> Case:
    (found,) = parse((folder / "case.yaml").read_bytes(), "case.yaml")
    assert isinstance(found, Document), found
    return msgspec.convert(found.value, Case)


def _shown(folder: Path, case: Case) -> Shown:
    world = _world(folder / "cluster.yaml", case)
    context, found = world.context, Shown()
    assert not context.cluster.bad or "problems" in case.shows, context.cluster.bad
    if "plugin" in case.shows:
        found["plugin"] = list(_plugin(context))
    if "relation" in case.shows:
        filters = case.only if isinstance(case.only, tuple) else (case.only,)
        found["relation"] = [row for only in filters for row in _relation(context, only)]
    if "problems" in case.shows:
        found["problems"] = [*_left_out(context), *_problems(context)]
    if "lint" in case.shows:
        found["lint"] = list(_lint(context))
    if case.edges:
        found["edges"] = list(_edges(world, case.edges))
    if case.questions:
        found["answers"] = [row for question in case.questions for row in _answers(context, *question)]
    if "notes" in case.shows:
        asked = (_answer(context, *question).notes for question in case.questions)
        found["notes"] = list(dict.fromkeys(chain(limits(context), *asked)))
    if (folder / "after.yaml").exists():
        found |= _difference(context, _world(folder / "after.yaml", case).context)
    return found


def _world(path: Path, case: Case) -> World:
    snapshot = collect_files([str(path)], stdin=io.BytesIO(), namespace=case.namespace, tool_version="0", now=_TIME)
    if case.read == "cluster":
        snapshot = _whole(snapshot, case.unread)
    return build(snapshot, Settings(cni_profile="" if case.cni == "detect" else case.cni, facts=case.facts))


def _whole(snapshot: Snapshot, unread: dict[str, Outcome]) -> Snapshot:
    """As if a cluster had been asked for every kind."""
    assert unread.keys() <= {kind.key for kind in KINDS}
    reads = tuple(
        msgspec.structs.replace(read, outcome=unread.get(read.resource, Outcome.COMPLETE), detail="")
        if read.outcome is Outcome.ABSENT or read.resource in unread
        else read
        for read in snapshot.reads
    )
    header = msgspec.structs.replace(snapshot.header, source="live")
    return msgspec.structs.replace(snapshot, header=header, reads=reads)


def _plugin(context: Context) -> Iterator[Shown]:
    cni = context.reach.cni
    yield {"name": cni.name, "enforces": str(cni.enforces), "text": cni.text, "fields": _fields(cni.evidence)}


def _relation(context: Context, only: Only) -> Iterator[Shown]:
    """The rows of ``kubeaudit network --flat``, and what each rests on, which is asked of the two ends alone."""
    states = {word: state for state, word in _WORDS.items()}
    wanted = relation.Filter(
        source=end(context, only.source) if only.source else None,
        target=end(context, only.target) if only.target else None,
        direction=only.direction,
        ports=ports_of(only.ports),
        families=only.families,
        states=tuple(states[word] for word in only.states),
    )
    names = covers(context.cluster).names
    for row in sorted(set(relation.flat(context, wanted))):
        yield from _explained(context, names, row)


def _explained(context: Context, names: tuple[str, ...], row: Row) -> Iterator[Shown]:
    """A row in parts whose ports rest on the same."""
    found: list[Shown] = []
    source, target = (_unit(context, names, text) for text in (row.source, row.target))
    for port in port_atoms(context.reach, [(row.protocol, row.first, row.last)]):
        verdicts = _verdicts(context, source, target, port, row.family)
        assert {verdict.state for verdict in verdicts} == {row.state}, f"{row}: one question says otherwise"
        (rests,) = {json.dumps(_rests_on(verdict)) for verdict in verdicts}
        if found and found[-1]["rests"] == rests:
            found[-1]["last"] = port[2]
        else:
            found.append(msgspec.to_builtins(row) | {"first": port[1], "last": port[2], "rests": rests})
    for part in found:
        rests = part.pop("rests")
        yield part | {"state": _WORDS[row.state]} | json.loads(rests)


def _verdicts(context: Context, source: Unit, target: Unit, port: Interval, family: str) -> list[ReachVerdict]:
    if source.atoms or target.atoms:
        return [piece.verdict for piece in pieces(context.reach, source, target, [port], family)]
    if source.cls == target.cls:
        return [by_policies(context.reach, source.cls, target.cls, port, family)]
    return [judged(context.reach, source, target, port, family)]


def _unit(context: Context, names: tuple[str, ...], text: str) -> Unit:
    if text in names:
        return Unit(text, names.index(text))
    first, _, last = text.partition("-")
    ends = [ipaddress.ip_address(end) for end in (first, last) if last]
    atoms = 0
    for network in ipaddress.summarize_address_range(*ends) if last else [ipaddress.ip_network(text)]:
        atoms |= context.reach.judge.universe.space.mask(network)
    return Unit(text, atoms=atoms)


def _rests_on(verdict: ReachVerdict) -> Shown:
    found = {
        "basis": list(map(str, verdict.basis)),
        "details": list(verdict.details),
        "conditions": list(verdict.conditions),
        "settle_by": list(verdict.settle_by),
        "would_block_by": [f"{d.policy} {dotted(d.path)}" for d in verdict.would_block_by],
    }
    return {key: value for key, value in found.items() if value or key == "basis"}


def _problems(context: Context) -> Iterator[Shown]:
    for problem in context.reach.problems:
        harmless = {"harmless": True} if problem.harmless else {}
        yield {"object": str(problem.object), "field": dotted(problem.path), "reason": problem.reason} | harmless


def _left_out(context: Context) -> Iterator[Shown]:
    for bad in context.cluster.bad:
        yield {"left_out": str(bad.object or ""), "document": bad.document, "line": bad.line, "reason": bad.reason}


def _lint(context: Context) -> Iterator[Shown]:
    for lint in lints(context.reach):
        yield {
            "name": lint.name,
            "object": str(lint.object),
            "number": lint.number,
            "text": lint.text,
            "fields": _fields(lint.evidence),
        }


def _edges(world: World, rows: Iterable[str]) -> Iterator[Shown]:
    wanted = [row.partition(" ")[::2] for row in rows]
    for edge in sorted(world.graph.edges(), key=lambda edge: (edge.row, edge.source, edge.target)):
        if any(edge.row == row and (text in edge.source.key or text in edge.target.key) for row, text in wanted):
            found: Shown = {"row": edge.row, "source": edge.source.key, "target": edge.target.key}
            found |= {"state": _WORDS[edge.state], "sentence": edge.sentence, "fields": _fields(edge.evidence)}
            assumed = [assumption.text for assumption in edge.assumptions]
            unseen = [" ".join(filter(None, (item.resource, item.detail))) for item in edge.unseen]
            yield found | ({"assumes": assumed} if assumed else {}) | ({"unseen": unseen} if unseen else {})


def _answer(context: Context, source: str, target: str, *words: str) -> ReachAnswer:
    return answer(context, end(context, source), end(context, target), ports_of(words))


def _answers(context: Context, source: str, target: str, *words: str) -> Iterator[Shown]:
    try:
        found = _answer(context, source, target, *words)
    except UsageError as refused:
        yield {"from": [source], "to": [target], "refused": str(refused), "hint": refused.hint}
        return
    for connection in found.connections:
        for segment in connection.segments:
            yield {
                "from": list(connection.sources),
                "to": list(connection.targets),
                "families": list(segment.families),
                "ports": [f"{protocol}/{first}-{last}" for protocol, first, last in segment.ports],
                "state": _WORDS[segment.state],
                **_rests_on(segment.verdict),
                **_beside(segment),
                "decided_by": _fields(segment.proof),
            }


def _beside(segment: Segment) -> Shown:
    """What stands beside policies before a metadata service, and what these say where the answer is another."""
    found = {
        "assumes": [assumption.text for assumption in segment.assumptions],
        "unseen": [item.detail for item in segment.unseen if item not in segment.verdict.unseen],
    }
    policies = {} if segment.state is segment.verdict.state else {"policies_say": _WORDS[segment.verdict.state]}
    return policies | {key: value for key, value in found.items() if value}


def _difference(before: Context, after: Context) -> Shown:
    found = network_diff.difference(before, after)
    rows = sorted(network_diff.flat(before, after, relation.MOST_ROWS))
    return {
        "changes": [json.loads(msgspec.json.encode(row)) for row in rows if row.protocol == "TCP"],
        "notes": list(found.notes),
    }


def _fields(evidence: Iterable[Evidence]) -> list[str]:
    """``OBJECT FIELD = VALUE``, without the notes."""
    return [
        f"{shown.object} {dotted(shown.path)} = {'(absent)' if shown.absent else shown.value}" for shown in evidence
    ]


def _text(shown: Shown) -> str:
    """One line a row."""
    lines = []
    for section, rows in shown.items():
        listed = ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in rows)
        lines.append(f'  "{section}": [\n{listed}\n  ]' if rows else f'  "{section}": []')
    return "{\n" + ",\n".join(lines) + "\n}\n"
