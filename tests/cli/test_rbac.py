"""``kubeaudit rbac``: the role that a scan needs, and what a caller's rights lack of it (LP-06, LP-07)."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run
from tests.collect.fake_api import FakeApi, Reply, Request, kubeconfig, status

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as server:
        yield server


@pytest.fixture
def config(api: FakeApi, tmp_path: Path) -> str:
    path = tmp_path / "fake.kubeconfig"
    path.write_text(json.dumps(kubeconfig(api.url)), "utf-8")
    return str(path)


def answering(status_of: Callable[[dict[str, str]], dict[str, object]]) -> Callable[[Request], Reply]:
    """A server that answers each review by the attributes it asks about."""

    def answer(request: Request) -> Reply:
        attributes = json.loads(request.body)["spec"]["resourceAttributes"]
        return Reply(201, json.dumps({"status": status_of(attributes)}).encode())

    return answer


def without(*resources: str) -> Callable[[Request], Reply]:
    return answering(lambda attributes: {"allowed": attributes["resource"] not in resources})


def test_the_role_is_yaml_or_json_for_kubectl(run: Run) -> None:
    done = run("rbac", "--select", "workload")
    (role,) = yaml.safe_load_all(done.out)
    assert (done.code, role["kind"], role["metadata"]["name"]) == (0, "ClusterRole", "kubeaudit-reader")
    asked = run("rbac", "--select", "workload", "-o", "json")
    assert json.loads(asked.out) == {"apiVersion": "v1", "kind": "List", "items": [role]}


def test_lp_07_a_role_for_each_namespace(run: Run) -> None:
    roles = list(yaml.safe_load_all(run("rbac", "--select", "workload", "-n", "shop", "-n", "pay").out))
    assert [(role["kind"], role["metadata"]["namespace"]) for role in roles] == [("Role", "shop"), ("Role", "pay")]


def test_words_that_name_no_check_and_unknown_formats_are_refused(run: Run) -> None:
    assert run("rbac", "--select", "no-such-check").code == 2
    for words in (("-o", "text"), ("--diff", "-o", "yaml")):
        done = run("rbac", *words)
        assert done.code == 2
        assert "unknown format" in done.err


def test_lp_06_nothing_but_access_reviews_is_sent(run: Run, api: FakeApi, config: str) -> None:
    api.always(REVIEWS, without())
    done = run("rbac", "--diff", "--kubeconfig", config)
    assert done.code == 0
    assert done.out == f"all {len(api.requests)} rules are granted\n"
    assert {(request.method, request.path) for request in api.requests} == {("POST", REVIEWS)}
    bodies = [json.loads(request.body) for request in api.requests]
    assert {tuple(body) for body in bodies} == {("apiVersion", "kind", "spec")}
    assert {"verb": "list", "resource": "pods"} in [body["spec"]["resourceAttributes"] for body in bodies]
    named = {"verb": "get", "resource": "configmaps", "namespace": "kube-system", "name": "coredns"}
    assert named in [body["spec"]["resourceAttributes"] for body in bodies]


def test_lp_06_a_missing_rule_is_named_with_the_checks_it_costs(run: Run, api: FakeApi, config: str) -> None:
    api.always(REVIEWS, without("certificatesigningrequests"))
    done = run("rbac", "--diff", "--kubeconfig", config)
    assert done.code == 1
    assert "1 of " in done.out and "rules are missing" in done.out.splitlines()[0]
    assert "missing: list certificatesigningrequests.certificates.k8s.io" in done.out
    assert "enabled by it alone: rbac-system-masters" in done.out
    role = yaml.safe_load(done.out.partition("for kubectl:")[2])
    (rule,) = role["rules"]
    assert rule["resources"] == ["certificatesigningrequests"]

    document = json.loads(run("rbac", "--diff", "--kubeconfig", config, "-o", "json").out)
    assert document["schema"] == "kubeaudit.rbac-diff/1"
    assert [(each["verb"], each["apiGroup"], each["resource"]) for each in document["missing"]] == [
        ("list", "certificates.k8s.io", "certificatesigningrequests")
    ]
    assert "rbac-system-masters" in document["missing"][0]["checks"]
    assert document["roles"] == [role]
    assert document["unknown"] == []


def test_lp_07_the_reviews_of_a_namespace_ask_about_it(run: Run, api: FakeApi, config: str) -> None:
    api.always(REVIEWS, without("pods"))
    done = run("rbac", "--diff", "--kubeconfig", config, "-n", "shop", "-v")
    assert "missing: list pods -n shop" in done.out
    asked = [json.loads(request.body)["spec"]["resourceAttributes"] for request in api.requests]
    assert {each["namespace"] for each in asked} == {"shop"}
    assert "nodes" not in {each["resource"] for each in asked}
    beyond = next(line for line in done.out.splitlines() if line.startswith("checks that no Role of a namespace"))
    assert "rbac-cluster-admin" in beyond and "pod-host-pid" not in beyond
    document = json.loads(run("rbac", "--diff", "--kubeconfig", config, "-n", "shop", "-o", "json").out)
    assert "rbac-cluster-admin" in document["beyondNamespaces"]


def test_an_answer_that_is_none_is_unknown_and_never_granted(run: Run, api: FakeApi, config: str) -> None:
    def doubtful(attributes: dict[str, str]) -> dict[str, object]:
        return (
            {"allowed": False, "evaluationError": "webhook is away"}
            if attributes["resource"] == "pods"
            else {"allowed": True}
        )

    api.always(REVIEWS, answering(doubtful))
    done = run("rbac", "--diff", "--select", "workload", "--kubeconfig", config)
    assert done.code == 3
    assert "unknown: list pods: webhook is away" in done.out
    document = json.loads(run("rbac", "--diff", "--select", "workload", "--kubeconfig", config, "-o", "json").out)
    assert [(each["resource"], each["detail"]) for each in document["unknown"]] == [("pods", "webhook is away")]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (status(403, "may not ask"), "no access review was answered: may not ask"),
        (status(401, "Unauthorized"), "no access review was answered: Unauthorized"),
        (Reply(201, b"[]"), "no access review was answered: the answer is no SelfSubjectAccessReview"),
    ],
)
def test_a_server_that_answers_no_review_ends_the_run(
    run: Run, api: FakeApi, config: str, answer: Reply, told: str
) -> None:
    api.always(REVIEWS, answer)
    done = run("rbac", "--diff", "--kubeconfig", config)
    assert (done.code, done.out) == (3, "")
    assert told in done.err


def test_the_time_out_bounds_the_whole(run: Run, api: FakeApi, config: str) -> None:
    api.always(REVIEWS, lambda request: Reply(201, b'{"status":{"allowed":true}}', delay=30))
    done = run("rbac", "--diff", "--kubeconfig", config, "--timeout", "300ms")
    assert done.code == 3
