"""network-config-analyzer: who may connect to whom, and whether one set of policies permits or forbids what another
allows (network.md, 8.2, MAP-20..29).
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from conformance.corpora import disputes
from conformance.netpol.corpora import CORPORA, absent
from conformance.netpol.nca import Captured, Config, Peer, Relation, config, overlaid
from conformance.netpol.nca_formats import stated
from kubeaudit.network.verdicts import Direction

Tally = Counter[tuple[str, str]]
_ROOT = CORPORA / "network-config-analyzer"
_FOUND: dict[str, Any] = json.loads((_ROOT / "cases.json").read_text()) if _ROOT.exists() else {}
_NAME = "network-config-analyzer"
_LISTS = ("namespace_subset", "deployment_subset")
_BY_OWNER = ("dot", "txt_no_fw_rules")
"""Formats that name owners, so that connections among the pods of one are not shown."""

pytestmark = pytest.mark.skipif(not _FOUND, reason=absent(_ROOT))


_QUERIES = _FOUND.get("scheme_queries", [])
_MAPS = [case for case in _QUERIES if case["kind"] == "connectivityMap"]
_CONTAINED = [case for case in _QUERIES if case["kind"] in ("permits", "forbids")]


def _configs(case: dict[str, Any]) -> dict[str, Config]:
    defined, given = case["config_defs"], case["global"]
    return {name: config(_ROOT, name, defined.get(name.split("/")[0], {}), given) for name in case["configs"]}


@pytest.mark.parametrize("case", _MAPS, ids=lambda case: case["id"])
def test_the_relation_of_a_connectivity_map_is_ours(case: dict[str, Any], tally: Tally) -> None:
    text = (_ROOT / case["expected_output"]).read_text()
    configs, options = _configs(case), case.get("output_options") or {}
    _compare(case["id"], case["format"], configs, stated(text, case["format"], configs), tally, _kept(options))


def _compare(
    case: str,
    fmt: str,
    configs: dict[str, Config],
    expected: dict[str, Relation],
    tally: Tally,
    keep: Callable[[Peer], bool] | None,
) -> None:
    versions = (
        (4, 6)
        if any(place[0] == 6 for r in expected.values() for ends in r.outside.values() for place, _ in ends)
        else (4,)
    )
    wrong = set()
    for name, found in configs.items():
        chosen = {peer.key for peer in found.peers if keep(peer)} if keep else None
        owner = {peer.key: peer.owner for peer in found.peers}

        def shown(*ends: str, owner: dict[str, str] = owner, chosen: Any = chosen) -> bool:
            inside = fmt in _BY_OWNER and len(ends) == 2 and owner[ends[0]] == owner.get(ends[1])
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
        stated = into.get(target, Captured()).of(wanted) | out.get(source, Captured()).of(wanted)
        if breaks(stated, ours.pairs.get((source, target), 0)):
            return True
    for ends, ranges in theirs.outside.items():
        captured = (into if ends[1] == "ingress" else out)[ends[0]]
        if any(breaks(captured.of(wanted), held) for wanted, held in overlaid(ranges, ours.outside.get(ends, []))):
            return True
    return False


@pytest.mark.parametrize("case", _FOUND.get("cmdline", []), ids=lambda case: case["id"])
def test_a_command_line_gives_the_same(case: dict[str, Any], tally: Tally) -> None:
    options: dict[str, list[str]] = {}
    for flag, value in re.findall(r"--?(\w+) (\S+)", case["args"]):
        options.setdefault(flag, []).append(value)
    topology = {"podList": options["pod_list"], "namespaceList": options["ns_list"]}
    if "permits" in options:
        first, second = (
            config(_ROOT / "tests", key, {"networkPolicyList": options[key], **topology}, {})
            for key in ("base_np_list", "permits")
        )
        agreed = int(_violates("permits", first, second)) == case["expected"]
        tally[_NAME, "agreed" if agreed else "differs"] += 1
        assert agreed
        return
    found = config(_ROOT / "tests", "", {"networkPolicyList": options["connectivity"], **topology}, {})
    fmt = options.get("o", ["txt"])[0]
    expected = stated((_ROOT / case["expected_output"]).read_text(), fmt, {"": found})
    subset: dict[str, Any] = {key: ",".join(options[key]) for key in _LISTS if key in options}
    if blocks := [dict(pair.split(":") for pair in value.split(",")) for value in options.get("label_subset", [])]:
        subset["label_subset"] = blocks
    _compare(case["id"], fmt, {"": found}, expected, tally, _kept({"subset": subset}))


def _kept(options: dict[str, Any]) -> Callable[[Peer], bool] | None:
    """Which peers one end of a connection must be among (MAP-29); None where all connections are shown."""
    subset = options.get("subset") or {}
    spaces, owners = ({name for name in subset.get(key, "").split(",") if name} for key in _LISTS)
    blocks = [block.items() for block in subset.get("label_subset", [])]

    def is_chosen(peer: Peer) -> bool:
        labelled = any(block <= peer.labels.items() for block in blocks)
        names = {*peer.names, *(f"{peer.namespace}/{name}" for name in peer.names)}
        return peer.namespace in spaces or bool(names & owners) or labelled

    if subset:
        return is_chosen
    return (lambda peer: not peer.namespace.endswith("-system")) if options.get("fwRulesFilterSystemNs") else None
