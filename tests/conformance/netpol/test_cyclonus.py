"""cyclonus: probe tables, queries, explained policies and lint (network.md, 8.4)."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from network.clusters import cluster, namespace, pod

from conformance.netpol.corpora import CORPORA, absent, manifests
from conformance.netpol.cyclonus import (
    NOTHING,
    PROFILE,
    dict_form,
    our_targets,
    reach_of,
    read_tables,
    read_targets,
    together,
)
from kubeaudit.documents import Document, parse
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.implied import Form
from kubeaudit.network.fields import PEERS
from kubeaudit.network.lint import lints
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.network.verdicts import Direction
from kubeaudit.proof import State

_ROOT = CORPORA / "cyclonus"
_CASES: list[dict[str, Any]] = json.loads((_ROOT / "cases.json").read_text()) if _ROOT.exists() else []
_DNS = "8.8.8.8"
Tally = Counter[tuple[str, str]]

pytestmark = pytest.mark.skipif(not _CASES, reason=absent(_ROOT))


def _of(mode: str) -> list[dict[str, Any]]:
    return [case for case in _CASES if case["mode"] == mode]


def _policies(case: dict[str, Any]) -> list[dict[str, Any]]:
    return [found for name in case["policies"] for found in manifests(_ROOT / name)]


@pytest.mark.parametrize("case", _of("probe"), ids=lambda case: case["id"])
def test_a_probe_gives_the_same_tables(case: dict[str, Any], tally: Tally) -> None:
    asked = json.loads((_ROOT / case["input"]).read_text())
    found = _probed(case, asked["Resources"])
    reach = assemble(found, PROFILE)
    declared = {port["Port"] for made in asked["Resources"]["Pods"] for port in made["Containers"]}
    probes = [probe for probe in asked["Probes"] if probe["Port"] in declared]
    tables = list(_tables((_ROOT / case["expected"]).read_text()))
    wrong = []
    for probe, (ingress, egress, combined) in zip(probes, tables, strict=True):
        for (source, target), cell in ingress.items():
            states = _states(reach, found, source, target, probe)
            stated = tuple(_state(table[source, target]) for table in (ingress, egress, combined))
            # The pod itself is judged like any other upstream; NET-53 exempts it.
            same = states[:2] == stated[:2] if source == target else states == stated
            tally["cyclonus, cells of probe tables", "agreed" if same else "differs"] += 1
            wrong += [] if same else [(source, target, probe, cell)]
    assert wrong == []


def _probed(case: dict[str, Any], resources: dict[str, Any]) -> Cluster:
    spaces = [namespace(name, **labels) for name, labels in resources["Namespaces"].items()]
    pods = [
        pod(made["Name"], made["Namespace"], labels=made["Labels"], ips=(made["IP"],), ports=_ports(made["Containers"]))
        for made in resources["Pods"]
    ]
    return cluster(*spaces, *pods, *_policies(case))


def _ports(containers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"containerPort": c["Port"], "name": c["PortName"], "protocol": c["Protocol"].upper()} for c in containers]


def _states(
    reach: Reach, found: Cluster, source: str, target: str, probe: dict[str, Any]
) -> tuple[State, State, State]:
    one, other = (_pod(found, end) for end in (source, target))
    verdict = reach.packet(one, other, probe["Protocol"], probe["Port"])
    return verdict.ingress.state, verdict.egress.state, verdict.state


def _pod(found: Cluster, name: str) -> int:
    return next(n for n, pod in enumerate(found.pods) if f"{pod.namespace}/{pod.name}" == name)


def _state(cell: str) -> State:
    return State.YES if cell == "." else State.BLOCKED


def _tables(text: str) -> Iterator[tuple[dict[tuple[str, str], str], ...]]:
    """Ingress, Egress and Combined of every probe whose port some container declares."""
    parts = [_cells(part) for part in re.split(r"^(?:Ingress|Egress|Combined):$", text, flags=re.MULTILINE)[1:]]
    for number in range(0, len(parts), 3):
        three = parts[number : number + 3]
        if three[0] and all(cell in ".X" for table in three for cell in table.values()):
            yield tuple(three)


def _cells(table: str) -> dict[tuple[str, str], str]:
    lines = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    columns = [name.strip().lower() for name in lines[0][1:]]
    return {
        (line[0].strip(), column): cell.strip()
        for line in lines[1:]
        for column, cell in zip(columns, line[1:], strict=True)
    }


@pytest.mark.parametrize("case", _of("query-traffic"), ids=lambda case: case["id"])
def test_a_traffic_query_has_the_same_answer(case: dict[str, Any], tally: Tally) -> None:
    asked = json.loads((_ROOT / case["input"]).read_text())
    expected = re.findall(r"IS ALLOWED\? \| +(TRUE|FALSE)", (_ROOT / case["expected"]).read_text())
    found = ["TRUE" if _allowed(case, traffic) else "FALSE" for traffic in asked]
    agreed = sum(one == other for one, other in zip(found, expected, strict=True))
    tally["cyclonus, traffic queries", "agreed"] += agreed
    tally["cyclonus, traffic queries", "differs"] += len(found) - agreed
    assert found == expected


def _allowed(case: dict[str, Any], traffic: dict[str, Any]) -> bool:
    made, ends = [], []
    for name in ("Source", "Destination"):
        end = traffic[name]
        if "Internal" in end:
            inside = end["Internal"]
            ends.append(len([o for o in made if o["kind"] == "Pod"]))
            ports = [{"containerPort": traffic["ResolvedPort"], "name": traffic.get("ResolvedPortName", "")}]
            made.append(namespace(inside["Namespace"], **inside["NamespaceLabels"]))
            made.append(
                pod(name.lower(), inside["Namespace"], labels=inside["PodLabels"], ips=(end["IP"],), ports=ports)
            )
        else:
            ends.append(end["IP"])
    reach = assemble(cluster(*made, *_policies(case)), PROFILE)
    return reach.packet(*ends, traffic["Protocol"], traffic["ResolvedPort"]).state is State.YES


@pytest.mark.parametrize("case", _of("explain"), ids=lambda case: case["id"])
def test_policies_are_explained_as_the_same_targets(case: dict[str, Any], tally: Tally) -> None:
    (rows,) = read_tables((_ROOT / case["expected"]).read_text())
    reach = reach_of(_policies(case))
    found, expected = our_targets(reach, reach.policies), read_targets(rows)
    tally["cyclonus, explained targets", "agreed"] += len(found & expected)
    tally["cyclonus, explained targets", "differs"] += len(found ^ expected)
    assert found == expected


@pytest.mark.parametrize("case", _of("query-target"), ids=lambda case: case["id"])
def test_the_same_policies_select_a_pod(case: dict[str, Any], tally: Tally) -> None:
    """Tables stand in pairs: the targets of a pod, and what they come to together."""
    asked = json.loads((_ROOT / case["input"]).read_text())
    listed = list(read_tables((_ROOT / case["expected"]).read_text()))
    assert len(listed) == 2 * len(asked)
    for number, wanted in enumerate(asked):
        labels, space = wanted["Labels"] or {}, wanted["Namespace"]
        reach = assemble(cluster(pod("asked", space, labels=labels), *_policies(case)), PROFILE)
        found = our_targets(reach, [policy for policy in reach.policies if policy.selected])
        stated, at_once = (read_targets(rows) for rows in listed[2 * number : 2 * number + 2])
        agreed = found == stated and together(found) == together(at_once)
        tally["cyclonus, queried targets", "agreed" if agreed else "differs"] += 1
        assert found == stated
        assert together(found) == together(at_once)


@pytest.mark.parametrize("case", _of("lint"), ids=lambda case: case["id"])
def test_the_same_targets_block_everything(case: dict[str, Any], tally: Tally) -> None:
    """Checks of targets, each alone: nothing passes in a direction, DNS of an outside server does not. Checks of how a
    policy is written are left out but for rules whose direction its types leave out (NET-04).
    """
    (rows,) = read_tables((_ROOT / case["expected"]).read_text())
    expected = {
        (check, *_linted(target), frozenset(policies.split()))
        for origin, check, target, policies in rows[1:]
        if origin == "Resolved"
    }
    found = set(_blocked(_policies(case)))
    tally["cyclonus, lint", "agreed"] += len(found & expected)
    tally["cyclonus, lint", "differs"] += len(found ^ expected)
    assert found == expected
    inert = {
        f"{lint.object.namespace}/{lint.object.name}" for lint in lints(reach_of(_policies(case)), ["inert-rules"])
    }
    typeless = {row[3] for row in rows[1:] if re.match("CheckSourceMissingPolicyType(In|E)gress", row[1])}
    assert inert == typeless


def _linted(target: str) -> tuple[str, Form]:
    """Namespace and pod selector, which is YAML here."""
    space, _, selector = target.removeprefix("namespace: ").partition("\npod selector:\n")
    (document,) = parse(selector.encode(), "target")
    assert isinstance(document, Document)
    return space, dict_form(document.value)


def _blocked(policies: list[dict[str, Any]]) -> Iterator[tuple[str, str, Form, frozenset[str]]]:
    whole = reach_of(policies)
    for target in our_targets(whole, whole.policies):
        direction = Direction(target.direction)
        alone = [p for p in policies if f"{p['metadata']['namespace']}/{p['metadata']['name']}" in target.policies]
        reach = reach_of(alone)
        place = (target.namespace, target.pods, target.policies)
        if target.rules == NOTHING:
            yield f"CheckTargetAll{direction.capitalize()}Blocked", *place
        if direction is Direction.EGRESS:
            for protocol in ("TCP", "UDP"):
                if reach.egress(0, _DNS, protocol, 53).state is State.BLOCKED:
                    yield f"CheckDNSBlockedOn{protocol}", *place
        ruled = [rule for p in alone for rule in p["spec"].get(target.direction) or ()]
        if any(rule.get("ports") and not rule.get(PEERS[direction]) for rule in ruled):
            yield f"CheckTargetAll{direction.capitalize()}Allowed", *place


def test_there_are_cases_of_most_modes() -> None:
    assert all(_of(mode) for mode in ("explain", "lint", "probe", "query-traffic"))
