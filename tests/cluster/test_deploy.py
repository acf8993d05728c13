"""deploy/ on a real API server: the documented command installs it, and a scan asks only for what its role allows."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from kubeaudit.findings import Verdict, decode
from kubeaudit.kinds import KINDS, NAMED_CONFIGMAPS

from .audit import PENDING
from .conftest import StartApiServer
from .rest import Json, at, text
from .server import ApiServer

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = NAME = "kubeaudit"
AUDITOR = f"system:serviceaccount:{NAMESPACE}:{NAME}"
IMAGE = "registry.example.com/kubeaudit@sha256:" + "0123456789abcdef" * 4
VERBS = {"list", "get", "create"}
REFERENCE = ("apiGroup", "resource", "namespace", "name")
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All"


class Request(NamedTuple):
    """One request as the audit log tells it; ``resource`` is empty for discovery and ``/version``."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    status: int


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
    cronjob = f"/apis/batch/v1/namespaces/{NAMESPACE}/cronjobs/{NAME}"
    before = installed.request("GET", cronjob).expect(200)
    assert len(install(installed, binaries).splitlines()) == 11
    after = installed.request("GET", cronjob).expect(200)
    assert after.at("spec") == before.at("spec")
    assert after.at("metadata", "generation") == 1


def test_objects_with_a_placeholder_are_refused(installed: ApiServer) -> None:
    for name, path in (
        ("networkpolicies.yaml", f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/networkpolicies"),
        ("cronjob.yaml", f"/apis/batch/v1/namespaces/{NAMESPACE}/cronjobs"),
    ):
        *_, item = yaml.safe_load_all((ROOT / "deploy" / name).read_text("utf-8"))
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
    environ = auditor_environ(installed)
    done = subprocess.run(auditor_command(installed), cwd=tmp_path, env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    result = decode(done.stdout)
    assert result.run.complete
    assert result.run.user == AUDITOR
    assert [gap for gap in result.coverage.gaps if gap.reason in ("forbidden", "unauthorized")] == []
    assert list(tmp_path.iterdir()) == []

    asked = [request(event) for event in installed.audit_events(AUDITOR)]
    assert [entry for entry in asked if entry.status in (401, 403)] == []
    assert {entry.verb for entry in asked if not entry.resource} == {"get"}
    lists = {(kind.group, kind.resource, "", "") for kind in KINDS}
    allowed = {
        "list": lists,
        "get": {("", "configmaps", *place) for place in NAMED_CONFIGMAPS},
        "create": {("authentication.k8s.io", "selfsubjectreviews", "", "")},
    }
    objects = {verb: {entry[1:5] for entry in asked if entry.verb == verb and entry.resource} for verb in VERBS}
    assert {entry.verb for entry in asked} <= VERBS
    assert objects["list"] <= allowed["list"]
    assert objects["get"] == allowed["get"]
    assert objects["create"] == allowed["create"]
    assert objects["list"] >= {("", "pods", "", ""), ("rbac.authorization.k8s.io", "clusterroles", "", "")}


def request(event: dict[str, Json]) -> Request:
    """What was asked for, from one audit event; a subresource, and a request without an answer, is refused here."""
    reference = event.get("objectRef", {})
    assert isinstance(reference, dict)
    assert "subresource" not in reference
    status = at(event, "responseStatus", "code")
    assert isinstance(status, int)
    group, resource, namespace, name = (str(reference.get(key, "")) for key in REFERENCE)
    return Request(text(event, "verb"), group, resource, namespace, name, status)


def test_cron_09_sigterm_ends_a_scan_with_a_partial_result(
    start_api_server: StartApiServer, binaries: Path, tmp_path: Path
) -> None:
    server = start_api_server("--watch-cache=false")
    install(server, binaries)
    command = auditor_command(server)
    server.pause_etcd()
    environ = auditor_environ(server)
    scan = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while not held_back(server):
            assert time.monotonic() < deadline, "no request for objects came"
            time.sleep(0.1)
        scan.send_signal(signal.SIGTERM)
        output, errors = scan.communicate(timeout=120)
    finally:
        scan.kill()
        scan.wait()
        server.resume_etcd()
    assert scan.returncode == 3, errors
    result = decode(output)
    assert not result.run.complete
    assert {gap.reason for gap in result.coverage.gaps} == {"read-incomplete"}
    assert [check.id for check in result.checks if check.verdict is Verdict.PASS] == []


def held_back(server: ApiServer) -> bool:
    """Whether a request of the auditor for objects has come and gets no answer; the log is given five seconds."""
    return any("objectRef" in event and event["stage"] == PENDING for event in server.audit_events(AUDITOR))
