"""netpol-analyzer: its cases of NetworkPolicy and the tiers (network.md, 8.1). Other commands and kinds are only
counted.

Of cases with exposure analysis only the relation is compared, not the exposure to peers that no object shows.
"""

import json
import re
from collections import Counter
from typing import Any

import pytest

from conformance.netpol.analyzer import PROFILE, Ports, Relation, focus, load, ours, ports, read
from conformance.netpol.corpora import CORPORA, absent, manifests
from kubeaudit.model.cluster import Cluster
from kubeaudit.network.ports import PROTOCOLS
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.proof import State

Tally = Counter[tuple[str, str]]
_ROOT = CORPORA / "netpol-analyzer"
_CASES: list[dict[str, Any]] = json.loads((_ROOT / "cases.json").read_text()) if _ROOT.exists() else []
_NAME = "netpol-analyzer"

pytestmark = pytest.mark.skipif(not _CASES, reason=absent(_ROOT))


def _out_of_scope(case: dict[str, Any]) -> str:
    """Why a case is not judged; "" where it is. Decided by its tags and command, never by its name."""
    if not set(case["tags"]) <= {"core", "nopolicy", "anp", "banp"}:
        return "kinds " + "+".join(case["tags"])
    return "explain" if "explain" in case["options"] else ""


_LISTS = [case for case in _CASES if case["command"] == "list" and not _out_of_scope(case)]
_EVALS = [case for case in _CASES if case["command"] == "eval" and not _out_of_scope(case)]
_MATRICES = [case for case in _CASES if case["command"] == "pod_matrix" and not _out_of_scope(case)]


def _disputed(case: dict[str, Any], found: Cluster, expected: Relation) -> str:
    """Why upstream's other answer is not ours, told from the input."""
    if found.bad:
        return "disputed: upstream judges an object that an API server refuses"
    if ours(*load(manifests(_ROOT / case["dir"], past_broken=False))) == expected:
        return "disputed: upstream reads no further than a broken document (NET-12)"
    return ""


@pytest.mark.parametrize("case", _LISTS, ids=lambda case: case["id"])
def test_the_relation_of_a_list_is_ours(case: dict[str, Any], tally: Tally) -> None:
    narrowed = focus(case["options"])
    expected = read((_ROOT / case["expected"].partition("#")[0]).read_text(), case["format"], narrowed)
    found, listed = load(manifests(_ROOT / case["dir"]))
    relation = ours(found, listed, narrowed)
    disputed = _disputed(case, found, expected) if relation != expected else ""
    name = f"{_NAME}, relation of exposure cases" if "exposure" in case["options"] else _NAME
    tally[name, disputed or ("agreed" if relation == expected else "differs")] += 1
    if not disputed:
        assert relation - expected == frozenset()
        assert expected - relation == frozenset()


@pytest.mark.parametrize("case", _EVALS, ids=lambda case: case["id"])
def test_one_connection_has_the_same_answer(case: dict[str, Any], tally: Tally) -> None:
    found, _ = load(manifests(_ROOT / case["dir"]))
    options, reach = case["options"], assemble(found, PROFILE)
    named = [(options[f"{end}_namespace"], options[end]) for end in ("source", "destination")]
    at = (options["protocol"].upper(), int(options["port"]))
    if case["source_is_workload"]:
        verdict = reach.connect(*(_class(found, *name) for name in named), *at)
    else:
        verdict = reach.packet(*(_pod(found, *name) for name in named), *at)
    agreed = (verdict.state is State.YES) is case["expected_bool"]
    tally[_NAME, "agreed" if agreed else "differs"] += 1
    assert agreed


@pytest.mark.parametrize("case", _MATRICES, ids=lambda case: case["id"])
def test_all_pairs_of_pods_have_the_same_connections(case: dict[str, Any], tally: Tally) -> None:
    found, _ = load(manifests(_ROOT / case["dir"]))
    reach, options, wrong = assemble(found, PROFILE), case["options"], []
    for line in (_ROOT / case["expected"]).read_text().splitlines():
        source, target, stated = re.fullmatch(r"src: (\S+), dest: (\S+), allowed conns: (.+)", line).groups()
        ends = [_pod(found, *end.split("/")) for end in (source, target)]
        if stated in ("true", "false"):
            at = (options.get("protocol", "TCP"), int(options.get("port", 80)))
            held: object = reach.packet(*ends, *at).state is State.YES
            expected: object = stated == "true"
        else:
            held, expected = _everything(reach, ends), ports(stated)
        if held != expected:
            wrong.append((line, held))
    tally[_NAME, "differs" if wrong else "agreed"] += 1
    assert wrong == []


def _everything(reach: Reach, ends: list[int]) -> Ports:
    """All ports one pod reaches another on: one question for every atom of ports."""
    space = reach.judge.ports
    held = 0
    for protocol in PROTOCOLS:
        for start in space.starts[protocol]:
            if reach.packet(*ends, protocol, start).state is State.YES:
                held |= space.atom(protocol, start)
    return frozenset(space.intervals(held))


def _pod(found: Cluster, namespace: str, name: str) -> int:
    return next(n for n, pod in enumerate(found.pods) if (pod.namespace, pod.name) == (namespace, name))


def _class(found: Cluster, namespace: str, name: str) -> int:
    return next(
        c.index for c in found.classes if (c.namespace, found.workloads[c.workload].ref.name) == (namespace, name)
    )


def test_cases_out_of_scope_are_counted(tally: Tally) -> None:
    for case in _CASES:
        if why := _out_of_scope(case):
            tally[_NAME, f"out of scope: {why}"] += 1
    assert _LISTS and _EVALS and _MATRICES
