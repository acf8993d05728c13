"""netpol-analyzer: lists, exposure, explanations and single connections (network.md, 8.1); differences and faults have
modules of their own. Only cases about several networks or virtual machines are out of scope, and counted.
"""

import re
from collections import Counter
from typing import Any

import pytest

from conformance.netpol.analyzer import PROFILE, Ports, focus, load, ours, ports, read
from conformance.netpol.analyzer_cases import CASES, EVERY, NAME, ROOT, disputed, folders, settled
from conformance.netpol.analyzer_explain import ours_explanation, read_explanation
from conformance.netpol.analyzer_exposure import implied, ours_exposure, read_exposure
from conformance.netpol.corpora import absent, manifests
from kubeaudit.model.cluster import Cluster
from kubeaudit.network.ports import PROTOCOLS
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.proof import State

Case = dict[str, Any]
Tally = Counter[tuple[str, str]]
_LISTS = [case for case in CASES if case["command"] == "list"]
_EVALS = [case for case in CASES if case["command"] == "eval"]
_MATRICES = [case for case in CASES if case["command"] == "pod_matrix"]

pytestmark = pytest.mark.skipif(not CASES, reason=absent(ROOT))


def _compared(case: Case) -> list[tuple[str, Any, Any]]:
    """What a list is compared by: the part, what the file says, what we say."""
    options, text = case["options"], (ROOT / case["expected"].partition("#")[0]).read_text()
    narrowed, only = focus(options), options.get("explain_only", "")
    found, listed = load(manifests(ROOT / case["dir"]))
    parts: list[tuple[str, Any, Any]] = []
    if "explain" in options:
        parts.append(
            ("explanation", read_explanation(text, narrowed, only), ours_explanation(found, listed, narrowed, only))
        )
    else:
        parts.append(("relation", read(text, case["format"], narrowed), ours(found, listed, narrowed)))
    if "exposure" in options:
        stated, mine = read_exposure(text, case["format"], narrowed), ours_exposure(found, listed, narrowed)
        parts.append(("exposure", implied(stated, found).rows, mine.rows))
        if stated.unprotected is not None:
            parts.append(("unprotected workloads", stated.unprotected, mine.unprotected))
    return parts


@pytest.mark.parametrize("case", _LISTS, ids=lambda case: case["id"])
def test_a_list_is_ours(case: Case, tally: Tally) -> None:
    wrong = [(part, expected, found) for part, expected, found in _compared(case) if expected != found]
    tally[NAME, settled(case, not wrong)] += 1
    if not disputed(case):
        for part, expected, found in wrong:
            assert found - expected == frozenset(), part
            assert expected - found == frozenset(), part


@pytest.mark.parametrize("folder", folders())
def test_a_disputed_folder_still_differs(folder: str) -> None:
    cases = [case for case in _LISTS if case["dir"] == folder]
    if not cases:
        pytest.skip(f"no list of {folder} in this part of the corpus")
    assert any(expected != found for case in cases for _, expected, found in _compared(case))


@pytest.mark.parametrize("case", _EVALS, ids=lambda case: case["id"])
def test_one_connection_has_the_same_answer(case: Case, tally: Tally) -> None:
    found, _ = load(manifests(ROOT / case["dir"]))
    options, reach = case["options"], assemble(found, PROFILE)
    named = [(options[f"{end}_namespace"], options[end]) for end in ("source", "destination")]
    at = (options["protocol"].upper(), int(options["port"]))
    if case["source_is_workload"]:
        verdict = reach.connect(*(_class(found, *name) for name in named), *at)
    else:
        verdict = reach.packet(*(_pod(found, *name) for name in named), *at)
    agreed = (verdict.state is State.YES) is case["expected_bool"]
    tally[NAME, "agreed" if agreed else "differs"] += 1
    assert agreed


@pytest.mark.parametrize("case", _MATRICES, ids=lambda case: case["id"])
def test_all_pairs_of_pods_have_the_same_connections(case: Case, tally: Tally) -> None:
    found, _ = load(manifests(ROOT / case["dir"]))
    reach, options, wrong = assemble(found, PROFILE), case["options"], []
    for line in (ROOT / case["expected"]).read_text().splitlines():
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
    tally[NAME, "differs" if wrong else "agreed"] += 1
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


def test_there_are_cases_of_every_command(tally: Tally) -> None:
    tally[NAME, "out of scope: multinet, vm"] += len(EVERY) - len(CASES)
    assert _LISTS and _EVALS and _MATRICES
