"""``can``, ``who-can``, ``what-can``, ``uses``, ``why`` and ``simulate`` as commands: inputs, outputs, exit codes."""

import json
from pathlib import Path

import pytest

from kubeaudit import data
from tests.cli.conftest import Run

MANIFESTS = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: app, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
- {verbs: [get, list], apiGroups: [""], resources: [secrets]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reads, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects:
- {kind: ServiceAccount, name: app}
- {kind: Robot, name: r}
"""
UNREAD = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: odd}
roleRef: all
"""
ADMIN = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: top}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: app, namespace: shop}]
"""


@pytest.fixture
def files(tmp_path: Path) -> str:
    path = tmp_path / "shop.yaml"
    path.write_text(MANIFESTS)
    return str(path)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("demo") / "demo.kubeaudit"
    path.write_bytes(data.file("demo.kubeaudit").read_bytes())
    return str(path)


def test_can_answers_in_kubectls_words_and_exit_codes(run: Run, files: str, tmp_path: Path) -> None:
    yes = run("can", "list", "secrets", "--as", "system:serviceaccount:shop:app", "-n", "shop", "-f", files)
    assert (yes.code, yes.out.splitlines()[0]) == (0, "yes")
    assert "RoleBinding shop/reads" in yes.out
    no = run("can", "list", "secrets", "--as", "shop:app", "-A", "-q", "-f", files)
    assert (no.code, no.out.splitlines()[0], no.err) == (1, "no", "")
    (tmp_path / "odd.yaml").write_text(UNREAD)
    unknown = run("can", "get", "nodes", "--as", "jane", "-f", files, "-f", str(tmp_path / "odd.yaml"))
    assert (unknown.code, unknown.out.splitlines()[0]) == (4, "unknown")
    assert "ClusterRoleBinding odd" in unknown.err
    assert "does not fit its API type" in unknown.err


def test_json_goes_to_standard_output_or_to_a_file(run: Run, files: str) -> None:
    done = run("can", "get", "secrets", "--as", "shop:app", "-n", "shop", "-q", "-f", files, "-o", "json")
    found = json.loads(done.out)
    assert (found["schema"], found["answer"]) == ("kubeaudit.can/1", "allowed")
    assert found["grants"][0]["binding"] == {
        "group": "rbac.authorization.k8s.io",
        "kind": "RoleBinding",
        "name": "reads",
        "namespace": "shop",
    }
    written = run("who-can", "get", "secrets", "-f", files, "-o", "json=who.json")
    assert written.out == ""
    assert "wrote who.json" in written.err
    assert json.loads(Path("who.json").read_text())["holders"][0]["name"] == "app"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("can", "get", "pods"), "--as"),
        (("can", "get", "pods", "--as", "robot/x"), "sa/ns/name"),
        (("can", "get", "pods", "--as", "sa/app"), "sa/NAMESPACE/NAME"),
        (("can", "get", "pods/", "--as", "jane"), "RESOURCE/NAME"),
        (("can", "get", "pods", "--as", "jane", "-A", "-n", "x"), "one namespace"),
        (("who-can", "get", "pods", "-o", "yaml"), "text, json"),
        (("what-can",), "--diff OLD NEW"),
        (("what-can", "jane", "--diff", "a", "b"), "leave out -f"),
        (("uses", "jane"), "clusterrole/name"),
        (("why", "shop/gone"), "NAMESPACE/NAME"),
        (("why", "jane", "shop/gone"), "NAMESPACE/NAME"),
    ],
)
def test_wrong_words_end_with_2_and_a_hint(run: Run, files: str, words: tuple[str, ...], hint: str) -> None:
    done = run(*words, "-q", "-f", files)
    assert (done.code, done.out) == (2, "")
    assert hint in done.err.partition("hint: ")[2]


@pytest.mark.parametrize("words", [(), ("--delete", "b"), ("--delete", "clusterrole/gone"), ("-f", "gone.yaml")])
def test_a_simulation_of_nothing_or_of_what_is_not_there_ends_with_2(
    run: Run, files: str, words: tuple[str, ...]
) -> None:
    done = run("simulate", "-q", *words, "--on", files)
    assert done.code == 2
    assert "hint: " in done.err


def test_what_can_lists_and_compares(run: Run, files: str, tmp_path: Path) -> None:
    listed = run("what-can", "shop:app", "-q", "-f", files)
    assert listed.code == 0
    assert "secrets" in listed.out
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "all.yaml").write_text(f"{MANIFESTS}---{ADMIN}")
    added = run("what-can", "--diff", files, str(tmp_path / "new"), "-q")
    assert added.code == 1
    assert "ClusterRoleBinding top added" in added.out
    removed = run("what-can", "shop:app", "--diff", str(tmp_path / "new"), files, "-q")
    assert (removed.code, removed.out.splitlines()[1][:1]) == (0, "-")


def test_uses_lists_bindings_and_workloads(run: Run, demo: str) -> None:
    done = run("uses", "clusterrole/cluster-admin", "-q", "-f", demo)
    assert done.code == 0
    assert "Deployment tools/console" in done.out


def test_simulate_ends_with_1_where_a_chain_opens(run: Run, files: str, tmp_path: Path) -> None:
    (tmp_path / "top.yaml").write_text(ADMIN)
    opened = run("simulate", "-q", "-f", str(tmp_path / "top.yaml"), "--on", files, "--as", "shop:app")
    assert opened.code == 1
    assert "ServiceAccount shop/app to cluster-admin: none -> yes" in opened.out
    assert "+  critical  rbac-cluster-admin" in opened.out
    assert "not-allowed: create ClusterRoleBinding top" in opened.out
    narrowed = run("simulate", "-q", "--delete", "rolebinding/shop/reads", "--on", files)
    assert narrowed.code == 0
    assert "RoleBinding shop/reads removed" in narrowed.out


def test_the_demo_cluster_shows_who_can_read_the_secrets_of_kube_system(run: Run, demo: str) -> None:
    done = run("who-can", "get", "secrets", "-n", "kube-system", "-q", "-f", demo)
    holders, _, obtain = done.out.partition("who can obtain it")
    assert done.code == 0
    assert "ServiceAccount tools/console" in holders
    assert "ServiceAccount ingress-nginx/ingress-nginx -> " in obtain


def test_the_demo_cluster_has_a_chain_that_the_proposed_edit_removes(run: Run, demo: str, tmp_path: Path) -> None:
    shown = run("why", "tools/console", "-q", "-f", demo)
    assert shown.code == 0
    assert "ServiceAccount tools/console holds ClusterRole/cluster-admin" in shown.out
    found = json.loads(run("why", "tools/console", "-q", "-f", demo, "-o", "json").out)
    assert found["proposal"]["edit"] == "ClusterRoleBinding tools-console: remove subject ServiceAccount tools/console"
    (tmp_path / "cut.yaml").write_text(found["proposal"]["manifest"])
    cut = run("simulate", "-q", "-f", str(tmp_path / "cut.yaml"), "--on", demo)
    assert cut.code == 0
    assert "Deployment tools/console (code) to cluster-admin: yes -> none" in cut.out
    assert run("why", "data:nobody", "-q", "-f", demo).code == 1
