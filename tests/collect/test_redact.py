"""CHK-36 to CHK-38, LP-03: nothing that must not be kept gets past, and what is harmless stays as it was read."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.collect.credentials import mask
from kubeaudit.collect.redact import LAST_APPLIED, redact

SECRET = "hunter2-Zq9xW7vK"
WORKLOADS = {
    "pods": (),
    "replicationcontrollers": ("spec", "template"),
    "deployments.apps": ("spec", "template"),
    "statefulsets.apps": ("spec", "template"),
    "daemonsets.apps": ("spec", "template"),
    "replicasets.apps": ("spec", "template"),
    "jobs.batch": ("spec", "template"),
    "cronjobs.batch": ("spec", "jobTemplate", "spec", "template"),
    "deploymentconfigs.apps.openshift.io": ("spec", "template"),
    "rollouts.argoproj.io": ("spec", "template"),
    "sandboxtemplates.extensions.agents.x-k8s.io": ("spec", "podTemplate"),
}


def redacted(obj: Any, resource: str = "pods") -> Any:
    return json.loads(redact(json.dumps(obj).encode(), resource))


def workload(resource: str, template: Any) -> Any:
    obj = template
    for step in reversed(WORKLOADS[resource]):
        obj = {step: obj}
    return {"kind": "X", "metadata": {"name": "x"}, **obj} if WORKLOADS[resource] else {"kind": "Pod", **template}


def in_container(container: Any) -> Any:
    found = redacted({"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", **container}]}})
    return {key: value for key, value in found["spec"]["containers"][0].items() if key != "name"}


def test_chk_38_managed_fields_and_last_applied_are_dropped() -> None:
    obj = {
        "metadata": {
            "name": "x",
            "managedFields": [{"manager": "kubectl"}],
            "annotations": {LAST_APPLIED: '{"spec":{"x":"' + SECRET + '"}}', "a": "b"},
        },
        "status": {"phase": "Running"},
    }
    assert redacted(obj) == {"metadata": {"name": "x", "annotations": {"a": "b"}}, "status": {"phase": "Running"}}


def test_chk_38_last_applied_is_dropped_from_templates() -> None:
    template = {"metadata": {"annotations": {LAST_APPLIED: "{}", "a": "b"}}, "spec": {"containers": []}}
    found = redacted(workload("cronjobs.batch", template), "cronjobs.batch")
    assert found["spec"]["jobTemplate"]["spec"]["template"]["metadata"] == {"annotations": {"a": "b"}}


@pytest.mark.parametrize("resource", WORKLOADS)
@pytest.mark.parametrize("containers", ["containers", "initContainers", "ephemeralContainers"])
def test_chk_37_every_kind_with_a_template_and_every_list_of_containers(resource: str, containers: str) -> None:
    container = {
        "name": "c",
        "command": ["run", f"--password={SECRET}"],
        "args": ["--token", SECRET],
        "env": [{"name": "API_KEY", "value": SECRET}, {"name": "LEVEL", "value": "info"}],
    }
    template = {"metadata": {"annotations": {"note": f"password: {SECRET}"}}, "spec": {containers: [container]}}
    raw = redact(json.dumps(workload(resource, template)).encode(), resource)
    assert SECRET.encode() not in raw
    assert raw.count(mask("password", SECRET).encode()) == 2
    assert raw.count(mask("token", SECRET).encode()) == 1
    assert raw.count(mask("key", SECRET).encode()) == 1
    assert b'"value":"info"' in raw


def test_variables_without_a_literal_value_stay() -> None:
    env = [
        {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        {"name": "API_TOKEN", "value": ""},
        {"name": "SECRET", "value": "$(OTHER)"},
        {"name": "DB_PASSWORD_FILE", "value": "/run/secrets/db"},
    ]
    assert in_container({"env": env}) == {"env": env}


def test_probes_hooks_and_headers_are_looked_at() -> None:
    shell = ["sh", "-c", f"curl -u me:{SECRET} localhost"]
    headers = [{"name": "Authorization", "value": f"Bearer {SECRET}"}, {"name": "X", "value": "y"}]
    found = in_container(
        {
            "livenessProbe": {"exec": {"command": shell}, "periodSeconds": 3},
            "readinessProbe": {"httpGet": {"path": "/", "httpHeaders": headers}},
            "lifecycle": {"preStop": {"exec": {"command": shell}}, "postStart": {"httpGet": {"httpHeaders": headers}}},
        }
    )
    masked = ["sh", "-c", f"curl -u me:{mask('password', SECRET)} localhost"]
    masked_headers = [
        {"name": "Authorization", "value": mask("authorization", f"Bearer {SECRET}")},
        {"name": "X", "value": "y"},
    ]
    assert found["livenessProbe"] == {"exec": {"command": masked}, "periodSeconds": 3}
    assert found["readinessProbe"] == {"httpGet": {"path": "/", "httpHeaders": masked_headers}}
    assert found["lifecycle"]["preStop"] == {"exec": {"command": masked}}
    assert found["lifecycle"]["postStart"] == {"httpGet": {"httpHeaders": masked_headers}}


def test_a_flag_in_command_and_its_value_in_args() -> None:
    found = in_container({"command": ["run", "--password"], "args": [SECRET, "x"]})
    assert found == {"command": ["run", "--password"], "args": [mask("password", SECRET), "x"]}


def test_annotations_by_value_and_by_the_name_of_a_password() -> None:
    annotations = {
        "checksum/secret": "0123",
        "nginx.ingress.kubernetes.io/auth-secret": "default/basic",
        "example.com/admin-password": SECRET,
        "example.com/url": f"https://me:{SECRET}@host",
    }
    found = redacted({"metadata": {"annotations": annotations}}, "ingresses.networking.k8s.io")
    assert found["metadata"]["annotations"] == {
        "checksum/secret": "0123",
        "nginx.ingress.kubernetes.io/auth-secret": "default/basic",
        "example.com/admin-password": mask("password", SECRET),
        "example.com/url": f"https://me:{mask('url-password', SECRET)}@host",
    }


def test_config_maps_are_masked_by_key_and_in_their_text() -> None:
    data = {"password": SECRET, "Corefile": ".:53 { errors }", "config.yaml": f"port: 1\ntoken: {SECRET}\n"}
    found = redacted({"metadata": {"name": "x"}, "data": data, "binaryData": {"token": "AAAA"}}, "configmaps")
    assert found["data"] == {
        "password": mask("password", SECRET),
        "Corefile": ".:53 { errors }",
        "config.yaml": f"port: 1\ntoken: {mask('token', SECRET)}\n",
    }
    assert found["binaryData"] == {"token": mask("token", "AAAA")}


def test_other_kinds_are_masked_where_the_shape_tells() -> None:
    user_data = "#!/bin/sh\nexport A=AKIAIOSFODNN7EXAMPLE\n"
    found = redacted({"metadata": {"name": "x"}, "spec": {"userData": user_data, "token": "x"}}, "ec2nodeclasses")
    assert found["spec"]["userData"] == user_data.replace(
        "AKIAIOSFODNN7EXAMPLE", mask("aws-access-key", "AKIAIOSFODNN7EXAMPLE")
    )
    assert found["spec"]["token"] == "x"


def test_the_result_is_one_line() -> None:
    obj = {"metadata": {"name": "x", "annotations": {"a": "l1\nl2\r"}}, "spec": {"containers": [{"args": ["a\n"]}]}}
    for text in (json.dumps(obj, indent=2), json.dumps(obj, indent=2).replace("\n", "\r\n")):
        raw = redact(text.encode(), "pods")
        assert len(raw.splitlines()) == 1
        assert json.loads(raw) == obj


def test_fields_of_the_wrong_type_are_left_for_the_model_and_hide_nothing() -> None:
    obj = {
        "metadata": {"annotations": {"a": 1, "b": f"token={SECRET}"}},
        "spec": {
            "containers": [
                {
                    "args": [8080, f"--token={SECRET}"],
                    "env": [{"name": "PASSWORD", "value": 123456}, None],
                    "command": "x",
                },
                "none",
            ],
            "initContainers": {},
        },
    }
    found = redacted(obj)
    assert SECRET not in json.dumps(found)
    container = found["spec"]["containers"][0]
    assert container["args"] == [8080, f"--token={mask('token', SECRET)}"]
    assert container["env"] == [{"name": "PASSWORD", "value": mask("password", "123456")}, None]
    assert container["command"] == "x"
    assert found["metadata"]["annotations"] == {"a": 1, "b": f"token={mask('token', SECRET)}"}


@pytest.mark.parametrize("metadata", [None, [], "x", 3])
def test_metadata_of_the_wrong_type_stays(metadata: Any) -> None:
    assert redacted({"metadata": metadata, "spec": None}) == {"metadata": metadata, "spec": None}


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b'{"a":}', b"{} {}"])
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        redact(raw, "pods")


def test_unchanged_objects_keep_their_text() -> None:
    raw = b'{"kind":"Pod","metadata":{"name":"x","labels":{"a":"b"}},"spec":{"containers":[{"args":["-v=3"]}]}}'
    assert redact(raw, "pods") == raw


PLACES = st.sampled_from(["env", "args", "command", "flag", "annotation", "template", "url", "last-applied", "probe"])
TOKENS = st.text("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=8, max_size=30).map("Q8".__add__)


def planted(secret: str, places: set[str]) -> Any:
    container: dict[str, Any] = {"name": "c", "image": "registry.example/app:1"}
    annotations: dict[str, str] = {"note": "none"}
    if "env" in places:
        container["env"] = [{"name": "SERVICE_TOKEN", "value": secret}]
    if "url" in places:
        container["env"] = [*container.get("env", []), {"name": "DB", "value": f"pg://app:{secret}@db/x"}]
    if "args" in places:
        container["args"] = ["serve", f"--api-key={secret}"]
    if "command" in places:
        container["command"] = ["sh", "-c", f"PASSWORD={secret} exec run"]
    if "flag" in places:
        container["args"] = [*container.get("args", []), "--password", secret]
    if "probe" in places:
        container["livenessProbe"] = {"exec": {"command": ["check", f"--token={secret}"]}}
    if "annotation" in places:
        annotations["config"] = json.dumps({"client_secret": secret})
    if "last-applied" in places:
        annotations[LAST_APPLIED] = secret
    template = {"metadata": {"annotations": {"t": f"token: {secret}"}} if "template" in places else {}}
    template["spec"] = {"containers": [container]}
    return {
        "metadata": {"name": "x", "annotations": annotations, "managedFields": [secret]},
        "spec": {"template": template},
    }


@given(TOKENS, st.sets(PLACES), st.booleans())
def test_a_planted_secret_is_never_in_the_result(secret: str, places: set[str], pretty: bool) -> None:
    obj = planted(secret, places)
    raw = redact(json.dumps(obj, indent=1 if pretty else None).encode(), "deployments.apps")
    assert secret.encode() not in raw
    assert b"\n" not in raw
    assert redact(raw, "deployments.apps") == raw


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "metadata",
                        "spec",
                        "template",
                        "containers",
                        "env",
                        "name",
                        "value",
                        "args",
                        "annotations",
                        "data",
                        "exec",
                        "livenessProbe",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    ).filter(lambda value: isinstance(value, dict))
)
def test_any_object_is_accepted(obj: Any) -> None:
    for resource in ("pods", "configmaps"):
        assert isinstance(redacted(obj, resource), dict)
