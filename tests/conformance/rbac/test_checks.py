"""The broad RBAC policies on the cases of the check corpora, and RBAC-91: the default objects are silent."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from policy.snapshots import of_objects, shipped
from rbac.objects import Manifest, account, binding, cluster, role, rule
from tallies import Counts, tell

from kubeaudit.findings import ObjectClass, Verdict
from kubeaudit.kinds import by_api_kind
from kubeaudit.rbac import review
from kubeaudit.rbac.access import build
from kubeaudit.rbac.reviewing import Review
from kubeaudit.scan import scan
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Outcome

from ..checks.cases import RUN
from .corpora import ROOT, load, path

CHECKS = {
    "rbac-cluster-admin": review.cluster_admin,
    "rbac-wildcard": review.wildcard,
    "rbac-secrets-read": review.secrets_read,
    "rbac-anonymous": review.anonymous,
    "rbac-all-authenticated": review.all_authenticated,
    "rbac-system-masters": review.system_masters,
}
KINDS = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
DIFFERENT = {"kube-linter/wildcard-in-rules": "its role is bound to nobody (REG-04)"}
"""Opinions of other projects that we do not share, with the reason."""
FOREIGN_FORMAT = ("kubesplaining",)
"""Their inputs are dumps in another tool's own format, labelled per subject and not per binding."""
Case = tuple[Path, Mapping[str, Any], list[Mapping[str, Any]]]
"""Folder of a corpus, a case, and what it expects of these checks."""


def checks_of(expected: Mapping[str, Any]) -> list[str]:
    """The checks of this module that an expectation names."""
    return [check for check in (expected.get("check"), *expected.get("any_of", ())) if check in CHECKS]


def cases() -> list[Any]:
    """Every case that names one of the checks; one unmet case where the corpora are absent, which is skipped."""
    if not (ROOT / "checks").exists():
        return [pytest.param(None, id="no-corpora")]
    files = [file for file in sorted((ROOT / "checks").glob("*/cases.json")) if file.parent.name not in FOREIGN_FORMAT]
    found = [(file.parent, case) for file in files for case in json.loads(file.read_bytes())["cases"]]
    return [
        pytest.param((folder, case, expected), id=f"{folder.name}/{case['id']}")
        for folder, case in found
        if (expected := [each for each in case["expect"] if checks_of(each)])
    ]


@pytest.mark.parametrize("item", cases())
def test_checks_agree_with_the_corpora(item: Case | None, tally: Counts) -> None:
    folder, case, expected = item or (path("checks"), {}, [])
    objects, outcomes = read([folder / name for name in case["files"]])
    access = build(cluster(objects, outcomes=outcomes))
    found = [judge(each, [r for check in checks_of(each) for r in CHECKS[check](access)]) for each in expected]
    agree = all(found)
    reason = DIFFERENT.get(f"{folder.name}/{case['id']}")
    tally[f"checks/{folder.name}", "agreed" if agree else "opinion differs" if reason else "differs"] += 1
    if reason:
        assert case["confidence"] == "opinion"
        assert not agree, f"no longer different: {reason}"
    else:
        assert agree, expected


def judge(expected: Mapping[str, Any], reviews: list[Review]) -> bool:
    """Whether the verdict of the check (CHK-07) and the objects that fail are the expected ones."""
    order = (Verdict.FAIL, Verdict.NOT_EVALUATED, Verdict.PASS)
    verdict = next((each for each in order if any(r.verdict is each for r in reviews)), Verdict.PASS)
    failing = {place for r in reviews if r.verdict is Verdict.FAIL for place in places(r)}
    missing = {unseen.resource for r in reviews for unseen in r.unseen}
    return (
        verdict == expected["verdict"]
        and {place_of(each) for each in expected.get("objects", ())} <= failing
        and not {place_of(each) for each in expected.get("clean_objects", ())} & failing
        and set(expected.get("missing", ())) <= missing
    )


def places(found: Review) -> Iterator[tuple[str, str, str]]:
    """The binding and its subjects: some projects report the one, some the others."""
    yield found.object.kind, found.object.namespace, found.object.name
    for subject in found.subjects:
        yield subject.kind, subject.namespace, subject.name


def place_of(item: Mapping[str, str]) -> tuple[str, str, str]:
    return item["kind"], item.get("namespace", ""), item["name"]


def read(files: list[Path]) -> tuple[list[Manifest], dict[str, Outcome]]:
    objects: list[Manifest] = []
    outcomes: dict[str, Outcome] = {}
    for file in files:
        if file.name == "reads.json":
            refused = (key for key, value in json.loads(file.read_bytes()).items() if value == 403)
            outcomes = dict.fromkeys(refused, Outcome.REFUSED)
        else:
            objects += [item for item in yaml.safe_load_all(file.read_text("utf-8")) if item]
    known = by_api_kind()
    return [item for item in objects if (item["apiVersion"].rpartition("/")[0], item["kind"]) in known], outcomes


def default_objects(*, live: bool) -> list[Manifest]:
    """The default objects of a fresh 1.36 server; ``live``: admin, edit and view as the controller fills them."""
    objects = [item for kind in KINDS for item in load("rbac", "default-rbac-1.36", f"{kind}.json")["items"]]
    if live:
        filled = load("rbac", "default-rbac-1.36-aggregated", "clusterroles.json")["items"]
        names = {item["metadata"]["name"] for item in filled}
        objects = [item for item in objects if item["metadata"]["name"] not in names] + filled
    return objects


@pytest.mark.parametrize("version", ["v1.36.3", "", "v1.34.0"])
@pytest.mark.parametrize("live", [False, True])
def test_rbac_91_and_107_the_default_objects_are_silent(live: bool, version: str, tally: Counts) -> None:
    access = build(cluster(default_objects(live=live), version))
    classes = Counter(grant.object_class for grant in access.grants)
    assert classes == {ObjectClass.BUILTIN: 57}
    reviews = [r for check in CHECKS.values() for r in check(access)]
    passed = sum(r.verdict is Verdict.PASS for r in reviews)
    tell(tally, "default-rbac", passed, len(reviews) - passed)
    assert [r.message for r in reviews if r.verdict is not Verdict.PASS] == []


@pytest.mark.parametrize("version", ["v1.36.3", "", "v1.34.0"])
@pytest.mark.parametrize("live", [False, True])
def test_rbac_91_no_shipped_policy_finds_anything_in_the_default_objects(live: bool, version: str) -> None:
    result = scan(of_objects(default_objects(live=live), version), list(shipped().values()), Settings(), RUN)
    assert [found.message for found in result.findings] == []
    suppressed = {check.folded.passed for check in result.checks if check.id in CHECKS}
    assert min(suppressed) >= 57, "the grants that came with the cluster are counted"


def kubeadm_objects() -> Iterator[Manifest]:
    """What kubeadm 1.36 adds for people, kubelets, kube-proxy and CoreDNS, with two nodes."""
    bootstrap, nodes = "Group:system:bootstrappers:kubeadm:default-node-token", "Group:system:nodes"
    requests = "ClusterRole/system:certificates.k8s.io:certificatesigningrequests"
    yield binding("kubeadm:cluster-admins", "ClusterRole/cluster-admin", "Group:kubeadm:cluster-admins")
    yield role("kubeadm:get-nodes", rule("get", "nodes"))
    yield binding("kubeadm:get-nodes", "ClusterRole/kubeadm:get-nodes", bootstrap)
    yield binding("kubeadm:kubelet-bootstrap", "ClusterRole/system:node-bootstrapper", bootstrap)
    yield binding("kubeadm:node-autoapprove-bootstrap", f"{requests}:nodeclient", bootstrap)
    yield binding("kubeadm:node-autoapprove-certificate-rotation", f"{requests}:selfnodeclient", nodes)
    yield binding("kubeadm:node-proxier", "ClusterRole/system:node-proxier", "ServiceAccount:kube-system/kube-proxy")
    yield role("system:coredns", rule("list watch", "endpoints services pods namespaces"))
    yield binding("system:coredns", "ClusterRole/system:coredns", "ServiceAccount:kube-system/coredns")
    yield role("kubeadm:kubelet-config", rule("get", "configmaps", names="kubelet-config"), namespace="kube-system")
    yield binding("kubeadm:kubelet-config", "Role/kubeadm:kubelet-config", nodes, bootstrap, namespace="kube-system")
    for name in ("kube-proxy", "coredns"):
        yield account("kube-system", name)
    for name, labels in (("cp", {"node-role.kubernetes.io/control-plane": ""}), ("worker", {})):
        yield {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def test_rbac_93_a_fresh_cluster_of_kubeadm_is_silent_but_for_the_inventory_of_its_components() -> None:
    policies = [policy for policy in shipped().values() if policy.theme == "rbac"]
    objects = [*default_objects(live=True), *kubeadm_objects()]
    found = scan(of_objects(objects, "v1.36.3"), policies, Settings(), RUN).findings
    assert {(one.check, one.subject.object_class) for one in found} == {("rbac-inventory", ObjectClass.SYSTEM)}


def test_rbac_91_aggregation_of_the_manifests_gives_what_the_controller_made() -> None:
    items = load("rbac", "default-rbac-1.36-aggregated", "clusterroles.json")["items"]
    filled = {item["metadata"]["name"]: item for item in items}
    bound = [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"kind": "ClusterRole", "name": name},
        }
        for name in filled
    ]
    declared = build(cluster([*default_objects(live=False), *bound], "v1.36.3"))
    rules = {grant.role.name: grant.rules for grant in declared.grants if grant.binding.name in filled}
    live = [item | {"metadata": item["metadata"] | {"uid": "1"}} for item in filled.values()]
    recorded = build(cluster([*live, *bound], "v1.36.3"))
    assert rules == {grant.role.name: grant.rules for grant in recorded.grants}, "the same rules in the same order"
    assert {name: len(found) for name, found in rules.items()} == {"admin": 29, "edit": 27, "view": 12}
