"""What people write for a side of a connection, and what they are told where there is no such thing."""

from typing import Any

import pytest

from kubeaudit.errors import UsageError
from kubeaudit.queries.ends import Addresses, Metadata, Pods, Ranges, ServiceEnd, end
from tests.factory import cluster, deployment, named, namespace, node, service
from tests.factory import pod as made

from .connections import ENFORCING, of, pod

WEB = deployment(labels={"app": "web", "tier": "front"})
OBJECTS = [
    namespace("shop"),
    namespace("data"),
    node("n1", "", "10.0.0.1", "fd00::1"),
    WEB,
    made("web-1", WEB, ip="10.1.0.1", labels={"app": "web", "tier": "front"}),
    made("web-2", WEB, ip="10.1.0.2", labels={"app": "web", "tier": "front"}),
    pod("db", "data", labels={"app": "db", "tier": "back"}),
    pod("api", labels={"app": "api"}),
    service("web", clusterIP="10.96.0.10"),
    named("StatefulSet", "apps/v1", "both", spec={"template": {"spec": {"containers": [{"name": "c"}]}}}),
    deployment("both"),
]
CONTEXT = of(cluster(OBJECTS), ENFORCING)


def _names(text: str, *namespaces: str) -> set[str]:
    found = end(CONTEXT, text, namespaces)
    assert isinstance(found, Pods)
    return {f"{CONTEXT.cluster.classes[cls].namespace}/{CONTEXT.cluster.classes[cls].name}" for cls in found.classes}


@pytest.mark.parametrize("text", ["shop/web", "shop/deployment/web", "shop/Deployment/web", "shop/deploy/web"])
def test_workloads(text: str) -> None:
    assert _names(text) == {"shop/Deployment/web"}


def test_names_without_a_namespace_are_looked_for_where_n_says() -> None:
    assert _names("web", "shop") == {"shop/Deployment/web"}
    assert _names("deployment/web", "shop") == {"shop/Deployment/web"}
    assert _names("app=api", "shop") == {"shop/Pod/api"}


@pytest.mark.parametrize("text", ["pod/web-2", "pod/shop/web-2", "shop/web-2", "shop/pod/web-2"])
def test_pods(text: str) -> None:
    found = end(CONTEXT, text)
    assert isinstance(found, Pods)
    assert CONTEXT.cluster.pods[found.pod].name == "web-2"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("shop/*", {"shop/Deployment/web", "shop/Pod/api", "shop/Deployment/both", "shop/StatefulSet/both"}),
        ("shop/app=web", {"shop/Deployment/web"}),
        ("shop/app in (web, api)", {"shop/Deployment/web", "shop/Pod/api"}),
        ("*/tier=back", {"data/Pod/db"}),
        ("tier!=front,app", {"data/Pod/db", "shop/Pod/api", "shop/Deployment/both"}),
        ("shop/app notin (web),!tier,app", {"shop/Pod/api", "shop/Deployment/both"}),
    ],
)
def test_selectors_look_at_all_labels_not_only_at_those_of_policies(text: str, names: set[str]) -> None:
    assert _names(text) == names


def test_addresses() -> None:
    assert end(CONTEXT, "internet") == Ranges("internet")
    assert end(CONTEXT, "10.2.3.4/8") == Ranges("10.2.3.4/8", "10.0.0.0/8")
    assert end(CONTEXT, "203.0.113.9") == Addresses("203.0.113.9", ("203.0.113.9",))
    assert end(CONTEXT, "203.0.113.9/32") == Addresses("203.0.113.9/32", ("203.0.113.9",))
    assert end(CONTEXT, "node/n1") == Addresses("node/n1", ("10.0.0.1", "fd00::1"), "n1")
    assert isinstance(end(CONTEXT, "metadata"), Metadata)


def test_an_address_of_the_cluster_stands_for_what_has_it() -> None:
    found = end(CONTEXT, "10.1.0.2")
    assert isinstance(found, Pods)
    assert CONTEXT.cluster.pods[found.pod].name == "web-2"
    of_node = end(CONTEXT, "fd00:0::1")
    assert isinstance(of_node, Addresses)
    assert of_node.node == "n1"
    assert isinstance(end(CONTEXT, "10.96.0.10"), ServiceEnd)


@pytest.mark.parametrize("text", ["service/shop/web", "svc/shop/web", "service/web"])
def test_services(text: str) -> None:
    found = end(CONTEXT, text)
    assert isinstance(found, ServiceEnd)
    assert found.service.metadata.name == "web"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shop/wep", "no workload 'wep' in namespace shop; did you mean web"),
        ("shpo/web", "no namespace 'shpo'; did you mean shop?"),
        ("web", "has no namespace"),
        ("shop/both", "is a Deployment and StatefulSet"),
        ("node/n2", "no node 'n2'; did you mean n1?"),
        ("pod/web-3", "no Pod 'web-3'; did you mean web-"),
        ("service/shop/wbe", "no Service 'wbe' in namespace shop; did you mean web?"),
        ("shop/app=cart", "no pods in namespace shop have app=cart"),
        ("shop/app=web tier=front", "is no label selector: column 1"),
        ("a/b/c/d", "names no side"),
        ("shop/", "names no side"),
    ],
)
def test_what_is_not_there_is_said_with_the_nearest_names(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        end(CONTEXT, text)
    assert message in raised.value.message
    assert raised.value.hint


def test_a_list_that_was_not_read_is_no_proof_of_absence() -> None:
    from kubeaudit.snapshot import Outcome

    unread: dict[Any, Outcome] = {"nodes": Outcome.REFUSED}
    with pytest.raises(UsageError) as raised:
        end(of(cluster([namespace()], unread), ENFORCING), "node/n1")
    assert "not read whole (forbidden)" in raised.value.hint
