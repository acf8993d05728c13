"""oracle-knp: packets answered by the policy engine of kube-network-policies (network.md, 8.6, MAP-30..35)."""

import json
from collections import Counter
from typing import Any

import pytest
from msgspec import structs
from network.clusters import cluster

from conformance.netpol.corpora import CORPORA, absent
from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.reach import assemble
from kubeaudit.proof import State
from kubeaudit.settings import Fact

_FILE = CORPORA / "oracle-knp" / "clusters.jsonl"
_PLUGIN = profile("kube-network-policies")
_WITHOUT_PODS = structs.replace(_PLUGIN, ipblock_matches_pods=Fact.NO)
_THREE_VALUED = structs.replace(_PLUGIN, ipblock_matches_pods=Fact.UNKNOWN)
_CASES = [json.loads(line) for line in _FILE.read_text().splitlines()] if _FILE.exists() else []

pytestmark = pytest.mark.skipif(not _CASES, reason=absent(_FILE))


def _expected(packet: dict[str, Any]) -> tuple[State, State, State]:
    """With the plugin; where ipBlocks do not match pods; where that is not known (MAP-30, MAP-31)."""
    state, other = (State.YES, State.BLOCKED) if packet["allowed"] else (State.BLOCKED, State.YES)
    return (state, other, State.UNKNOWN) if "profile" in packet else (state, state, state)


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["id"])
def test_every_packet_has_the_verdict_of_the_data_plane(case: dict[str, Any], tally: Counter[tuple[str, str]]) -> None:
    found = cluster(*case["namespaces"], *case["nodes"], *case["pods"], *case["policies"])
    pods = {f"{pod.namespace}/{pod.name}": number for number, pod in enumerate(found.pods)}
    engines = [assemble(found, cni) for cni in (_PLUGIN, _WITHOUT_PODS, _THREE_VALUED)]
    wrong = []
    for packet in case["packets"]:
        ends = (pods.get(packet["from"], packet["from"]), pods.get(packet["to"], packet["to"]))
        asked = (*ends, packet["protocol"], packet["port"], packet["family"])
        states = tuple(engine.packet(*asked).state for engine in engines)
        if states != _expected(packet):
            wrong.append((packet, states))
    corpus = f"oracle-knp {case['id'].partition('-')[0]}, packets in three runs"
    tally[corpus, "agreed"] += len(case["packets"]) - len(wrong)
    tally[corpus, "differs"] += len(wrong)
    assert wrong == []
