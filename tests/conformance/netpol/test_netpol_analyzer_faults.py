"""netpol-analyzer's fatal errors in policies of the tiers: the run finishes, the report names the object (8.1)."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from network.clusters import cluster

from conformance.netpol.analyzer import PROFILE
from conformance.netpol.corpora import CORPORA, absent, manifests
from kubeaudit.network.reach import Reach, assemble

_ROOT = CORPORA / "netpol-analyzer"
_FILE = _ROOT / "error_cases.json"
_CASES: list[dict[str, Any]] = json.loads(_FILE.read_text()) if _FILE.exists() else []
_KINDS = ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")
_REASONS = {
    "PriorityValueErr": "priority .* is not within",
    "ANPsWithSameNameErr": "has this name",
    "OneFieldSetSubjectErr": "subject needs exactly one",
    "ANPEgressRulePeersErr": "names no peer",
    "ANPIngressRulePeersErr": "names no peer",
    "OneFieldSetRulePeerErr": "stand together|no field that",
    "ANPPortsError": "needs exactly one of",
    "UnknownRuleActionErr": "action .* is none of",
    "IllegalPortRangeError": "no interval",
    "InvalidCIDRAddr": "is no CIDR",
    "BANPNameAssertion": "named default",
}
"""What we say where upstream's error has this symbol."""

pytestmark = pytest.mark.skipif(not _CASES, reason=absent(_FILE))


def _reason(case: dict[str, Any]) -> str:
    return next((text for symbol, text in _REASONS.items() if symbol in case["expect_symbol"]), "")


def _in_scope(case: dict[str, Any]) -> bool:
    """Whether a case is a fatal error of a known sort in a folder with policies of the tiers."""
    known = case["kind"] == "fatal" and _reason(case)
    return bool(known) and any(found["kind"] in _KINDS for found in manifests(_ROOT / case["dir"]))


@pytest.mark.parametrize("case", list(filter(_in_scope, _CASES)), ids=lambda case: case["name"])
def test_the_faulty_policy_is_named(case: dict[str, Any], tally: Counter[tuple[str, str]]) -> None:
    reach = assemble(cluster(*manifests(_ROOT / case["dir"])), PROFILE)
    named = list(_named(reach, _reason(case)))
    tally["netpol-analyzer, faults of tier policies", "agreed" if named else "differs"] += 1
    assert named


def _named(reach: Reach, reason: str) -> Iterator[str]:
    for problem in reach.problems:
        if problem.object.kind in _KINDS and re.search(reason, problem.reason):
            yield problem.object.name
