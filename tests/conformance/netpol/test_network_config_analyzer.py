"""network-config-analyzer: who may connect to whom, and whether one set of policies permits or forbids what another
allows (network.md, 8.2, MAP-20..29).
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conformance.corpora import disputes
from conformance.netpol.corpora import CORPORA, absent
from conformance.netpol.nca import SIMULATED, Config, Peer, Relation, config, overlaid
from conformance.netpol.nca_formats import stated
from kubeaudit.network.verdicts import Direction

Tally = Counter[tuple[str, str]]
_ROOT = CORPORA / "network-config-analyzer"
_FOUND: dict[str, Any] = json.loads((_ROOT / "cases.json").read_text()) if _ROOT.exists() else {}
_NAME = "network-config-analyzer"
_BY_OWNER = ("dot", "txt_no_fw_rules")
"""Formats that name owners, so that connections among the pods of one are not shown."""
_MESH = ("security.istio.io", "networking.istio.io")

pytestmark = pytest.mark.skipif(not _FOUND, reason=absent(_ROOT))


def _pending(case: dict[str, Any]) -> bool:
    """Whether a policy of the mesh stands in a file of the case: such cases wait for its dialect."""
    lists = [case["global"], *case["config_defs"].values()]
    files = [file for one in lists for key in ("networkPolicyList", "resourceList") for file in one.get(key) or []]
    return any(_has_mesh(_ROOT / file) for file in sorted(set(files)))


def _has_mesh(place: Path) -> bool:
    files = [file for file in place.rglob("*") if file.is_file()] if place.is_dir() else [place]
    return any(word in file.read_text() for file in files for word in _MESH)


_QUERIES = [case for case in _FOUND.get("scheme_queries", []) if not _pending(case)]
_MAPS = [case for case in _QUERIES if case["kind"] == "connectivityMap"]
_CONTAINED = [case for case in _QUERIES if case["kind"] in ("permits", "forbids")]


def _configs(case: dict[str, Any], expected: str = "") -> dict[str, Config]:
    defined, given = case["config_defs"], case["global"]
    return {
        name: config(_ROOT, name, defined.get(name.split("/")[0], {}), given, SIMULATED in expected)
        for name in case["configs"]
    }


@pytest.mark.parametrize("case", _MAPS, ids=lambda case: case["id"])
def test_the_relation_of_a_connectivity_map_is_ours(case: dict[str, Any], tally: Tally) -> None:
    text = (_ROOT / case["expected_output"]).read_text()
    configs = _configs(case, text)
    _compare(case["id"], case["format"], configs, stated(text, case["format"], configs), tally)


def _compare(
    case: str, fmt: str, configs: dict[str, Config], expected: dict[str, Relation], tally: Tally, keep: Any = None
) -> None:
    versions = (
        (4, 6)
        if any(place[0] == 6 for r in expected.values() for ends in r.outside.values() for place, _ in ends)
        else (4,)
    )
    wrong = set()
    for name, found in configs.items():
        chosen = keep(found) if keep else None
        owner = {peer.key: peer.owner for peer in found.peers}

        def shown(*ends: str, owner: dict[str, str] = owner, chosen: Any = chosen) -> bool:
            inside = fmt in _BY_OWNER and len(ends) == 2 and owner[ends[0]] == owner[ends[1]]
            return not inside and (chosen is None or any(end in chosen for end in ends))

        ours = found.relation().flat(shown, versions)
        theirs = expected.get(name, Relation()).flat(shown, versions)
        wrong |= {(name, ends) for ends in {*ours, *theirs} if ours.get(ends) != theirs.get(ends)}
    known = disputes(_NAME)
    if reason := known.get((case, "relation")):
        tally[_NAME, "disputed"] += 1
        assert wrong, f"agrees now, so the dispute is settled: {reason}"
        return
    tally[_NAME, "differs" if wrong else "agreed"] += 1
    assert sorted(wrong)[:20] == []


@pytest.mark.parametrize("case", _CONTAINED, ids=lambda case: case["id"])
def test_as_many_configurations_violate_permits_and_forbids(case: dict[str, Any], tally: Tally) -> None:
    """Judged are the first configuration's connections against those that the others allow explicitly."""
    first, *others = _configs(case).values()
    violating = sum(_violates(case["kind"], first, other) for other in others)
    agreed = violating == case["expected_result"]
    tally[_NAME, "agreed" if agreed else "differs"] += 1
    assert agreed


def _violates(kind: str, judged: Config, explicit: Config) -> bool:
    ours, theirs = judged.relation(), explicit.relation()
    into, out = (explicit.captured(direction) for direction in (Direction.INGRESS, Direction.EGRESS))

    def breaks(wanted: int, held: int) -> bool:
        return bool(wanted & ~held if kind == "permits" else wanted & held)

    for (source, target), wanted in theirs.pairs.items():
        if (target in into or source in out) and breaks(wanted, ours.pairs.get((source, target), 0)):
            return True
    for ends, ranges in theirs.outside.items():
        if ends[0] in (into if ends[1] == "ingress" else out):
            both = overlaid(ranges, ours.outside.get(ends, []))
            if any(breaks(wanted, held) for wanted, held in both):
                return True
    return False


@pytest.mark.parametrize("case", _FOUND.get("cmdline", []), ids=lambda case: case["id"])
def test_a_command_line_gives_the_same(case: dict[str, Any], tally: Tally) -> None:
    options: dict[str, list[str]] = {}
    for flag, value in re.findall(r"--?(\w+) (\S+)", case["args"]):
        options.setdefault(flag, []).append(value)
    given = {"podList": options["pod_list"], "namespaceList": options["ns_list"]}
    if "permits" in options:
        first, second = (
            config(_ROOT / "tests", key, {"networkPolicyList": options[key]}, given)
            for key in ("base_np_list", "permits")
        )
        agreed = int(_violates("permits", first, second)) == case["expected"]
        tally[_NAME, "agreed" if agreed else "differs"] += 1
        assert agreed
        return
    found = config(_ROOT / "tests", "", {"networkPolicyList": options["connectivity"]}, given)
    fmt = options.get("o", ["txt"])[0]
    expected = stated((_ROOT / case["expected_output"]).read_text(), fmt, {"": found})
    chosen = any(flag.endswith("_subset") for flag in options)
    _compare(case["id"], fmt, {"": found}, expected, tally, (lambda of: _subset(options, of)) if chosen else None)


def _subset(options: dict[str, list[str]], found: Config) -> frozenset[str]:
    """Peers that the command line asks for: rows without any of them are not shown (MAP-29)."""
    spaces = {name for value in options.get("namespace_subset", []) for name in value.split(",")}
    owners = {name.rpartition("/")[2] for value in options.get("deployment_subset", []) for name in value.split(",")}
    blocks = [dict(pair.split(":") for pair in value.split(",")) for value in options.get("label_subset", [])]

    def is_in(peer: Peer) -> bool:
        labelled = any(block.items() <= peer.labels.items() for block in blocks)
        return peer.namespace in spaces or bool(peer.names & owners) or labelled

    return frozenset(peer.key for peer in found.peers if is_in(peer))


def test_cases_of_the_mesh_are_pending(tally: Tally) -> None:
    pending = len(_FOUND["scheme_queries"]) - len(_QUERIES)
    tally[_NAME, "out of scope: pending, policies of the mesh"] += pending
    assert _QUERIES
