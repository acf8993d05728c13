"""The whole command line against the real API server, under the least-privilege role of deploy/."""

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from kubeaudit.findings import CheckResult, ScanResult, Verdict
from kubeaudit.kinds import KINDS, NAMED_CONFIGMAPS, expand
from kubeaudit.proof import State
from tests.factory import shipped

from . import company
from .commands import NOW, Done, run
from .rest import KubeObject, at, text
from .server import ApiServer

ROOT = Path(__file__).resolve().parents[2]
AUDITOR = ("kubeaudit", "kubeaudit")
HALF_BLIND = ("kubeaudit", "half-blind")
"""A ServiceAccount with the same rights, but for one: it may not list NetworkPolicies."""
POLICIES = "networkpolicies.networking.k8s.io"
RULE = '- {apiGroups: ["networking.k8s.io"], verbs: [list], resources: [networkpolicies]}'
EGRESS = "/apis/networking.k8s.io/v1/namespaces/payments/networkpolicies/egress"
GATEWAY, LEDGER = "Deployment payments/gateway", "Deployment payments/ledger"


class Auditor(NamedTuple):
    """Runs the command line with the token of one ServiceAccount, in a folder of its own."""

    server: ApiServer
    user: str
    kubeconfig: Path
    folder: Path

    def __call__(self, command: str, *words: str) -> Done:
        where = () if "-f" in words else ("--kubeconfig", str(self.kubeconfig))
        return run(self.folder, command, *where, *words)

    def scan(self, *words: str) -> ScanResult:
        """The result of a scan that has findings."""
        done = self("scan", "--now", NOW, "-o", "json", *words)
        assert done.code == 1, done.err
        return done.result


def deployed() -> Iterator[dict[str, Any]]:
    """The namespace, the ServiceAccount and all RBAC of deploy/."""
    for path in sorted((ROOT / "deploy").rglob("*.yaml")):
        for item in yaml.safe_load_all(path.read_text("utf-8")):
            if item["kind"] in ("Namespace", "ServiceAccount") or item["kind"].startswith(("Role", "ClusterRole")):
                yield item


def half_blind(items: Sequence[Mapping[str, Any]]) -> Iterator[KubeObject]:
    """The ServiceAccount, Roles and bindings again for another account, with ``networkpolicies`` taken out."""
    for item in items:
        copy = json.loads(json.dumps(item))
        if copy["kind"] == "Namespace":
            continue
        copy["metadata"]["name"] = copy["metadata"]["name"].replace("kubeaudit", HALF_BLIND[1])
        for rule in copy.get("rules", []):
            if rule["apiGroups"] == ["networking.k8s.io"]:
                rule["resources"].remove("networkpolicies")
        if "roleRef" in copy:
            copy["roleRef"]["name"] = copy["roleRef"]["name"].replace("kubeaudit", HALF_BLIND[1])
            copy["subjects"][0]["name"] = HALF_BLIND[1]
        yield copy


@pytest.fixture(scope="module")
def cluster(binaries: Path) -> Iterator[ApiServer]:
    """The company cluster with the manifests of deploy/ applied; whoever changes it puts it back."""
    with ApiServer.start(binaries) as server:
        company.build(server)
        items = sorted(deployed(), key=lambda item: item["kind"] != "Namespace")
        server.apply(items)
        server.apply(half_blind(items))
        yield server


def auditor_of(server: ApiServer, account: tuple[str, str], folder: Path) -> Auditor:
    kubeconfig = server.kubeconfig_for(server.service_account_token(*account), "company")
    return Auditor(server, "system:serviceaccount:{}:{}".format(*account), kubeconfig, folder)


@pytest.fixture
def auditor(cluster: ApiServer, tmp_path: Path) -> Auditor:
    return auditor_of(cluster, AUDITOR, tmp_path)


@pytest.fixture
def blind(cluster: ApiServer, tmp_path: Path) -> Auditor:
    return auditor_of(cluster, HALF_BLIND, tmp_path)


def failed(result: ScanResult, *checks: str) -> set[tuple[str, str]]:
    """Check and object of every finding, of all checks where none is named."""
    return {(f.check, str(f.subject.object)) for f in result.findings if not checks or f.check in checks}


def verdicts(result: ScanResult) -> dict[str, CheckResult]:
    return {check.id: check for check in result.checks}


# The least-privilege role.


def test_lp_01_a_scan_under_the_default_role_asks_for_nothing_it_may_not_have(auditor: Auditor) -> None:
    result = auditor.scan()

    assert result.run.complete
    assert result.run.user == auditor.user
    assert result.coverage.gaps == ()
    assert result.run.cni == "calico"
    lists = {(kind.group, kind.resource) for kind in KINDS}
    asked = auditor.server.audit_events(auditor.user)
    assert {at(event, "responseStatus", "code") for event in asked} <= {200, 201, 404}
    for event in asked:
        if "objectRef" not in event:
            assert (text(event, "verb"), text(event, "requestURI")) in {
                ("get", f"/{p}") for p in ("api", "apis", "version")
            }
            continue
        reference = event["objectRef"]
        assert isinstance(reference, dict)
        assert "subresource" not in reference
        of = (str(reference.get("apiGroup", "")), str(reference["resource"]))
        match event["verb"]:
            case "list":
                assert of in lists
                assert at(event, "responseStatus", "code") == 200
            case "get":
                assert of == ("", "configmaps")
                assert (reference["namespace"], reference["name"]) in NAMED_CONFIGMAPS
            case verb:
                assert (verb, of) == ("create", ("authentication.k8s.io", "selfsubjectreviews"))


def test_the_company_is_judged_as_its_objects_say(auditor: Auditor) -> None:
    """Every network verdict is definite: the plugin is known, and everything was read."""
    result = auditor.scan()

    assert [check.id for check in result.checks if check.verdict is Verdict.NOT_EVALUATED] == []
    assert result.coverage.ratio == 1.0
    assert failed(result, "meta-exposed-pod") == {
        ("meta-exposed-pod", "Deployment shop/frontend"),
        ("meta-exposed-pod", "Deployment ingress-nginx/controller"),
        ("meta-exposed-pod", "Deployment tools/console"),
    }
    assert failed(result, "exp-path-internet-to-rights", "rbac-cluster-admin") == {
        ("exp-path-internet-to-rights", "Deployment tools/console"),
        ("rbac-cluster-admin", "ClusterRoleBinding tools-console"),
    }
    assert failed(result, "img-tag-latest") == {("img-tag-latest", "Deployment shop/frontend")}
    assert ("pod-privileged", "DaemonSet kube-system/calico-node") in failed(result)


# One kind taken out of the role.


def test_never_a_false_pass_without_networkpolicies(auditor: Auditor, blind: Auditor) -> None:
    """Every policy that needs them is not evaluated, and nothing else changes."""
    whole, part = auditor.scan(), blind.scan()

    needy = {policy.id for policy in shipped().values() if POLICIES in expand(policy.requires)}
    assert {"meta-pod-egress", "meta-exposed-pod", "net-namespace-no-policy", "net-pod-uncovered"} <= needy
    before, after = verdicts(whole), verdicts(part)
    for name in needy & before.keys():
        # What no policy binds fails all the same: a load balancer is unread no more than before.
        assert after[name].counts.passed == after[name].counts.failed == 0, name
        assert after[name].verdict is Verdict.NOT_EVALUATED, name
        assert {(item.reason, item.resource) for item in after[name].unseen} >= {("forbidden", POLICIES)}
    others = before.keys() - needy
    assert {name: after[name] for name in others} == {name: before[name] for name in others}
    assert findings(part) == {item for item in findings(whole) if item[0] not in needy}
    assert [gap.resource for gap in part.coverage.gaps] == [POLICIES]
    assert part.coverage.not_evaluated == len(needy & before.keys())


def findings(result: ScanResult) -> set[tuple[str, str, str, str, str]]:
    """Findings by what must not depend on other kinds; from where a workload is reached does."""
    return {(f.check, f.fingerprint, f.severity, f.message, f.evidence_hash) for f in result.findings}


def test_paths_over_the_network_are_unknown_without_networkpolicies(auditor: Auditor, blind: Auditor) -> None:
    whole, part = auditor.scan(), blind.scan()

    network = ("EXP-112", "EXP-111", "EXP-301", "EXP-309", "EXP-215")
    assert any(hop.row in network for path in whole.paths for hop in path.hops if path.state is State.YES)
    for path in part.paths:
        through = [hop for hop in path.hops if "/workload/" in f"/{hop.target}/" or "metadata" in hop.target]
        assert not through or path.state is State.UNKNOWN, path
    cells = {(cell.entry, cell.jewel): cell.state for cell in part.matrix}
    for cell in whole.matrix:
        if cell.entry == "internet" and cell.state == State.YES and cell.jewel != "api-server":
            assert cells[cell.entry, cell.jewel] == State.UNKNOWN
    unseen = {item.resource for path in part.paths for hop in path.hops for item in hop.unseen}
    assert POLICIES in unseen


def test_rep_33_every_output_says_what_was_refused_and_what_would_allow_it(blind: Auditor) -> None:
    words = [word for name in ("json", "html", "sarif", "text") for word in ("-o", f"{name}=result.{name}")]
    done = blind("scan", "-q", "--now", NOW, *words)
    assert (done.code, done.out, done.err) == (1, b"", "")
    for name in ("json", "html", "sarif", "text"):
        said = plain((blind.folder / f"result.{name}").read_text("utf-8"), name)
        assert POLICIES in said, name
        assert "403" in said, name
        assert RULE in said, name
        assert "not evaluated" in said or "not-evaluated" in said, name


def plain(content: str, name: str) -> str:
    """What a reader sees: strings out of their quotes, lines out of their breaks, text out of its markup."""
    if name == "html":
        content = html.unescape(content.replace("<wbr>", ""))
    if name in ("json", "sarif"):
        return json.dumps(json.loads(content)).replace('\\"', '"')
    return " ".join(content.split())


# A snapshot.


def test_scanning_a_snapshot_equals_scanning_the_cluster(auditor: Auditor) -> None:
    live = auditor("scan", "--now", NOW, "-o", "json")
    taken = auditor("collect", "--now", NOW, "-o", "company.kubeaudit")
    assert taken.code == 0, taken.err
    assert (auditor.folder / "company.kubeaudit").stat().st_mode & 0o777 == 0o600
    again = run(auditor.folder, "scan", "--now", NOW, "-o", "json", "-f", "company.kubeaudit")

    assert live.code == again.code == 1
    assert without_header(live.out) == without_header(again.out)
    run_of = [json.loads(done.out)["run"] for done in (live, again)]
    assert {key for key in run_of[0] if run_of[0][key] != run_of[1][key]} <= {"flags", "reads"}
    reads = [[{k: v for k, v in read.items() if k != "seconds"} for read in each["reads"]] for each in run_of]
    assert reads[0] == reads[1]


def without_header(document: bytes) -> bytes:
    """The bytes of a result but those of ``run``, which stands in them once."""
    header = json.dumps(json.loads(document)["run"], separators=(",", ":"), ensure_ascii=False).encode()
    assert document.count(header) == 1
    return document.replace(header, b"")


# A path, and what closes it.


def test_meta_exposed_pod_proves_every_hop(auditor: Auditor) -> None:
    result = auditor.scan()

    (finding,) = [f for f in result.findings if f.check == "meta-exposed-pod" and f.subject.object.namespace == "shop"]
    (path,) = [path for path in result.paths if path.id in finding.paths]
    assert path.state is State.YES
    assert len(path.hops) >= 3
    for hop in path.hops:
        assert hop.evidence, hop.sentence
        for item in hop.evidence:
            assert item.object.name
            assert item.path
            assert item.value or item.absent, hop.sentence
    shown = {item.value for hop in path.hops for item in hop.evidence}
    assert f'"{company.SHOP_ADDRESS}"' in shown
    assert company.METADATA in path.hops[-1].target


def test_opening_metadata_in_payments_changes_exactly_its_verdicts(auditor: Auditor) -> None:
    """The exception taken out of the one egress policy opens the metadata service to both of its workloads."""
    before = auditor.scan()
    opened = json.loads(json.dumps(company.EGRESS))
    opened["spec"]["egress"][1]["to"][0]["ipBlock"]["except"].remove(f"{company.METADATA}/32")
    try:
        auditor.server.apply([opened])
        after = auditor.scan()
    finally:
        auditor.server.apply([company.EGRESS])

    assert failed(before) - failed(after) == set()
    assert failed(after) - failed(before) == {
        ("meta-exposed-pod", GATEWAY),
        ("meta-no-workload-identity", GATEWAY),
        ("meta-no-workload-identity", LEDGER),
        ("meta-pod-egress", GATEWAY),
        ("meta-pod-egress", LEDGER),
    }
    assert changed(before, after) == {"meta-exposed-pod", "meta-no-workload-identity", "meta-pod-egress"}


def test_deleting_the_egress_policy_of_payments_also_leaves_its_pods_uncovered(auditor: Auditor) -> None:
    before = auditor.scan()
    try:
        auditor.server.request("DELETE", EGRESS).expect(200)
        after = auditor.scan()
    finally:
        auditor.server.apply([company.EGRESS])

    assert failed(before) - failed(after) == set()
    assert failed(after) - failed(before) == {
        ("meta-exposed-pod", GATEWAY),
        ("meta-no-workload-identity", GATEWAY),
        ("meta-no-workload-identity", LEDGER),
        ("meta-pod-egress", GATEWAY),
        ("meta-pod-egress", LEDGER),
        ("net-pod-reaches-kubelet", GATEWAY),
        ("net-pod-reaches-kubelet", LEDGER),
        ("net-pod-uncovered", GATEWAY),
        ("net-pod-uncovered", LEDGER),
    }
    opened = {check for check, _ in failed(after) - failed(before)}
    # These judge the policies that there are: one less.
    assert changed(before, after) == opened | {"net-allow-all", "net-cross-namespace", "net-dangling-policy"}


def changed(before: ScanResult, after: ScanResult) -> set[str]:
    """Checks whose counts of verdicts differ."""
    then = verdicts(before)
    return {
        check.id
        for check in after.checks
        if check.counts != then[check.id].counts or check.folded != then[check.id].folded
    }


# What is asked for, and is not there.


def test_a_namespace_that_does_not_exist(auditor: Auditor) -> None:
    done = auditor("scan", "-q", "-n", "shop", "-n", "shpo", "-o", "json=result.json")
    assert (done.code, done.out) == (2, b"")
    assert "no such namespace: shpo" in done.err
    assert "payments" in done.err, "the hint names the namespaces that there are"
    assert list(auditor.folder.iterdir()) == []


def test_n_limits_what_is_reported_and_not_what_is_read(auditor: Auditor) -> None:
    whole, shop = auditor.scan(), auditor.scan("-n", "shop")
    assert {f.subject.object.namespace for f in shop.findings if f.subject.object.kind == "Deployment"} == {"shop"}
    assert failed(shop, "meta-exposed-pod") == {("meta-exposed-pod", "Deployment shop/frontend")}
    assert shop.run.objects == whole.run.objects


def test_a_context_that_is_not_there(auditor: Auditor) -> None:
    done = auditor("scan", "-q", "--context", "staging")
    assert (done.code, done.out) == (2, b"")
    assert "'staging'" in done.err
    assert "company" in done.err, "the hint names the contexts that there are"
