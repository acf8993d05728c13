"""Pods that do not exist yet, by the labels that rules name (NET-13..27, NET-82; network.md 8.1, MAP-11)."""

from itertools import product
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies

from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.reach import Direction, Reach
from kubeaudit.network.strangers import ANYBODY
from kubeaudit.proof import State
from kubeaudit.queries.openings import Opening, openings, text
from kubeaudit.settings import Fact
from tests.network.asking import KNP, engine
from tests.network.clusters import namespace, pod, policy

WEB = pod("web", labels={"app": "web"})
PORT = [{"port": 80}]
ALL = (("TCP", 1, 65535), ("UDP", 1, 65535), ("SCTP", 1, 65535))
TIERS = CniProfile(
    name="tiers", enforces=Fact.YES, ipblock_matches_pods=Fact.YES, implements=("policy.networking.k8s.io",)
)


def pods(**labels: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": labels}}


def spaces(**labels: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": labels}}


def rows(reach: Reach, direction: Direction = Direction.INGRESS, state: State = State.YES) -> dict[str, Any]:
    found = openings(reach, [0], ["IPv4"])
    return {text(row.peer): row.ports for row in found if row.direction is direction and row.state is state}


def ingress(*rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return policy("np", podSelector=pods(app="web")["podSelector"], ingress=list(rules), **spec)


def test_a_pod_without_policies_is_open_to_every_pod() -> None:
    assert rows(engine(WEB)) == {"all pods of the cluster": ALL}


def test_a_closed_pod_has_no_opening() -> None:
    assert rows(engine(WEB, ingress())) == {}


def test_net_14_pods_of_the_own_namespace_by_label() -> None:
    found = rows(engine(WEB, ingress({"from": [pods(role="monitoring")], "ports": PORT})))
    assert found == {"pods of namespace default with role=monitoring": (("TCP", 80, 80),)}


def test_net_15_namespaces_by_label_and_by_name() -> None:
    by_name = spaces(**{"kubernetes.io/metadata.name": "later"})
    found = rows(engine(WEB, ingress({"from": [spaces(team="a"), by_name], "ports": PORT})))
    assert found == {
        "all pods of namespaces with team=a": (("TCP", 80, 80),),
        "all pods of namespace later": (("TCP", 80, 80),),
    }


def test_what_every_pod_may_is_not_repeated_by_selector() -> None:
    rule = {"from": [{"namespaceSelector": {}}]}
    found = rows(engine(WEB, ingress(rule, {"from": [spaces(team="a")], "ports": PORT})))
    assert found == {"all pods of the cluster": ALL}


def test_a_rule_for_more_pods_holds_for_fewer() -> None:
    wide, narrow = {"from": [pods(a="x")], "ports": PORT}, {"from": [pods(a="x", b="y")], "ports": [{"port": 81}]}
    found = rows(engine(WEB, ingress(wide, narrow)))
    assert found["pods of namespace default with a=x"] == (("TCP", 80, 80),)
    assert found["pods of namespace default with a=x, b=y"] == (("TCP", 80, 81),)


def test_labels_of_a_namespace_that_exists_count() -> None:
    rule = {"from": [spaces(team="a")], "ports": PORT}
    own = {"from": [pods(role="x")], "ports": [{"port": 81}]}
    found = rows(engine(WEB, namespace("default", team="a"), ingress(rule, own)))
    assert found["pods of namespace default with role=x"] == (("TCP", 80, 81),)


def test_selectors_that_nothing_or_no_label_can_match_open_nothing() -> None:
    never = {
        "matchExpressions": [{"key": "a", "operator": "In", "values": ["x"]}, {"key": "a", "operator": "DoesNotExist"}]
    }
    broken = {"podSelector": {"matchLabels": {"a": "$x"}}}
    assert rows(engine(WEB, ingress({"from": [{"podSelector": never}]}))) == {}
    assert rows(engine(WEB, ingress({"from": [broken]}))) == {}


def test_pods_that_exist_are_told_apart_from_those_that_could() -> None:
    rule = ingress({"from": [pods(app="db"), pods(app="later")]})
    found = {text(row.peer): row.matched for row in openings(engine(WEB, pod("db", labels={"app": "db"}), rule), [0])}
    assert found["pods of namespace default with app=db"] and not found["pods of namespace default with app=later"]


def test_net_26_a_port_name_is_one_of_the_other_pod() -> None:
    rule = policy(
        "np", podSelector={}, policyTypes=["Egress"], egress=[{"to": [pods(a="x")], "ports": [{"port": "http"}]}]
    )
    (row,) = (row for row in _egress(engine(WEB, rule)) if row.peer != ANYBODY)
    assert (row.ports, row.names) == ((), (("TCP", "http"),))


def test_net_25_a_port_name_of_the_selected_pod_is_its_number() -> None:
    named = pod("web", labels={"app": "web"}, ports=[{"containerPort": 8080, "name": "http"}])
    found = rows(engine(named, ingress({"from": [pods(a="x")], "ports": [{"port": "http"}]})))
    assert found == {"pods of namespace default with a=x": (("TCP", 8080, 8080),)}


def _egress(reach: Reach) -> list[Opening]:
    return [row for row in openings(reach, [0], ["IPv4"]) if row.direction is Direction.EGRESS]


def _admin(*rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "AdminNetworkPolicy",
        "metadata": {"name": "admin"},
        "spec": {"priority": 1, "subject": {"namespaces": {}}, "ingress": list(rules)},
    }


def test_net_82_pods_that_a_tier_denies_have_an_opening_of_no_ports() -> None:
    deny = {"action": "Deny", "from": [{"namespaces": {"matchLabels": {"team": "a"}}}]}
    found = rows(engine(WEB, _admin(deny), plugin=TIERS))
    assert found == {"all pods of the cluster": ALL, "all pods of namespaces with team=a": ()}


def test_net_38_whether_an_address_is_in_a_block_is_not_known() -> None:
    rule = ingress({"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": PORT})
    found = rows(engine(WEB, rule), state=State.UNKNOWN)
    assert found == {"all pods of the cluster": (("TCP", 80, 80),)}


_LABELS = [
    {key: value for key, value in zip("ab", values, strict=True) if value}
    for values in product(("", "x", "y"), repeat=2)
]
_TERMS = strategies.one_of(
    strategies.fixed_dictionaries(
        {
            "key": strategies.sampled_from("ab"),
            "operator": strategies.sampled_from(("In", "NotIn")),
            "values": strategies.sampled_from((["x"], ["x", "y"])),
        }
    ),
    strategies.fixed_dictionaries(
        {"key": strategies.sampled_from("ab"), "operator": strategies.sampled_from(("Exists", "DoesNotExist"))}
    ),
)
_PEERS = strategies.lists(_TERMS, max_size=2).map(lambda terms: {"podSelector": {"matchExpressions": terms}})
_RULES = strategies.builds(
    lambda peer, port: {"from": [peer], "ports": [{"port": port}]}, _PEERS, strategies.integers(80, 82)
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(strategies.lists(_RULES, min_size=1, max_size=3))
def test_every_pod_that_a_selector_matches_may_what_its_row_says(rules: list[dict[str, Any]]) -> None:
    """Oracle: a pod for every set of labels, asked one by one. Pods may more than a row says, by labels beyond it."""
    made = [pod(f"p{number}", labels=labels) for number, labels in enumerate(_LABELS)]
    reach = engine(WEB, *made, ingress(*rules), plugin=KNP)
    target = next(c.index for c in reach.cluster.classes if c.name == "Pod/web")
    for row in openings(reach, [target], ["IPv4"]):
        if row.direction is not Direction.INGRESS or row.peer == ANYBODY or row.state is not State.YES:
            continue
        for cls in reach.cluster.classes:
            if cls.index != target and reach.judge.universe.labels.select(row.peer.pods) >> cls.index & 1:
                for protocol, first, _ in row.ports:
                    assert reach.connect(cls.index, target, protocol, first).state is State.YES
