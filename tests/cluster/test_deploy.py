"""deploy/ on a real API server: the documented command installs it, and a scan with its account asks for what it may."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kubeaudit.kinds import KINDS, NAMED_CONFIGMAPS

from .conftest import StartApiServer
from .processes import wait_until
from .rest import Json, at, text
from .server import ApiServer

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "deploy" / "manifests"
NAMESPACE = NAME = "kubeaudit"
AUDITOR = f"system:serviceaccount:{NAMESPACE}:{NAME}"
IMAGE = "registry.example.com/kubeaudit@sha256:" + "0123456789abcdef" * 4
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All"


def documented_command() -> str:
    """The command of deploy/README.md that installs everything."""
    blocks = re.findall(
        r"^```sh\n(.*?)^```$", (ROOT / "deploy" / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    (command,) = [block for block in blocks if "deploy/fill" in block]
    return str(command)


def install(server: ApiServer, binaries: Path) -> str:
    """Runs the documented command as the admin; what kubectl said."""
    path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    environ = {
        "PATH": path,
        "KUBECONFIG": str(server.kubeconfig),
        "IMAGE": IMAGE,
        "HOME": str(server.kubeconfig.parent),
    }
    command = ["sh", "-c", documented_command()]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(binaries: Path) -> Iterator[ApiServer]:
    """A server of its own, because the namespace and the roles have fixed names."""
    with ApiServer.start(binaries) as server:
        install(server, binaries)
        yield server


def auditor_command(server: ApiServer, *arguments: str) -> list[str]:
    """A scan with a token of the ServiceAccount, as the CronJob's pod would run it."""
    kubeconfig = server.kubeconfig_for(server.service_account_token(NAMESPACE, NAME), "auditor")
    cronjob = server.request("GET", f"/apis/batch/v1/namespaces/{NAMESPACE}/cronjobs/{NAME}").expect(200)
    args = cronjob.at("spec", "jobTemplate", "spec", "template", "spec", "containers", 0, "args")
    assert isinstance(args, list)
    return [sys.executable, "-m", "kubeaudit", *map(str, args), "--kubeconfig", str(kubeconfig), *arguments]


def auditor_environ(server: ApiServer) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(server.kubeconfig.parent)}


def test_the_documented_command_installs_everything_and_again_changes_nothing(
    installed: ApiServer, binaries: Path
) -> None:
    again = install(installed, binaries).splitlines()
    assert len(again) == 11
    assert [line for line in again if not line.endswith(" unchanged")] == []


def test_objects_with_a_placeholder_are_refused(installed: ApiServer) -> None:
    for name, path in (
        ("networkpolicies.yaml", f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/networkpolicies"),
        ("cronjob.yaml", f"/apis/batch/v1/namespaces/{NAMESPACE}/cronjobs"),
    ):
        *_, item = yaml.safe_load_all((MANIFESTS / name).read_text("utf-8"))
        item["metadata"]["name"] = "unfilled"
        answer = installed.request("POST", f"{path}?dryRun=All", item)
        assert answer.status == 422
        assert "PLACEHOLDER_" in answer.text("message")


def test_cron_02_the_namespace_enforces_restricted_and_admits_the_pod_of_the_cronjob(installed: ApiServer) -> None:
    cronjob = installed.request("GET", f"/apis/batch/v1/namespaces/{NAMESPACE}/cronjobs/{NAME}").expect(200)
    spec = cronjob.at("spec", "jobTemplate", "spec", "template", "spec")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "run"}, "spec": spec}
    admitted = installed.request("POST", PODS, pod).expect(201)
    assert mounted(admitted.at("spec")) == {"/var/run/secrets/kubernetes.io/serviceaccount", "/tmp"}

    assert isinstance(spec, dict)
    lax = {**pod, "spec": {**spec, "securityContext": {"runAsUser": 65532}}}
    refused = installed.request("POST", PODS, lax)
    assert refused.status == 403
    assert 'violates PodSecurity "restricted:latest"' in refused.text("message")


def mounted(spec: Json) -> set[str]:
    """Where volumes are mounted; a token that admission added would show."""
    mounts = at(spec, "containers", 0, "volumeMounts")
    assert isinstance(mounts, list)
    return {text(mount, "mountPath") for mount in mounts}


def test_lp_01_a_scan_asks_only_for_what_the_role_allows(installed: ApiServer, tmp_path: Path) -> None:
    done = subprocess.run(
        auditor_command(installed),
        cwd=tmp_path,
        env=auditor_environ(installed),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["run"]["complete"] is True
    assert result["run"]["user"] == AUDITOR
    assert [gap for gap in result["coverage"]["gaps"] if gap["reason"] in ("forbidden", "unauthorized")] == []
    assert list(tmp_path.iterdir()) == []

    asked = [request(event) for event in installed.audit_events(AUDITOR)]
    lists = {(kind.group, kind.resource) for kind in KINDS}
    objects = [(verb, group, resource, where) for verb, group, resource, where, _ in asked if resource]
    assert {group_resource for verb, *group_resource, _ in map(list, objects) if verb == "never"} == set()
    for verb, group, resource, where in objects:
        match verb:
            case "list":
                assert (group, resource) in lists
                assert where == ("", "")
            case "get":
                assert (group, resource) == ("", "configmaps")
                assert where in NAMED_CONFIGMAPS
            case _:
                assert (verb, group, resource) == ("create", "authentication.k8s.io", "selfsubjectreviews")
    assert {verb for verb, _, resource, _, _ in asked if not resource} <= {"get"}
    assert [entry for entry in asked if entry[-1] in (401, 403)] == []
    assert ("list", "", "pods", ("", "")) in objects
    assert sum(verb == "get" for verb, *_ in objects) == len(NAMED_CONFIGMAPS)


def request(event: Json) -> tuple[str, str, str, tuple[str, str], int]:
    """Verb, API group and resource ("" for a path that is none), (namespace, name), and status of an audited request."""
    assert isinstance(event, dict)
    reference = event.get("objectRef", {})
    assert isinstance(reference, dict)
    status = at(event, "responseStatus", "code")
    assert isinstance(status, int)
    known = {key: str(reference.get(key, "")) for key in ("apiGroup", "resource", "namespace", "name", "subresource")}
    assert known["subresource"] == ""
    return text(event, "verb"), known["apiGroup"], known["resource"], (known["namespace"], known["name"]), status


def test_cron_09_sigterm_ends_a_scan_with_a_partial_result(
    start_api_server: StartApiServer, binaries: Path, tmp_path: Path
) -> None:
    server = start_api_server("--watch-cache=false")
    install(server, binaries)
    command = auditor_command(server)
    server.pause_etcd()
    scan = subprocess.Popen(
        command, cwd=tmp_path, env=auditor_environ(server), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_until(lambda: any(event["verb"] == "list" for event in audited(server)), "a list that hangs", [])
        scan.send_signal(signal.SIGTERM)
        output, errors = scan.communicate(timeout=60)
    finally:
        scan.kill()
        scan.wait()
        server.resume_etcd()
    assert scan.returncode == 3, errors
    result = json.loads(output)
    assert result["run"]["complete"] is False
    assert {gap["reason"] for gap in result["coverage"]["gaps"]} == {"read-incomplete"}


def audited(server: ApiServer) -> list[dict[str, Json]]:
    return server.audit_events(AUDITOR)
