"""RBAC-01..08: from method and URL to what is authorized. The corpus of real answers is in tests/conformance/rbac."""

import pytest

from kubeaudit.rbac.attributes import request_of
from kubeaudit.rbac.rules import Request

PODS = "/api/v1/namespaces/n/pods"


@pytest.mark.parametrize(
    "path", ["/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/healthz", "/", "/foo/v1/pods"]
)
def test_rbac_01_what_is_no_resource_is_judged_by_its_path(path: str) -> None:
    assert request_of("POST", path) == Request("post", path=path)


@pytest.mark.parametrize(
    ("method", "url", "verb"),
    [
        ("POST", PODS, "create"),
        ("PUT", f"{PODS}/p", "update"),
        ("PATCH", f"{PODS}/p", "patch"),
        ("DELETE", f"{PODS}/p", "delete"),
        ("DELETE", PODS, "deletecollection"),
        ("GET", f"{PODS}/p", "get"),
        ("head", f"{PODS}/p", "get"),
        ("GET", PODS, "list"),
        ("GET", f"{PODS}?watch=1", "watch"),
        ("GET", f"{PODS}?watch=TRUE", "watch"),
        ("GET", f"{PODS}?watch=0", "list"),
        ("GET", f"{PODS}?watch=false", "list"),
        ("OPTIONS", f"{PODS}/p", ""),
        ("GET", "/api/v1/watch/namespaces/n/pods/p", "watch"),
        ("GET", "/api/v1/proxy/namespaces/n/pods/p", "proxy"),
    ],
)
def test_rbac_02_and_03_verbs(method: str, url: str, verb: str) -> None:
    made = request_of(method, url)
    assert (made.verb, made.resource, made.namespace, made.path) == (verb, "pods", "n", "")


@pytest.mark.parametrize(
    ("selector", "name"),
    [
        ("metadata.name=x", "x"),
        ("metadata.name==x", "x"),
        ("spec.nodeName=n,metadata.name=x", "x"),
        ("metadata.name!=x", ""),
        ("metadata.namespace=x", ""),
        ("metadata.name", ""),
        ("metadata.name=x,nonsense", ""),
        ("metadata.name=..", ""),
        ("metadata.name=.", ""),
        ("metadata.name=a/b", ""),
        ("metadata.name=a%2525b", ""),
        (r"metadata.name=a\,b", "a,b"),
        (r"metadata.name=a\=b", "a=b"),
        ("metadata.name=a=b", ""),
        (r"metadata.name=a\x", ""),
        ("metadata.name=a\\", ""),
        (r"metadata.name=a\\,spec.nodeName=n", "a\\"),
        ("", ""),
    ],
)
def test_rbac_04_only_an_equal_name_selector_gives_list_and_watch_a_name(selector: str, name: str) -> None:
    assert request_of("GET", f"{PODS}?fieldSelector={selector}").name == name
    assert request_of("GET", f"{PODS}?watch=1&fieldSelector={selector}") == Request("watch", "", "pods", "", "n", name)
    assert request_of("DELETE", f"{PODS}?fieldSelector={selector}").name == "", "RBAC-05"


def test_rbac_03_a_deprecated_prefix_needs_a_resource_behind_it() -> None:
    assert request_of("GET", "/api/v1/watch") == Request("get", path="/api/v1/watch")
    assert request_of("GET", "/api/v1/watch/pods") == Request("watch", "", "pods")
    assert request_of("GET", "/api/v1/proxy/namespaces/n/pods/p/x") == Request("proxy", "", "pods", "", "n", "p")


def test_a_url_without_a_path_is_the_root() -> None:
    assert request_of("GET", "") == Request("get", path="/")


def test_rbac_06_create_on_a_subresource_carries_the_name() -> None:
    assert request_of("POST", f"{PODS}/p/exec?command=id") == Request("create", "", "pods", "exec", "n", "p")


@pytest.mark.parametrize("rest", ["", "/status", "/finalize"])
def test_rbac_07_the_object_of_a_namespace_is_in_that_namespace(rest: str) -> None:
    made = request_of("PUT", f"/api/v1/namespaces/foo{rest}")
    assert made == Request("update", "", "namespaces", rest.strip("/"), "foo", "foo")
    assert request_of("GET", "/api/v1/namespaces") == Request("list", "", "namespaces")


def test_rbac_08_what_follows_a_subresource_is_ignored() -> None:
    assert request_of("GET", f"{PODS}/p/proxy/a/b") == Request("get", "", "pods", "proxy", "n", "p")
    assert request_of("GET", "/api/v1/namespaces/n/nodes/x") == Request("get", "", "nodes", "", "n", "x")


def test_names_are_decoded() -> None:
    made = request_of("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode")
    assert made == Request("get", "rbac.authorization.k8s.io", "clusterroles", "", "", "system:node")
