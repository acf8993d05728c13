"""``kubeaudit rbac`` on a real API server: its role is enough for a scan, and --diff finds what one lacks (LP-06)."""

import json
import subprocess
from pathlib import Path
from typing import Any

from kubeaudit.findings import Verdict

from .commands import NOW, Done, run
from .rest import at
from .server import ApiServer

GROUP = "rbac.authorization.k8s.io"
NODES = {"verb": "list", "apiGroup": "", "resource": "nodes", "namespace": "", "name": ""}


class Auditor:
    """A ServiceAccount of its own with the roles that ``kubeaudit rbac`` prints, some of their resources left out."""

    def __init__(self, server: ApiServer, folder: Path, namespace: str, without: str = "") -> None:
        self.server, self.folder, self.namespace = server, folder, namespace
        server.namespace(namespace)
        printed = json.loads(run(folder, "rbac", "-o", "json").out)["items"]
        for role in printed:
            for rule in role["rules"]:
                rule["resources"] = [name for name in rule["resources"] if name != without]
        self.bind(printed, "base")
        token = server.service_account_token(namespace, "default")
        self.kubeconfig = str(server.kubeconfig_for(token))

    def bind(self, roles: list[dict[str, Any]], suffix: str) -> None:
        """Applies roles under names of this test and binds them to the account."""
        for role in roles:
            metadata = {**role["metadata"], "name": f"{self.namespace}-{role['metadata']['name']}-{suffix}"}
            subject = {"kind": "ServiceAccount", "namespace": self.namespace, "name": "default"}
            target = {"apiGroup": GROUP, "kind": role["kind"], "name": metadata["name"]}
            bound = {"apiVersion": role["apiVersion"], "kind": f"{role['kind']}Binding", "metadata": metadata}
            self.server.apply([{**role, "metadata": metadata}, {**bound, "roleRef": target, "subjects": [subject]}])

    def run(self, *words: str) -> Done:
        return run(self.folder, *words, "--kubeconfig", self.kubeconfig)

    def events(self) -> list[dict[str, Any]]:
        return self.server.audit_events(f"system:serviceaccount:{self.namespace}:default")


def test_lp_06_the_printed_role_is_enough_and_the_diff_sends_nothing_but_reviews(
    api_server: ApiServer, tmp_path: Path
) -> None:
    auditor = Auditor(api_server, tmp_path, "rbac-whole")
    done = auditor.run("rbac", "--diff")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(b"all ")
    events = auditor.events()
    asked = {(at(e, "verb"), at(e, "objectRef", "resource"), at(e, "responseStatus", "code")) for e in events}
    assert asked == {("create", "selfsubjectaccessreviews", 201)}
    assert f"all {len(events)} rules are granted" in done.out.decode()


def test_lp_06_one_rule_removed_is_named_with_the_checks_it_disables(api_server: ApiServer, tmp_path: Path) -> None:
    """What the diff names, a scan under the same role cannot decide; with the rules it prints, nothing is missing."""
    auditor = Auditor(api_server, tmp_path, "rbac-nodes", without="nodes")
    done = auditor.run("rbac", "--diff", "-o", "json")
    assert done.code == 1
    document = json.loads(done.out)
    (lack,) = document["missing"]
    assert {key: lack[key] for key in NODES} == NODES
    assert "missing: list nodes\n" in auditor.run("rbac", "--diff").out.decode()

    checks = auditor.run("scan", "--now", NOW, "--exit-zero", "-q", "-o", "json").result.checks
    undecided = {
        check.id
        for check in checks
        if check.verdict is Verdict.NOT_EVALUATED and "nodes" in {unseen.resource for unseen in check.unseen}
    }
    assert {"exp-node-external-ip", "meta-host-network"} <= undecided <= set(lack["checks"])

    auditor.bind(document["roles"], "added")
    assert auditor.run("rbac", "--diff").code == 0


def test_lp_06_the_admin_asks_for_the_account_with_as(api_server: ApiServer, tmp_path: Path) -> None:
    Auditor(api_server, tmp_path, "rbac-as", without="pods")
    words = ("--as", "system:serviceaccount:rbac-as:default", "--kubeconfig", str(api_server.kubeconfig))
    done = run(tmp_path, "rbac", "--diff", "--select", "pod-host-pid", *words)
    assert (done.code, "missing: list pods\n" in done.out.decode()) == (1, True)
    assert "enabled by it alone: pod-host-pid" in done.out.decode()


def test_lp_07_a_role_of_one_namespace_is_enough_there(api_server: ApiServer, tmp_path: Path, binaries: Path) -> None:
    """The YAML goes through kubectl as it is printed."""
    api_server.namespace("rbac-one")
    printed = run(tmp_path, "rbac", "-n", "rbac-one").out
    kubectl = [str(binaries / "kubectl"), "--kubeconfig", str(api_server.kubeconfig)]
    applied = subprocess.run([*kubectl, "apply", "-f", "-"], input=printed, capture_output=True, check=False)
    assert (applied.returncode, applied.stderr) == (0, b"")
    bind = ["create", "rolebinding", "kubeaudit-reader", "-n", "rbac-one"]
    subprocess.run(
        [*kubectl, *bind, "--role=kubeaudit-reader", "--serviceaccount=rbac-one:default"],
        check=True,
        capture_output=True,
    )
    token = api_server.service_account_token("rbac-one", "default")
    config = str(api_server.kubeconfig_for(token))
    assert run(tmp_path, "rbac", "--diff", "-n", "rbac-one", "--kubeconfig", config).code == 0
    assert run(tmp_path, "rbac", "--diff", "-n", "default", "--kubeconfig", config).code == 1
