"""What deploy/ installs: least privilege, a restricted pod, and placeholders that one command fills."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeaudit.kinds import KINDS, NAMED_CONFIGMAPS

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
IMAGE = "registry.example.com/team/kubeaudit@sha256:" + "0123456789abcdef" * 4
PLACEHOLDER = re.compile(r"PLACEHOLDER_[A-Z]+")
KUBECTL = """#!/bin/sh
case "$*" in
*metadata.uid*) printf %s "$CLUSTER_UID" ;;
*ports*) printf %s 6443 ;;
*endpointslices*) printf %s "192.0.2.10 192.0.2.11 2001:db8::10" ;;
*clusterIPs*) printf %s "10.96.0.1 fd00::1" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""
"""Answers as kubectl would for a control plane of two IPv4 addresses and one of IPv6, with a dual-stack Service."""


@pytest.fixture(scope="module")
def path_with_kubectl(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bin")
    (folder / "kubectl").write_text(KUBECTL, "utf-8")
    (folder / "kubectl").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def fill(path: str, *arguments: str, uid: str = "5f3a") -> "subprocess.CompletedProcess[str]":
    environ = {"PATH": path, "CLUSTER_UID": uid}
    return subprocess.run([DEPLOY / "fill", *arguments], env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def filled(path_with_kubectl: str) -> str:
    done = fill(path_with_kubectl, IMAGE)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def objects(filled: str) -> dict[tuple[str, str, str], Any]:
    """(kind, namespace, name) -> object."""
    found = {}
    for item in yaml.safe_load_all(filled):
        metadata = item["metadata"]
        found[item["kind"], metadata.get("namespace", ""), metadata["name"]] = item
    return found


@pytest.fixture(scope="module")
def cronjob(objects: dict[tuple[str, str, str], Any]) -> Any:
    return objects["CronJob", "kubeaudit", "kubeaudit"]["spec"]


@pytest.fixture(scope="module")
def pod(cronjob: Any) -> Any:
    return cronjob["jobTemplate"]["spec"]["template"]["spec"]


class TestPlaceholders:
    def test_the_documentation_lists_each_and_the_command_fills_all(self, filled: str) -> None:
        marked = {
            name: path.name for path in DEPLOY.glob("*.yaml") for name in PLACEHOLDER.findall(path.read_text("utf-8"))
        }
        rows = re.findall(r"^\| (`PLACEHOLDER.*?) \| (\S+) \|", (DEPLOY / "README.md").read_text("utf-8"), re.M)
        assert {name: file for names, file in rows for name in PLACEHOLDER.findall(names)} == marked
        assert len(marked) == 5
        assert PLACEHOLDER.findall(filled) == []

    def test_every_manifest_is_printed_in_the_order_of_the_kustomization(
        self, objects: dict[tuple[str, str, str], Any]
    ) -> None:
        listed = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text("utf-8"))["resources"]
        assert {*listed, "kustomization.yaml"} == {path.name for path in DEPLOY.glob("*.yaml")}
        written = [item for name in listed for item in yaml.safe_load_all((DEPLOY / name).read_text("utf-8"))]
        assert [item["metadata"]["name"] for item in written] == [name for _, _, name in objects]
        assert next(iter(objects))[0] == "Namespace"

    def test_every_address_of_the_api_server_is_allowed_alone(self, objects: dict[tuple[str, str, str], Any]) -> None:
        server, service, _ = objects["NetworkPolicy", "kubeaudit", "kubeaudit"]["spec"]["egress"]
        blocks = [peer["ipBlock"]["cidr"] for peer in server["to"]]
        assert blocks == ["192.0.2.10/32", "192.0.2.11/32", "2001:db8::10/128"]
        assert server["ports"] == [{"protocol": "TCP", "port": 6443}]
        assert [peer["ipBlock"]["cidr"] for peer in service["to"]] == ["10.96.0.1/32", "fd00::1/128"]
        assert service["ports"] == [{"protocol": "TCP", "port": 443}]

    def test_cron_01_clusters_have_minutes_of_their_own_that_stay(self, path_with_kubectl: str) -> None:
        def minute(uid: str) -> int:
            found = re.search(
                r"schedule: (\d+) 3 \* \* \*$", fill(path_with_kubectl, IMAGE, uid=uid).stdout, re.MULTILINE
            )
            assert found is not None
            return int(found.group(1))

        minutes = [minute(f"cluster-{number}") for number in range(12)]
        assert all(0 <= each < 60 for each in minutes)
        assert len(set(minutes)) > 6
        assert minute("cluster-0") == minutes[0]

    @pytest.mark.parametrize(
        "image",
        [
            "",
            "kubeaudit",
            "kubeaudit:latest",
            IMAGE[:-1],
            IMAGE + "0",
            IMAGE.replace("team", "te&am"),
            "@sha256:" + "0" * 64,
        ],
    )
    def test_an_image_without_a_digest_is_refused(self, path_with_kubectl: str, image: str) -> None:
        done = fill(path_with_kubectl, image)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("error: ")

    def test_nothing_is_printed_where_the_cluster_does_not_answer(self, path_with_kubectl: str, tmp_path: Path) -> None:
        (tmp_path / "kubectl").write_text("#!/bin/sh\nexit 1\n", "utf-8")
        (tmp_path / "kubectl").chmod(0o755)
        for path in (f"{tmp_path}{os.pathsep}{path_with_kubectl}", path_with_kubectl):
            done = fill(path, IMAGE, uid="")
            assert (done.returncode != 0, done.stdout) == (True, "")


class TestLeastPrivilege:
    def test_lp_11_the_role_and_the_kinds_table_say_the_same(self, objects: dict[tuple[str, str, str], Any]) -> None:
        granted = list(grants(objects["ClusterRole", "", "kubeaudit-reader"]))
        assert sorted(granted) == sorted((kind.group, kind.resource, "list", "") for kind in KINDS)

    def test_lp_11_the_named_configmaps_are_those_of_the_table(self, objects: dict[tuple[str, str, str], Any]) -> None:
        roles = {key: item for key, item in objects.items() if key[0] == "Role"}
        granted = [(namespace, *grant) for (_, namespace, _), role in roles.items() for grant in grants(role)]
        assert sorted(granted) == sorted((place, "", "configmaps", "get", name) for place, name in NAMED_CONFIGMAPS)

    def test_lp_01_roles_are_bound_to_the_one_account_and_there_are_no_others(
        self, objects: dict[tuple[str, str, str], Any]
    ) -> None:
        account = {"kind": "ServiceAccount", "namespace": "kubeaudit", "name": "kubeaudit"}
        for kind in ("Role", "ClusterRole"):
            roles = {key[1:] for key in objects if key[0] == kind}
            bindings = {key[1:]: item for key, item in objects.items() if key[0] == f"{kind}Binding"}
            assert {(space, item["roleRef"]["name"]) for (space, _), item in bindings.items()} == roles
            assert all(item["roleRef"]["kind"] == kind for item in bindings.values())
            assert all(item["subjects"] == [account] for item in bindings.values())

    def test_cron_07_only_built_in_kinds_are_installed(self, objects: dict[tuple[str, str, str], Any]) -> None:
        kinds = {kind for kind, _, _ in objects}
        rbac = {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
        assert kinds == {"Namespace", "ServiceAccount", "NetworkPolicy", "CronJob"} | rbac


def grants(role: Any) -> Iterator[tuple[str, str, str, str]]:
    """Every (group, resource, verb, name) that a role grants; the empty name stands for all."""
    for rule in role["rules"]:
        assert set(rule) <= {"apiGroups", "resources", "verbs", "resourceNames"}
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames", [""]):
                        yield group, resource, verb, name


class TestCronJob:
    def test_cron_01_one_run_at_a_time_with_bounds(self, cronjob: Any) -> None:
        job = cronjob["jobTemplate"]["spec"]
        assert cronjob["concurrencyPolicy"] == "Forbid"
        assert cronjob["timeZone"] == "Etc/UTC"
        assert (cronjob["successfulJobsHistoryLimit"], cronjob["failedJobsHistoryLimit"]) == (3, 3)
        assert job["backoffLimit"] == 1
        bounds = (cronjob["startingDeadlineSeconds"], job["activeDeadlineSeconds"], job["ttlSecondsAfterFinished"])
        assert all(isinstance(bound, int) and bound > 0 for bound in bounds)

    def test_cron_02_the_token_is_projected_for_an_hour_where_clients_look_for_it(
        self, objects: dict[tuple[str, str, str], Any], pod: Any
    ) -> None:
        assert objects["ServiceAccount", "kubeaudit", "kubeaudit"]["automountServiceAccountToken"] is False
        assert pod["automountServiceAccountToken"] is False
        assert pod["serviceAccountName"] == "kubeaudit"
        mounts = {mount["mountPath"]: mount for mount in pod["containers"][0]["volumeMounts"]}
        mount = mounts["/var/run/secrets/kubernetes.io/serviceaccount"]
        (volume,) = [volume for volume in pod["volumes"] if volume["name"] == mount["name"]]
        token, authority, namespace = volume["projected"]["sources"]
        assert token == {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}
        assert authority["configMap"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
        assert namespace["downwardAPI"]["items"][0]["path"] == "namespace"

    def test_cron_02_the_image_is_named_by_its_digest(self, pod: Any) -> None:
        assert [container["image"] for container in pod["containers"]] == [IMAGE]

    def test_cron_03_memory_covers_the_largest_cluster_of_the_envelope(self, pod: Any) -> None:
        resources = pod["containers"][0]["resources"]
        assert resources["limits"]["memory"] == "1Gi"
        assert set(resources["requests"]) == set(resources["limits"]) == {"cpu", "memory"}

    def test_cron_04_and_05_findings_do_not_fail_the_job_and_the_log_is_one_json_document(self, pod: Any) -> None:
        arguments = pod["containers"][0]["args"]
        assert arguments[0] == "scan"
        assert "--exit-zero" in arguments
        assert arguments[-2:] == ["-o", "json"]
        (temporary,) = [volume for volume in pod["volumes"] if volume["name"] == "temporary"]
        assert temporary["emptyDir"]["sizeLimit"]

    def test_the_command_line_takes_the_arguments(self, pod: Any, filled: str) -> None:
        done = scan("-", *pod["containers"][0]["args"][1:], given=filled)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["schema"] == "kubeaudit.result/1"


class TestNetwork:
    def test_cron_06_the_namespace_denies_and_the_pod_may_reach_api_server_and_dns_only(
        self, objects: dict[tuple[str, str, str], Any], cronjob: Any
    ) -> None:
        policies = [item["spec"] for (kind, _, _), item in objects.items() if kind == "NetworkPolicy"]
        deny, allow = policies
        assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        assert allow["policyTypes"] == ["Ingress", "Egress"]
        assert "ingress" not in allow
        labels = cronjob["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
        assert allow["podSelector"] == {"matchLabels": labels}
        dns = allow["egress"][2]
        assert {port["port"] for port in dns["ports"]} == {53}
        assert dns["to"][0]["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}
        assert len(allow["egress"]) == 3


@pytest.mark.parametrize("path", ["-", str(DEPLOY)])
def test_lp_05_our_own_manifests_have_no_finding_of_severity_low_or_above(path: str, filled: str) -> None:
    done = scan(path, "--fail-on", "low", "-q", "-o", "json", given=filled)
    found = [
        (each["check"], each["subject"]) for each in json.loads(done.stdout)["findings"] if each["severity"] != "info"
    ]
    assert found == []
    assert done.returncode == 0, done.stderr


def test_lp_05_what_matters_about_the_pod_passes_and_is_not_merely_undecided(filled: str) -> None:
    """With the network plugin known, which manifests alone do not show."""
    done = scan("-", "--cni-profile", "calico", "-q", "-o", "json", given=filled)
    verdicts = {check["id"]: check["verdict"] for check in json.loads(done.stdout)["checks"]}
    passing = ("pod-run-as-non-root", "pod-cap-drop-all", "pod-seccomp-missing", "pod-privileged", "sa-automount")
    wanted = {*passing, "rbac-secrets-read", "rbac-wildcard", "meta-pod-egress", "res-memory-limit", "img-tag-latest"}
    assert {verdicts[check] for check in wanted} == {"pass"}


def scan(path: str, *arguments: str, given: str) -> "subprocess.CompletedProcess[str]":
    """``kubeaudit scan -f PATH`` with ``given`` on standard input."""
    command = [sys.executable, "-m", "kubeaudit", "scan", "-f", path, *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)
