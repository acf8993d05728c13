"""RBAC-01, -05..09: kubectl's words for a request."""

from typing import Any

import pytest

from kubeaudit.errors import UsageError
from kubeaudit.queries.apis import builtin, served
from kubeaudit.queries.words import Words, asked
from kubeaudit.rbac.rules import Request
from tests import factory
from tests.rbac.objects import binding, role, rule

from .asking import access, request

CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Cluster",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]},
    },
}


@pytest.mark.parametrize(
    ("text", "group", "resource", "subresource", "name"),
    [
        ("get pods", "", "pods", "", ""),
        ("get po", "", "pods", "", ""),
        ("get Pod", "", "pods", "", ""),
        ("get po/web", "", "pods", "", "web"),
        ("get deploy/web", "apps", "deployments", "", "web"),
        ("get deployments.apps", "apps", "deployments", "", ""),
        ("get deployments.v1.apps", "apps", "deployments", "", ""),
        ("get pods.v1", "", "pods", "", ""),
        ("get netpol", "networking.k8s.io", "networkpolicies", "", ""),
        ("get networkpolicies.crd.projectcalico.org", "crd.projectcalico.org", "networkpolicies", "", ""),
        ("get events.events.k8s.io", "events.k8s.io", "events", "", ""),
        ("get csr", "certificates.k8s.io", "certificatesigningrequests", "", ""),
        ("get pods web", "", "pods", "", "web"),
        ("get pods/web/log", "", "pods", "log", "web"),
        ("approve signers/kubernetes.io/kube-apiserver-client", "certificates.k8s.io", "signers", "",
         "kubernetes.io/kube-apiserver-client"),
        ("impersonate users jane", "", "users", "", "jane"),
        ("impersonate userextras/scopes", "authentication.k8s.io", "userextras", "scopes", ""),
        ("impersonate:user-info users", "authentication.k8s.io", "users", "", ""),
        ("* *", "*", "*", "", ""),
        ("* *.apps", "apps", "*", "", ""),
    ],
)  # fmt: skip
def test_resource_words_are_kubectls(text: str, group: str, resource: str, subresource: str, name: str) -> None:
    found = request(text, namespace="shop").request
    assert (found.group, found.resource, found.subresource, found.name) == (group, resource, subresource, name)


@pytest.mark.parametrize("text", ["create pods/exec", "update deployments/scale", "get po/log", "patch widgets/status"])
def test_rbac_09_a_slash_before_a_subresource_is_no_name_and_is_said_back(text: str) -> None:
    found = request(text)
    assert found.request.subresource == text.rpartition("/")[2]
    assert found.request.name == ""
    assert any("subresource" in note for note in found.notes)


def test_rbac_09_both_forms_of_a_subresource_mean_the_same() -> None:
    assert request("create pods/exec").request == request("create pods", subresource="exec").request
    assert request("create pods/web", subresource="exec").request.name == "web"


@pytest.mark.parametrize(
    ("text", "more", "namespace"),
    [
        ("get pods", {}, "default"),
        ("get pods", {"namespace": "shop"}, "shop"),
        ("get pods", {"everywhere": True}, ""),
        ("get nodes", {"namespace": "shop"}, ""),
        ("list namespaces", {"namespace": "shop"}, ""),
        ("create namespaces", {}, ""),
        ("get namespaces/shop", {}, "shop"),
        ("patch ns", {"namespace": "shop"}, "shop"),
    ],
)
def test_rbac_07_and_21_the_namespace_is_the_one_the_request_carries(
    text: str, more: dict[str, Any], namespace: str
) -> None:
    assert request(text, **more).request.namespace == namespace


@pytest.mark.parametrize("text", ["create pods/web", "deletecollection pods web"])
def test_rbac_05_and_06_a_request_without_a_name_is_asked_without_one(text: str) -> None:
    found = request(text)
    assert found.request.name == ""
    assert any("carries no name" in note for note in found.notes)


def test_urls_are_asked_by_method() -> None:
    assert request("GET /metrics").request == Request("get", path="/metrics")
    assert any("HTTP method" in note for note in request("list /metrics").notes)


def test_unknown_verbs_are_asked_and_noted() -> None:
    found = request("lst pods")
    assert found.request.verb == "lst"
    assert any("did you mean list?" in note for note in found.notes)
    assert not request("impersonate-on:user-info:get pods").notes


def test_custom_resources_are_known_by_every_name_of_their_definition() -> None:
    apis = served(factory.snapshot([CRD]))
    for word in ("widgets", "widget", "Widget", "wd", "widgets.example.com", "wd/one"):
        found = asked(Words("get", word), apis, access())
        assert (found.request.group, found.request.resource, found.request.namespace) == ("example.com", "widgets", "")
    broken = CRD | {"spec": {"names": []}}
    assert served(factory.snapshot([broken])) == builtin()


def test_a_resource_that_nothing_describes_has_the_group_that_rules_name_it_in() -> None:
    named = access(role("r", rule("get", "gadgets", "example.com")), binding("b", "ClusterRole/r", "User:jane"))
    found = request("get gadgets", named)
    assert found.request.group == "example.com"
    assert any("no resource gadgets is known" in note for note in found.notes)
    assert request("get gadgets").request.group == ""
    assert any("did you mean" in note for note in request("get sercets").notes)
    assert request("get gadgets.other.example").request.group == "other.example"
    both = access(
        role("r", rule("get", "gadgets", "example.com other.example")), binding("b", "ClusterRole/r", "User:jane")
    )
    with pytest.raises(UsageError, match=r"several groups: example\.com, other\.example"):
        request("get gadgets", both)


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("get pods/", {}),
        ("get .", {}),
        ("get pods/a b", {}),
        ("get pods/exec", {"subresource": "log"}),
        ("get /metrics x", {}),
        ("get pods", {"namespace": "shop", "everywhere": True}),
    ],
)
def test_words_that_mean_nothing_are_refused(text: str, more: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as error:
        request(text, **more)
    assert error.value.hint


def test_every_row_of_the_table_is_whole_and_no_word_of_one_group_means_two_things() -> None:
    seen: dict[tuple[str, str], str] = {}
    for api in builtin():
        assert api.plural
        assert api.kind
        for word in {w for w in api.words() if w}:
            assert seen.setdefault((api.group, word), api.plural) == api.plural
