"""From judgements to verdicts, findings and coverage on small clusters (CHK-01..09, -17..24, -27..34)."""

import json
from collections.abc import Iterable

import pytest
from factory import (
    Object,
    Outcomes,
    admin_path,
    bind,
    calico,
    check,
    container,
    deployment,
    failing,
    files,
    ingress,
    named,
    namespace,
    node,
    pod,
    policy,
    role,
    rule,
    scanned,
    service,
    shipped,
    slice_of,
    snapshot,
)

from kubeaudit.findings import Counts, Finding, ScanResult, Verdict, encode
from kubeaudit.settings import Limits, Settings, Severity
from kubeaudit.snapshot import Outcome

PRIVILEGED: Object = {"containers": [container(securityContext={"privileged": True})]}
OWNER = deployment(**PRIVILEGED)
NETWORKPOLICIES = "networkpolicies.networking.k8s.io"
RICH = [
    calico(),
    namespace(),
    node("n1", "aws:///a/i-1", "10.0.0.1", "203.0.113.7"),
    OWNER,
    pod("web-1", OWNER, **PRIVILEGED),
    pod("web-2", OWNER, ip="10.1.0.2", **PRIVILEGED),
    pod("job", phase="Succeeded"),
    pod("sys", space="kube-system", ip="10.1.0.3"),
    service(kind="LoadBalancer", status=[{"ip": "203.0.113.1"}]),
    service("np", "NodePort"),
    slice_of("web", "web-1", "web-2"),
    ingress(),
    policy("some", ingress=[{}]),
    role("own", rule("*", "*", "*")),
    bind("all", "own", "sa:shop/default", "group:system:authenticated"),
]


def counts(result: ScanResult, name: str) -> tuple[int, int, int, int]:
    found = check(result, name).counts
    return found.passed, found.failed, found.not_evaluated, found.not_applicable


def test_chk_01_every_selected_check_appears_with_four_counts() -> None:
    result = scanned(RICH)
    assert [found.id for found in result.checks] == sorted(shipped())
    text = encode(scanned([]))
    for found in scanned([]).checks:
        assert isinstance(found.counts, Counts) and isinstance(found.folded, Counts)
    assert text.count(b'"not_applicable":') >= len(shipped()), "zeros are written"


def test_chk_01_every_object_gets_one_verdict_of_a_check_and_container() -> None:
    result = scanned(RICH, "exp-service-load-balancer")
    assert counts(result, "exp-service-load-balancer") == (1, 1, 0, 0)


def test_chk_02_a_pass_needs_every_required_read() -> None:
    whole = scanned(snapshot([pod(), service()]), "exp-service-load-balancer")
    assert check(whole, "exp-service-load-balancer").verdict == "pass"
    for outcome in (Outcome.REFUSED, Outcome.PARTIAL, Outcome.FAILED, Outcome.UNAUTHORIZED):
        part = scanned(
            snapshot([pod(), service()], {"gateways.gateway.networking.k8s.io": outcome}), "exp-path-internet-to-rights"
        )
        assert check(part, "exp-path-internet-to-rights").verdict == "not-evaluated", outcome


def test_chk_03_a_failure_stands_and_its_scope_is_partial() -> None:
    result = scanned(snapshot([pod(**PRIVILEGED)], {"pods": Outcome.PARTIAL}), "pod-privileged")
    found = check(result, "pod-privileged")
    assert (found.verdict, found.scope, found.counts.failed) == ("fail", "partial", 1)
    assert [one.scope for one in result.findings] == ["partial"] and found.unseen


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome.REFUSED, "forbidden"),
        (Outcome.UNAUTHORIZED, "unauthorized"),
        (Outcome.PARTIAL, "read-incomplete"),
        (Outcome.FAILED, "read-incomplete"),
        (Outcome.NOT_ASKED, "opt-in"),
    ],
)
def test_chk_04_names_resource_scope_and_reason(outcome: Outcome, reason: str) -> None:
    result = scanned(snapshot([], {"pods": outcome}), "pod-privileged")
    found = check(result, "pod-privileged")
    assert found.verdict == "not-evaluated" and counts(result, "pod-privileged") == (0, 0, 0, 0)
    assert [(u.resource, u.scope, u.reason) for u in found.unseen] == [("pods", "", reason)]


def test_chk_04_only_the_scope_that_was_not_read() -> None:
    reads: Outcomes = {"pods": Outcome.REFUSED, ("pods", "shop"): Outcome.COMPLETE, ("pods", "other"): Outcome.REFUSED}
    objects = [deployment(), deployment("far", "other")]
    result = scanned(snapshot(objects, reads), "pod-privileged")
    assert counts(result, "pod-privileged") == (1, 0, 1, 0)
    (undecided,) = result.undecided
    assert undecided.subject.object.namespace == "other" and undecided.unseen[0].reason == "forbidden"


def test_lp_07_a_namespace_read_whole_passes_where_it_was_asked_for() -> None:
    reads: Outcomes = {"pods": Outcome.REFUSED, ("pods", "shop"): Outcome.COMPLETE}
    found = snapshot([deployment()], reads)
    asked = scanned(found, "pod-privileged", settings=Settings(namespaces=("shop",)))
    assert check(asked, "pod-privileged").verdict == "pass" and check(asked, "pod-privileged").scope == "full"
    assert check(scanned(found, "pod-privileged"), "pod-privileged").verdict == "not-evaluated"


def test_chk_04_a_namespace_is_judged_by_its_own_scope() -> None:
    reads: Outcomes = {"pods": Outcome.REFUSED, ("pods", "shop"): Outcome.COMPLETE, ("pods", "other"): Outcome.REFUSED}
    objects = [
        namespace("shop"),
        namespace("other"),
        deployment(),
        deployment("far", "other"),
        policy(),
        policy(space="other"),
    ]
    result = scanned(snapshot(objects, reads), "net-namespace-no-policy")
    assert counts(result, "net-namespace-no-policy") == (1, 0, 1, 0)


def test_chk_04_every_undecided_verdict_says_why() -> None:
    for outcome in (Outcome.COMPLETE, Outcome.REFUSED):
        for resource in (
            "pods",
            "nodes",
            "services",
            "serviceaccounts",
            NETWORKPOLICIES,
            "endpointslices.discovery.k8s.io",
        ):
            for one in scanned(snapshot(RICH, {resource: outcome})).undecided:
                assert one.unseen, (outcome, resource, one.check, one.subject.object)


def test_chk_05_not_applicable_only_with_whole_lists() -> None:
    name = "exp-ingress"
    assert check(scanned(snapshot([]), name), name).verdict == "not-applicable"
    for outcome in (Outcome.REFUSED, Outcome.UNAUTHORIZED, Outcome.FAILED):
        assert (
            check(scanned(snapshot([], {"ingresses.networking.k8s.io": outcome}), name), name).verdict
            == "not-evaluated"
        )
    host = [pod(hostNetwork=True)]
    assert check(scanned(host, "net-pod-uncovered"), "net-pod-uncovered").verdict == "not-applicable"
    part = scanned(snapshot(host, {NETWORKPOLICIES: Outcome.REFUSED}), "net-pod-uncovered")
    assert check(part, "net-pod-uncovered").verdict == "not-evaluated"


@pytest.mark.parametrize(
    ("objects", "wanted"),
    [
        ([pod("a", **PRIVILEGED), pod("b"), named("Pod", "v1", "c", spec={"containers": 1})], Verdict.FAIL),
        ([pod("b"), named("Pod", "v1", "c", spec={"containers": 1})], Verdict.NOT_EVALUATED),
        ([pod("b")], Verdict.PASS),
        ([], Verdict.NOT_APPLICABLE),
    ],
)
def test_chk_07_the_worst_object_decides(objects: list[Object], wanted: Verdict) -> None:
    assert check(scanned(objects, "pod-privileged"), "pod-privileged").verdict is wanted


def test_chk_08_coverage() -> None:
    result = scanned(snapshot([pod()], {NETWORKPOLICIES: Outcome.REFUSED}))
    covered = result.coverage
    by = {verdict: sum(one.verdict is verdict for one in result.checks) for verdict in Verdict}
    assert covered.selected == len(shipped()) == sum(by.values())
    assert (covered.not_evaluated, covered.not_applicable) == (by[Verdict.NOT_EVALUATED], by[Verdict.NOT_APPLICABLE])
    assert covered.ratio == covered.evaluated / (covered.evaluated + covered.not_evaluated)
    assert [gap.resource for gap in covered.gaps] == [NETWORKPOLICIES]
    assert "networkpolicies" in covered.grants[NETWORKPOLICIES] and covered.disabled[NETWORKPOLICIES]


def verdicts(result: ScanResult) -> dict[str, tuple[Verdict, Counts]]:
    return {found.id: (found.verdict, found.counts) for found in result.checks}


def test_chk_02_without_networkpolicies_exactly_what_needs_them_is_not_evaluated() -> None:
    whole, part = scanned(RICH), scanned(snapshot(RICH, {NETWORKPOLICIES: Outcome.REFUSED}))
    before, after = verdicts(whole), verdicts(part)
    need = {name for name, found in shipped().items() if {"@policy", NETWORKPOLICIES} & set(found.requires)}
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= need
    for name in need:
        assert after[name][0] in (Verdict.NOT_EVALUATED, Verdict.FAIL), name
        assert after[name][1].passed == after[name][1].not_applicable == 0, name
        assert any(one.resource == NETWORKPOLICIES for one in check(part, name).unseen), name
    assert {name for name in need if after[name][0] is Verdict.FAIL} <= {
        name for name in need if before[name][0] is Verdict.FAIL
    }
    assert not [
        one for one in part.findings if one.check in ("net-namespace-no-policy", "net-pod-uncovered", "net-allow-all")
    ]


def test_chk_02_without_networkpolicies_paths_over_the_network_are_unknown() -> None:
    whole = {one.jewel: one.state for one in scanned(admin_path("x")).paths if one.entry == "internet"}
    part = {
        one.jewel: one.state
        for one in scanned(snapshot(admin_path("x"), {NETWORKPOLICIES: Outcome.REFUSED})).paths
        if one.entry == "internet"
    }
    assert whole["sink/cluster-admin"] == "yes" and part["sink/cluster-admin"] == "unknown"


def test_chk_14_severity_is_fixed_and_a_change_is_shown() -> None:
    plain = check(scanned(RICH, "pod-privileged"), "pod-privileged")
    changed = scanned(RICH, "pod-privileged", settings=Settings(severities={"pod-privileged": Severity.LOW}))
    found = check(changed, "pod-privileged")
    assert (plain.severity, plain.original_severity) == (Severity.CRITICAL, None)
    assert (found.severity, found.original_severity) == (Severity.LOW, Severity.CRITICAL)
    assert {one.severity for one in changed.findings} == {Severity.LOW}
    assert {one.fingerprint for one in changed.findings} == {
        one.fingerprint for one in scanned(RICH, "pod-privileged").findings
    }
    same = scanned(RICH, "pod-privileged", settings=Settings(severities={"pod-privileged": Severity.CRITICAL}))
    assert check(same, "pod-privileged").original_severity is None


def test_chk_15_findings_are_sorted_by_severity_exposure_instances() -> None:
    found = scanned(RICH).findings
    order = ["internet", "unknown", "internal", "none"]
    ranks = [(one.severity.rank, order.index(one.exposure), -one.instances, one.check) for one in found]
    assert ranks == sorted(ranks) and len(found) > 10
    (exposed,) = failing(scanned(RICH, "pod-privileged"), "pod-privileged")
    assert exposed.exposure == "internet" and exposed.instances == 2


def test_chk_17_findings_are_about_the_owner() -> None:
    (found,) = failing(scanned(RICH, "pod-privileged"), "pod-privileged")
    assert str(found.subject.object) == "Deployment shop/web" and found.subject.uid == "uid-web"
    assert found.pods == ("web-1", "web-2") and found.subject.container == "web"


def test_chk_18_a_live_pod_that_differs_is_drift() -> None:
    made = scanned(
        [deployment(), pod("web-1", deployment(), **PRIVILEGED), pod("web-2", deployment(), ip="10.1.0.2")],
        "pod-privileged",
    )
    (found,) = made.findings
    assert found.drift and found.instances == 1 and found.pods == ("web-1",)


def test_chk_19_what_does_not_run_is_skipped() -> None:
    idle = deployment("old", **PRIVILEGED)
    idle["spec"]["replicas"] = 0
    assert check(scanned([idle], "pod-privileged"), "pod-privileged").verdict == "not-applicable"
    assert check(scanned([pod(phase="Failed", **PRIVILEGED)], "pod-privileged"), "pod-privileged").counts.failed == 0


def test_chk_21_an_unread_owner_is_marked() -> None:
    result = scanned(
        snapshot([pod(owner=OWNER, **PRIVILEGED)], {"deployments.apps": Outcome.REFUSED}), "pod-privileged"
    )
    (found,) = result.findings
    assert found.subject.owner_unread and str(found.subject.object) == "Deployment shop/web"


def test_chk_22_23_system_objects_are_counted_apart_and_listed() -> None:
    result = scanned([pod(**PRIVILEGED), pod("sys", space="kube-system", **PRIVILEGED)], "pod-privileged")
    found = check(result, "pod-privileged")
    assert (found.counts.failed, found.folded.failed) == (1, 1)
    assert {one.subject.object_class for one in result.findings} == {"user", "system"}


def test_chk_27_34_what_a_finding_carries() -> None:
    for found in scanned(RICH).findings:
        assert found.message and found.message.endswith(".") and found.cause.text, found.check
        assert found.evidence and found.recheck and len(found.recheck) <= len(found.evidence), found.check
        assert len(found.fingerprint) == len(found.evidence_hash) == 64
        assert all(
            line.startswith("kubectl ") and not set(line.split()) & {"delete", "apply", "patch", "edit"}
            for line in found.recheck
        )
        assert found.subject.object.kind and found.subject.api_version, found.check


def prints(result: ScanResult, name: str = "") -> set[str]:
    return {one.fingerprint for one in result.findings if not name or one.check == name}


def renamed(objects: Iterable[Object], **names: str) -> list[Object]:
    """The same objects after a rollout: pods have other names, uids, addresses and nodes."""
    text = json.dumps(list(objects))
    for old, new in names.items():
        text = text.replace(old.replace("_", "-"), new)
    found: list[Object] = json.loads(text)
    return found


def test_chk_33_fingerprints_survive_rollouts_and_restarts() -> None:
    after = renamed(RICH, web_1="web-zz9", web_2="web-qq4")
    assert prints(scanned(after)) == prints(scanned(RICH))


def test_chk_33_fingerprints_do_not_hold_values_and_34_hashes_do() -> None:
    def found(image: str) -> Finding:
        (one,) = failing(scanned([deployment(image=image)], "img-tag-latest"), "img-tag-latest")
        return one

    first, second = found("shop/web:latest"), found("shop/web")
    assert first.fingerprint == second.fingerprint and first.evidence_hash != second.evidence_hash


def test_chk_33_fingerprints_differ_by_cluster_check_owner_and_container() -> None:
    base = prints(scanned([pod(**PRIVILEGED)], "pod-privileged"))
    elsewhere = prints(scanned(snapshot([pod(**PRIVILEGED)], cluster_id="c-2"), "pod-privileged"))
    other = prints(scanned([pod("b", **PRIVILEGED)], "pod-privileged"))
    two = scanned(
        [
            pod(
                containers=[
                    container("a", securityContext={"privileged": True}),
                    container("b", securityContext={"privileged": True}),
                ]
            )
        ],
        "pod-privileged",
    )
    assert len(base | elsewhere | other | prints(two)) == 5


def test_chk_33_order_of_containers_does_not_matter() -> None:
    def spec(*names: str) -> Object:
        return {"containers": [container(name, securityContext={"privileged": name == "bad"}) for name in names]}

    first, second = (
        prints(scanned([pod(**spec(*names))], "pod-privileged")) for names in (("bad", "good"), ("good", "bad"))
    )
    assert first == second and len(first) == 1


def test_chk_33_findings_of_one_scan_have_fingerprints_of_their_own() -> None:
    paths = [{"name": n, "hostPath": {"path": p}} for n, p in (("a", "/etc"), ("b", "/var/lib/kubelet"))]
    caps = [container("web", securityContext={"capabilities": {"add": ["SYS_ADMIN", "CAP_SYS_ADMIN"]}})]
    found = scanned([*RICH, pod("x", containers=caps, volumes=paths)]).findings
    by_print: dict[str, list[Finding]] = {}
    for one in found:
        by_print.setdefault(one.fingerprint, []).append(one)
    assert {(many[0].check, len(many)) for many in by_print.values() if len(many) > 1} == set()


def test_namespaces_limit_subjects_never_what_is_read() -> None:
    whole = scanned(RICH, settings=Settings())
    part = scanned(RICH, settings=Settings(namespaces=("kube-system",)))
    assert {one.subject.object.namespace for one in part.findings if one.subject.object.namespace} == {"kube-system"}
    assert [one.id for one in part.paths] and {one.id for one in part.paths} <= {one.id for one in whole.paths}
    shop = scanned(RICH, settings=Settings(namespaces=("shop",)))
    wanted = {one.fingerprint for one in whole.findings if one.subject.object.namespace in ("shop", "")}
    assert prints(shop) <= prints(whole)
    assert {one.fingerprint for one in shop.findings if one.subject.object.namespace == "shop"} <= wanted
    assert {one.exposure for one in failing(shop, "pod-privileged")} == {"internet"}, (
        "the Service was read although nothing else is shown"
    )


def test_perf_06_a_limit_is_no_pass() -> None:
    short = Settings(limits=Limits(max_hops=2))
    for name in ("exp-path-internet-to-rights", "meta-exposed-pod"):
        found = check(scanned(admin_path("x"), name, settings=short), name)
        assert found.verdict == "not-evaluated" and [one.reason for one in found.unseen] == ["limit"]
    assert (
        check(scanned(admin_path("x"), "exp-path-internet-to-rights"), "exp-path-internet-to-rights").verdict == "fail"
    )


def test_files_are_judged_as_what_they_would_start() -> None:
    result = scanned(files([OWNER, service(kind="LoadBalancer")]), "pod-privileged", "exp-service-load-balancer")
    assert check(result, "pod-privileged").verdict == "fail"
    assert check(result, "exp-service-load-balancer").verdict == "not-evaluated", (
        "no status, no class: unknown, never public"
    )
