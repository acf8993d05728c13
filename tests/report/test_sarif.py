"""SARIF 2.1.0 (REP-12). Section numbers are those of the OASIS standard."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from kubeaudit.findings import Verdict
from kubeaudit.report import sarif

from . import golden
from .sample import empty, sample

LEVELS = {"none", "note", "warning", "error"}


@pytest.fixture(scope="module")
def run() -> Any:
    return msgspec.json.decode(sarif.render(sample()))["runs"][0]


def test_expected_file() -> None:
    golden.check("sarif.json", msgspec.json.format(sarif.render(sample()), indent=1).decode())


def test_3_13_log_has_version_and_runs() -> None:
    log = msgspec.json.decode(sarif.render(empty()))
    assert log["version"] == "2.1.0"
    assert len(log["runs"]) == 1
    assert log["runs"][0]["results"] == []


def test_3_49_one_rule_per_selected_check(run: Any) -> None:
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [check.id for check in sample().checks]
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in LEVELS
        assert 0.0 <= float(rule["properties"]["security-severity"]) <= 10.0
        assert {"security", "kubernetes"} <= set(rule["properties"]["tags"])


def test_3_27_results_point_to_their_rule_and_carry_a_fingerprint(run: Any) -> None:
    rules = run["tool"]["driver"]["rules"]
    assert len(run["results"]) == len(sample().findings)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in LEVELS
        assert result["message"]["text"]
    prints = {result["partialFingerprints"]["kubeaudit/v1"] for result in run["results"]}
    assert prints == {finding.fingerprint for finding in sample().findings}


def test_3_27_level_none_belongs_to_other_kinds_than_fail(run: Any) -> None:
    assert {result["kind"] for result in run["results"]} == {"fail"}
    assert "none" not in {result["level"] for result in run["results"]}


def test_locations_name_cluster_namespace_kind_and_name(run: Any) -> None:
    names = {loc["logicalLocations"][0]["fullyQualifiedName"] for r in run["results"] for loc in r["locations"]}
    assert "prod-eu-1/tools/Deployment/console" in names
    assert "prod-eu-1/ClusterRoleBinding/console-admin" in names


def test_3_4_uris_are_relative_references_of_rfc_3986(run: Any) -> None:
    uris = [item["uri"] for item in _find(run, "artifactLocation")]
    assert len(uris) > len(run["results"])
    for uri in uris:
        assert re.fullmatch(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-F]{2})+", uri)
        assert ":" not in uri.split("/")[0]
        assert not uri.startswith("/")
    assert "prod-eu-1/tools/Deployment.apps/console" in uris


def test_3_36_paths_are_code_flows_with_every_hop(run: Any) -> None:
    flows = {
        flow["threadFlows"][0]["id"]: flow["threadFlows"][0]["locations"]
        for result in run["results"]
        for flow in result.get("codeFlows", ())
    }
    named = {name for finding in sample().findings for name in finding.paths}
    paths = {path.id: path for path in sample().paths if path.id in named}
    assert set(flows) == set(paths) == named
    for name, steps in flows.items():
        assert [step["executionOrder"] for step in steps] == list(range(1, len(paths[name].hops) + 1))
        for step, hop in zip(steps, paths[name].hops, strict=True):
            assert hop.sentence in step["location"]["message"]["text"]


def test_3_20_what_was_not_evaluated_is_a_notification(run: Any) -> None:
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    notes = invocation["toolExecutionNotifications"]
    assert all(note["level"] in LEVELS and note["message"]["text"] for note in notes)
    rules = run["tool"]["driver"]["rules"]
    unevaluated = [note["associatedRule"] for note in notes if note["descriptor"]["id"] == "not-evaluated"]
    assert [rules[rule["index"]]["id"] for rule in unevaluated] == [
        check.id for check in sample().checks if check.verdict is Verdict.NOT_EVALUATED
    ]
    unread = [note["message"]["text"] for note in notes if note["descriptor"]["id"] == "not-read"]
    assert len(unread) == len(sample().coverage.gaps)
    assert len([note for note in notes if note["level"] == "error"]) == len(sample().coverage.bad)


def test_3_20_14_a_stopped_run_was_not_successful() -> None:
    result = sample()
    stopped = msgspec.json.decode(sarif.render(replace(result, run=replace(result.run, complete=False))))
    assert stopped["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_3_19_taxonomies_resolve(run: Any) -> None:
    frameworks = run["taxonomies"]
    assert [item["name"] for item in frameworks] == ["CIS Kubernetes 1.12", "MITRE ATT&CK", "OWASP Kubernetes 2025"]
    targets = [item["target"] for rule in run["tool"]["driver"]["rules"] for item in rule.get("relationships", ())]
    assert targets
    for target in targets:
        framework = frameworks[target["toolComponent"]["index"]]
        assert framework["name"] == target["toolComponent"]["name"]
        assert framework["taxa"][target["index"]]["id"] == target["id"]


def test_a_finding_of_an_unlisted_check_gets_a_rule() -> None:
    result = sample()
    stray = replace(result, findings=(replace(result.findings[0], check="team-own-check"),))
    run = msgspec.json.decode(sarif.render(stray))["runs"][0]
    (found,) = run["results"]
    assert run["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == "team-own-check"


def test_long_values_say_that_they_were_shortened(run: Any) -> None:
    (long,) = [r["message"]["text"] for r in run["results"] if r["ruleId"] == "pod-writable-root-fs"]
    assert len(long) < 3_000
    assert "characters)" in long


def _find(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == key:
                yield item
            yield from _find(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _find(item, key)
