"""The door to the API server: which one, as whom, and what is said when it cannot be reached."""

import json
import os
import stat
import types
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes.config import incluster_config

from kubeaudit.collect.client import Client, Connection, RequestError, connect
from kubeaudit.errors import CollectError, KubeauditError, UsageError

from .fake_api import TOKEN, FakeApi, Reply, kubeconfig, status

DEAD = "http://127.0.0.1:9"
"""The discard port: nothing listens there."""


def write(path: Path, content: object) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return str(path)


def plugin(folder: Path, script: str) -> dict[str, object]:
    """The user entry of an exec plugin with this shell script."""
    program = folder / "plugin.sh"
    program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}}


def credential(token: str) -> str:
    body = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token}}
    return f"echo '{json.dumps(body)}'"


def failing(options: Connection, kind: type[KubeauditError]) -> KubeauditError:
    with pytest.raises(kind) as caught:
        connect(options)
    assert TOKEN not in caught.value.message + caught.value.hint
    assert caught.value.hint
    return caught.value


def test_what_is_sent(tmp_path: Path) -> None:
    with FakeApi() as api:
        response = api.client(tmp_path, user="system:serviceaccount:a:b").get("/version", {"x": "1 2"})
    (request,) = api.requests
    assert (request.method, request.path, request.query) == ("GET", "/version", {"x": "1 2"})
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["user-agent"].startswith("kubeaudit/")
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"  # loopback: compressing costs more than it saves
    assert request.headers["impersonate-user"] == "system:serviceaccount:a:b"
    assert (response.status, response.data, response.size) == (200, b'{"gitVersion":"v1.36.3"}', 24)


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """LP-08: no other host is contacted, whatever the API server says."""
    with FakeApi() as other, FakeApi() as api:
        api.then("/version", Reply(302, headers={"Location": f"{other.url}/version"}))
        assert api.client(tmp_path).get("/version").status == 302
        assert other.requests == []


def test_reviews_of_ourselves_are_the_only_posts(tmp_path: Path) -> None:
    """LP-01: they store nothing. That no collection asks about access is tested with a real server's audit log."""
    attributes = {"verb": "list", "resource": "pods"}
    with FakeApi() as api:
        api.always("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", Reply(201))
        assert api.client(tmp_path).post_self_subject_review().status == 201
        assert api.client(tmp_path).post_self_subject_access_review(attributes).status == 201
    who, may = api.requests
    assert (who.method, who.path) == ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews")
    assert json.loads(who.body)["kind"] == "SelfSubjectReview"
    assert (may.method, may.path) == ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
    assert json.loads(may.body) == {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    public = {name for name in vars(Client) if not name.startswith("_")}
    assert public == {"get", "post_self_subject_review", "post_self_subject_access_review"}


def test_user_information_of_the_url_is_removed(tmp_path: Path) -> None:
    """LP-09."""
    with FakeApi() as api:
        url = f"http://root:hunter2@127.0.0.1:{api.port}/clusters/one/"
        client = connect(Connection(kubeconfig=write(tmp_path / "config", kubeconfig(url))))
        client.get("/version")
    assert client.server_url == f"http://127.0.0.1:{api.port}/clusters/one"
    assert api.paths() == ["/clusters/one/version"]
    assert "hunter2" not in str(api.requests) + client.host


def test_remote_servers_compress_and_the_proxy_is_used(tmp_path: Path) -> None:
    with FakeApi() as proxy:
        proxy.always("/version", Reply(200, b'{"gitVersion":"v1"}'))
        config = kubeconfig("http://cluster.test:6443")
        config["clusters"][0]["cluster"]["proxy-url"] = f"http://me:hunter2@127.0.0.1:{proxy.port}"
        connect(Connection(kubeconfig=write(tmp_path / "config", config))).get("/version")
    (request,) = proxy.requests
    assert request.headers["host"] == "cluster.test:6443"
    assert request.headers["accept-encoding"] == "gzip"
    assert request.headers["proxy-authorization"].startswith("Basic ")


def test_a_proxy_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    config = kubeconfig("https://cluster.test:6443")
    config["clusters"][0]["cluster"]["proxy-url"] = "http://me:hunter2@127.0.0.1:9"
    client = connect(Connection(kubeconfig=write(tmp_path / "config", config)))
    with pytest.raises(
        RequestError, match=r"cannot reach cluster.test:6443 through the proxy 127\.0\.0\.1:9"
    ) as caught:
        client.get("/version")
    assert "hunter2" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_loopback_needs_no_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """As Go's ProxyFromEnvironment."""
    monkeypatch.setenv(variable, DEAD)
    with FakeApi() as api:
        assert api.client(tmp_path).get("/version").status == 200


def test_the_environment_may_name_a_proxy_and_exceptions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeApi() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        path = write(tmp_path / "config", kubeconfig("http://cluster.test:6443"))
        assert connect(Connection(kubeconfig=path)).get("/version").status == 200
        monkeypatch.setenv("NO_PROXY", ".test")
        with pytest.raises(RequestError):
            connect(Connection(kubeconfig=path)).get("/version")
    assert len(proxy.requests) == 1


def test_nobody_listens(tmp_path: Path) -> None:
    client = connect(Connection(kubeconfig=write(tmp_path / "config", kubeconfig(DEAD))))
    with pytest.raises(RequestError, match=r"127\.0\.0\.1:9: connection refused") as caught:
        client.get("/version")
    assert (caught.value.exit_code, TOKEN in str(caught.value)) == (3, False)


def test_a_name_that_does_not_resolve(tmp_path: Path) -> None:
    client = connect(Connection(kubeconfig=write(tmp_path / "config", kubeconfig("https://no.invalid:6443"))))
    with pytest.raises(RequestError, match=r"no\.invalid:6443: the name cannot be resolved"):
        client.get("/version")


def test_the_server_speaks_no_tls(tmp_path: Path) -> None:
    with FakeApi() as api:
        path = write(tmp_path / "config", kubeconfig(f"https://127.0.0.1:{api.port}"))
        with pytest.raises(RequestError, match="TLS failed") as caught:
            connect(Connection(kubeconfig=path)).get("/version")
    assert "certificate-authority" in caught.value.hint


def test_a_silent_server(tmp_path: Path) -> None:
    with FakeApi() as api:
        api.always("/version", Reply(delay=30))
        with pytest.raises(RequestError, match=r"no answer within 0\.2 s"):
            api.client(tmp_path, request_timeout=0.2).get("/version")
        with pytest.raises(RequestError, match=r"no answer within 0\.1 s"):
            api.client(tmp_path, request_timeout=20).get("/version", seconds=0.1)


def test_an_answer_that_breaks_off(tmp_path: Path) -> None:
    with FakeApi() as api:
        api.then("/version", Reply(200, b"x" * 100, cut=10))
        with pytest.raises(RequestError, match="broke before the answer was whole"):
            api.client(tmp_path).get("/version")


def test_any_status_is_an_answer(tmp_path: Path) -> None:
    with FakeApi() as api:
        api.then("/version", status(503, retry_after="7"))
        response = api.client(tmp_path).get("/version")
    assert (response.status, response.headers["retry-after"]) == (503, "7")


# Which kubeconfig, which context


def test_no_kubeconfig_at_all(tmp_path: Path) -> None:
    error = failing(Connection(), UsageError)
    assert error.message == "no kubeconfig: ~/.kube/config does not exist"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [1\nb: 2\n", "{path}, line 2: no kubeconfig, which is one YAML document"),
        ("a: 1\n---\nb: 1\n", "{path}, line 3: no kubeconfig, which is one YAML document"),
        ("- a\n", "{path} is no kubeconfig: Expected `object`, got `array`"),
        ("text", "{path} is no kubeconfig: Expected `object`, got `str`"),
        ("", "{path} names no current context"),
        ("a: 1", "{path} names no current context"),
        ({"contexts": "none"}, "{path} is no kubeconfig: Expected `array | null`, got `str` - at `$.contexts`"),
        (
            {"contexts": [{"cluster": {}}]},
            "{path} is no kubeconfig: Object missing required field `name` - at `$.contexts[0]`",
        ),
        ({"contexts": [{"name": 7}]}, "{path} is no kubeconfig: Expected `str`, got `int` - at `$.contexts[0].name`"),
        (
            {"users": [{"name": "u", "user": TOKEN}]},
            "{path} is no kubeconfig: Expected `object | null`, got `str` - at `$.users[0].user`",
        ),
        ({"current-context": "gone", "contexts": []}, "there is no context 'gone' in {path}"),
    ],
)
def test_a_file_that_is_no_kubeconfig(tmp_path: Path, content: object, message: str) -> None:
    path = write(tmp_path / "config", content)
    assert failing(Connection(kubeconfig=path), UsageError).message == message.format(path=path)


def test_files_that_are_none(tmp_path: Path) -> None:
    assert "is a folder" in failing(Connection(kubeconfig=str(tmp_path)), UsageError).message
    assert "does not exist" in failing(Connection(kubeconfig=str(tmp_path / "gone")), UsageError).message


def test_an_unknown_context_lists_those_there_are(tmp_path: Path) -> None:
    config = kubeconfig(DEAD)
    config["contexts"].append({"name": "prod", "context": {"cluster": "one", "user": "auditor"}})
    error = failing(Connection(kubeconfig=write(tmp_path / "config", config), context="stage"), UsageError)
    assert (error.exit_code, error.hint) == (2, "contexts there are: test, prod")


@pytest.mark.parametrize(
    ("part", "value", "told"),
    [
        ("clusters", [], "names cluster 'one', which does not exist"),
        ("clusters", [{"name": "one", "cluster": {"server": 7}}], "Expected `str | null`, got `int` - at `$.server`"),
        ("clusters", [{"name": "one", "cluster": {}}], "has no `server`"),
        ("clusters", [{"name": "one", "cluster": {"server": "cluster.test:6443"}}], "is no http or https URL"),
        ("users", [], "names user 'auditor', which does not exist"),
        (
            "users",
            [{"name": "auditor", "user": {"token": TOKEN, "client-certificate": "/none/there.pem"}}],
            "File does not exist: /none/there.pem",
        ),
    ],
)
def test_a_context_that_leads_nowhere(tmp_path: Path, part: str, value: object, told: str) -> None:
    config = kubeconfig("https://cluster.test") | {part: value}
    assert told in failing(Connection(kubeconfig=write(tmp_path / "config", config)), UsageError).message


def test_credentials_that_kubectl_dropped(tmp_path: Path) -> None:
    config = kubeconfig("https://cluster.test", **{"auth-provider": {"name": "gcp", "config": {"access-token": TOKEN}}})
    assert (
        "'gcp', which kubectl dropped"
        in failing(Connection(kubeconfig=write(tmp_path / "c", config)), UsageError).message
    )


def test_paths_are_relative_to_the_file_they_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeApi() as api:
        (tmp_path / "users").mkdir()
        (tmp_path / "users" / "token").write_text("from-file\n", "utf-8")
        whole = kubeconfig(api.url, tokenFile="token")
        users = write(tmp_path / "users" / "config", {"users": whole.pop("users")})
        monkeypatch.setenv("KUBECONFIG", os.pathsep.join([write(tmp_path / "config", whole), users]))
        connect(Connection()).get("/version")
    assert api.requests[0].headers["authorization"] == "Bearer from-file"


def test_a_name_with_the_separator_of_lists_is_one_file(tmp_path: Path) -> None:
    with FakeApi() as api:
        path = write(tmp_path / f"a{os.pathsep}b", kubeconfig(api.url))
        assert connect(Connection(kubeconfig=path)).context == "test"


def test_an_entry_of_the_wrong_shape_is_not_quoted(tmp_path: Path) -> None:
    config = kubeconfig("https://cluster.test", token=TOKEN, **{"auth-provider": {"name": "oidc", "config": {}}})
    error = failing(Connection(kubeconfig=write(tmp_path / "config", config)), UsageError)
    assert "cannot be used: an entry has the wrong shape" in error.message


def test_several_files_merge_as_in_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first file that names a current context wins, and the first entry of a name."""
    with FakeApi() as api:
        first = {"users": [{"name": "auditor", "user": {"token": "from-first"}}], "current-context": ""}
        second = kubeconfig(api.url)
        third = kubeconfig(DEAD) | {"current-context": "other"}
        files = [write(tmp_path / name, data) for name, data in {"1": first, "2": second, "3": third}.items()]
        monkeypatch.setenv("KUBECONFIG", os.pathsep.join([files[0], "", "/none/there", *files[1:]]))
        client = connect(Connection())
        client.get("/version")
    assert (client.context, client.server_url) == ("test", api.url)
    assert api.requests[0].headers["authorization"] == "Bearer from-first"


def test_the_option_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", write(tmp_path / "broken", "["))
    with FakeApi() as api:
        assert api.client(tmp_path).get("/version").status == 200


def test_a_kubeconfig_is_never_written(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "config", kubeconfig(DEAD)))
    before = path.read_bytes()
    connect(Connection(kubeconfig=str(path)))
    assert path.read_bytes() == before


def test_a_user_name_cannot_forge_a_header() -> None:
    assert "--as" in failing(Connection(user="a\r\nImpersonate-Group: system:masters"), UsageError).message


# Credentials


def test_the_token_of_an_exec_plugin_is_used(tmp_path: Path) -> None:
    with FakeApi() as api:
        config = kubeconfig(api.url, **plugin(tmp_path, credential("from-plugin")))
        connect(Connection(kubeconfig=write(tmp_path / "config", config))).get("/version")
    assert api.requests[0].headers["authorization"] == "Bearer from-plugin"


def test_a_plugin_of_a_relative_path_lies_beside_the_kubeconfig(tmp_path: Path) -> None:
    with FakeApi() as api:
        user = plugin(tmp_path, credential("from-plugin"))
        config = kubeconfig(api.url, **user)
        config["users"][0]["user"]["exec"]["command"] = "./plugin.sh"
        connect(Connection(kubeconfig=write(tmp_path / "config", config))).get("/version")
    assert api.requests[0].headers["authorization"] == "Bearer from-plugin"


def test_a_plugin_that_is_not_installed(tmp_path: Path) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin", "env": None}}
    path = write(tmp_path / "config", kubeconfig(DEAD, **user))
    error = failing(Connection(kubeconfig=path), CollectError)
    assert error.message == "the credential plugin 'no-such-plugin' of context 'test' was not found"
    user["exec"]["installHint"] = "Get it at\nexample.test."
    write(tmp_path / "config", kubeconfig(DEAD, **user))
    assert failing(Connection(kubeconfig=path), CollectError).hint == "Get it at example.test."


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'session expired' >&2; exit 7", "failed: exec: process returned 7. session expired"),
        ("echo not json", "failed: exec: failed to decode process output"),
        ("true", "failed: exec: failed to decode process output"),
        (credential("x").replace('"token"', '"other"'), "failed: exec: missing token or clientCertificateData"),
    ],
)
def test_a_plugin_that_fails(tmp_path: Path, capfd: pytest.CaptureFixture[str], script: str, told: str) -> None:
    path = write(tmp_path / "config", kubeconfig(DEAD, **plugin(tmp_path, script)))
    error = failing(Connection(kubeconfig=path), CollectError)
    assert told in error.message
    assert capfd.readouterr() == ("", "")


def pod(folder: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> Path:
    """Makes this process look like a pod; returns the file of its token."""
    token, authority = folder / "token", folder / "ca.crt"
    token.write_text("first\n", "utf-8")
    authority.write_text("any\n", "utf-8")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(port))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    # The fake API server speaks no TLS.
    monkeypatch.setattr(incluster_config, "_join_host_port", lambda host, port: f"{host}:{port}")
    original: Any = incluster_config.InClusterConfigLoader._load_config

    def load(self: Any) -> None:
        original(self)
        self.host = self.host.replace("https://", "http://")

    monkeypatch.setattr(incluster_config.InClusterConfigLoader, "_load_config", load)
    return token


def test_a_pod_reads_its_token_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CRON-09: a token that lives ten minutes is replaced in its file."""
    with FakeApi() as api:
        token = pod(tmp_path, monkeypatch, api.port)
        client = connect(Connection())
        client.get("/version")
        token.write_text("second", "utf-8")

        class Later(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.now(tz) + timedelta(minutes=2)

        shifted = types.SimpleNamespace(datetime=Later, timedelta=timedelta)
        monkeypatch.setattr(incluster_config, "datetime", shifted)
        client.get("/version")
        client.get("/version")
    sent = [request.headers["authorization"].lower() for request in api.requests]
    assert sent == ["bearer first", "bearer second", "bearer second"]
    assert client.context == "in-cluster"


def test_a_pod_whose_token_vanishes_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = pod(tmp_path, monkeypatch, 9)
    token.write_text("", "utf-8")
    assert "Token file exists but empty" in failing(Connection(), CollectError).message
    token.unlink()
    assert "the pod's own credentials cannot be used" in failing(Connection(), CollectError).message


def test_in_a_pod_a_context_still_needs_a_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pod(tmp_path, monkeypatch, 9)
    assert "no kubeconfig" in failing(Connection(context="prod"), UsageError).message
