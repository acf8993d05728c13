"""RBAC-10..19 and RBAC-41: matching of one rule and cover between rules."""

import pytest

from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.rbac.rules import Request, allows, covers, covers_everything, first_allowing

from .objects import policy


def request(verb: str, resource: str, name: str = "", group: str = "") -> Request:
    kind, _, subresource = resource.partition("/")
    return Request(verb, group, kind, subresource, "d", name)


@pytest.mark.parametrize(
    ("made", "asked", "expected"),
    [
        (policy("get", "pods"), request("get", "pods", "p"), True),
        (policy("get", "pods"), request("list", "pods"), False),
        (policy("Get", "pods"), request("get", "pods"), False),
        (policy("*", "pods"), request("impersonate-on:user-info:list", "pods"), True),
        (policy("*", "pods"), request("", "pods"), True),
        (policy("get", "pods"), request("", "pods"), False),
        (policy("get", "deployments"), request("get", "deployments", group="apps"), False),
        (policy("get", "deployments", "*"), request("get", "deployments", group="apps"), True),
        (policy("get", "*"), request("get", "pods/log", "p"), True),
        (policy("get", "pods"), request("get", "pods/log", "p"), False),
        (policy("get", "pods/log"), request("get", "pods", "p"), False),
        (policy("get", "*/scale", "apps"), request("get", "deployments/scale", "d", "apps"), True),
        (policy("get", "*/scale", "apps"), request("get", "deployments/status", "d", "apps"), False),
        (policy("get", "*/scale", "apps"), request("get", "deployments", "d", "apps"), False),
        (policy("get", "*/scale", "apps"), request("get", "scale", "d", "apps"), False),
        (policy("get", "*/"), request("get", "pods", "p"), False),
        (policy("get", "pods/*"), request("get", "pods/log", "p"), False),
        (policy("get", "*/*"), request("get", "pods/log", "p"), False),
        (policy("get", "secrets", names="a b"), request("get", "secrets", "b"), True),
        (policy("get", "secrets", names="a"), request("get", "secrets", "ab"), False),
        (policy("get", "secrets", names="*"), request("get", "secrets", "a"), False),
        (policy("list", "secrets", names="a"), request("list", "secrets"), False),
        (policy("list", "secrets", names=""), request("list", "secrets"), True),
        (policy("list", "secrets", names=""), request("list", "secrets", "a"), False),
    ],
)
def test_rbac_10_to_16_resource_rules(made: PolicyRule, asked: Request, expected: bool) -> None:
    assert allows(made, asked) is expected


@pytest.mark.parametrize(
    ("url", "path", "expected"),
    [
        ("*", "/anything", True),
        ("/healthz", "/healthz", True),
        ("/healthz", "/healthz/etcd", False),
        ("/healthz*", "/healthzfoo", True),
        ("/foo/*", "/foo", False),
        ("/foo/*", "/foo/bar", True),
        ("/logs/***", "/logs/x", True),
        ("/a*b", "/axb", False),
        ("/HEALTHZ", "/healthz", False),
    ],
)
def test_rbac_17_non_resource_urls(url: str, path: str, expected: bool) -> None:
    assert allows(policy("get", urls=url), Request("get", path=path)) is expected


def test_rbac_10_a_url_rule_needs_its_verb_and_never_matches_a_resource() -> None:
    assert not allows(policy("get", urls="*"), Request("post", path="/healthz"))
    assert not allows(policy("get", urls="*"), request("get", "pods"))
    assert not allows(policy("get", "*", "*"), Request("get", path="/healthz"))


@pytest.mark.parametrize("missing", ["verbs", "api_groups", "resources"])
def test_rbac_12_an_empty_list_matches_nothing(missing: str) -> None:
    lists = {"verbs": ("*",), "api_groups": ("*",), "resources": ("*",)} | {missing: ()}
    assert not allows(PolicyRule(**lists), request("get", "pods"))


def test_a_request_carries_nothing_that_is_not_said() -> None:
    assert Request("get", path="/healthz") == Request("get", "", "", "", "", "", "/healthz")


def test_the_first_allowing_rule_is_named() -> None:
    rules = (policy("get", "pods"), policy("get list", "secrets"), policy("*", "*"))
    assert first_allowing(rules, request("list", "secrets")) == 1
    assert first_allowing(rules, request("create", "pods")) == 2
    assert first_allowing(rules[:2], request("create", "pods")) is None


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (policy("*", "*", "*"), True),
        (policy("get *", "pods *", "core *"), True),
        (policy("*", "*", "core"), False),
        (policy("*", "pods", "*"), False),
        (policy("get list watch create update patch delete deletecollection", "*", "*"), False),
        (policy("*", "*", "*", names="a"), False),
    ],
)
def test_rbac_e01_only_one_literal_rule_covers_everything(made: PolicyRule, expected: bool) -> None:
    assert covers_everything(made) is expected


@pytest.mark.parametrize(
    ("held", "wanted", "expected"),
    [
        ([policy("get", "pods"), policy("list", "pods")], policy("get list", "pods"), True),
        ([policy("get", "pods")], policy("get list", "pods"), False),
        ([policy("get list", "pods"), policy("get list", "secrets")], policy("get list", "pods secrets"), True),
        ([policy("get", "pods"), policy("list", "secrets")], policy("get list", "pods secrets"), False),
        ([policy("get list watch create update patch delete", "pods")], policy("*", "pods"), False),
        ([policy("*", "pods")], policy("*", "pods"), True),
        ([policy("get", "*", "*")], policy("get", "pods/log secrets", "core apps"), True),
        ([policy("get", "*/scale", "*")], policy("get", "deployments/scale", "apps"), True),
        ([policy("get", "*/scale", "*")], policy("get", "deployments", "apps"), False),
        ([policy("get", "*/scale", "*")], policy("get", "deployments/status", "apps"), False),
        ([policy("get", "*/")], policy("get", "pods"), False),
        ([policy("get", "pods", "apps")], policy("get", "pods"), False),
        ([policy("get", "pods", "*")], policy("get", "pods", "core apps"), True),
        ([policy("list", "pods"), policy("get", "secrets")], policy("get", "pods"), False),
        ([policy("get", "secrets", names="a")], policy("get", "secrets", names="a"), True),
        (
            [policy("get", "secrets", names="a"), policy("get", "secrets", names="b")],
            policy("get", "secrets", names="a b"),
            True,
        ),
        ([policy("get", "secrets", names="a")], policy("get", "secrets"), False),
        ([policy("get", "secrets")], policy("get", "secrets", names="a"), True),
        ([policy("get", urls="/healthz*")], policy("get", urls="/healthz /healthz/*"), True),
        ([policy("get", urls="/healthz")], policy("get", urls="/healthz/*"), False),
        ([policy("get", urls="*")], policy("post", urls="/healthz"), False),
        ([], PolicyRule(verbs=("get",)), True),
    ],
)
def test_rbac_41_every_atom_needs_one_holding_rule(held: list[PolicyRule], wanted: PolicyRule, expected: bool) -> None:
    assert covers(held, wanted) is expected
