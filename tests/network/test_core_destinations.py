"""DestinationRules by which callers send no certificate leave open what depends on identity (NET-140)."""

from typing import Any

import pytest

from kubeaudit.network.reach import Basis
from kubeaudit.snapshot import Outcome

from .asking import B, R, U, ask, engine, row_state, state
from .clusters import Object, daemonset, namespace
from .test_istio import ALL, OUT, PEERS, PLAIN, authentication, authorization, columns, meshed, service, source

UNREAD = {"destinationrules.networking.istio.io": Outcome.REFUSED}
BY_NAME = authorization(rules=[source(namespaces=["shop", "team"])])
STRICT = authentication("STRICT")
TO_DB = service()


def destination(host: str = "db.shop.svc.cluster.local", space: str = "shop", **spec: Any) -> Object:
    policy = {"trafficPolicy": {"tls": {"mode": "DISABLE"}}}
    metadata = {"name": "plain", "namespace": space}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": metadata,
        "spec": {"host": host, **policy, **spec},
    }


def into_db(*objects: Object, port: int = 80, **more: Any) -> list[Any]:
    """States towards the database, from the single questions; rows and columns must say the same."""
    reach = engine(*ALL, TO_DB, *objects, **more)
    found = [state(reach, peer, "shop/db", "TCP", port) for peer in PEERS]
    assert columns(reach, "TCP", port) == found[:3]
    rows = list(reach.relation(["IPv4"]))
    names = ("shop/Pod/web", "team/Pod/other", "team/Pod/plain", OUT)
    assert [row_state(rows, name, "shop/Pod/db", "TCP", port) for name in names] == found
    return found


def test_net_140_under_permissive_a_caller_has_perhaps_no_identity() -> None:
    assert into_db(BY_NAME) == [R, R, B, B]
    assert into_db(BY_NAME, destination()) == [U, U, B, B]
    negative = authorization(action="DENY", rules=[source(notNamespaces=["shop"])])
    assert into_db(negative) == [R, B, B, B]
    assert into_db(negative, destination()) == [U, B, B, B]


def test_net_140_under_strict_the_connection_perhaps_fails() -> None:
    assert into_db(STRICT) == [R, R, B, B]
    assert into_db(STRICT, destination()) == [U, U, B, B]


def test_what_does_not_depend_on_identity_stays_certain() -> None:
    assert into_db(destination()) == [R, R, R, R]
    assert into_db(authorization(rules=[source(ipBlocks=["10.0.0.0/8"])]), destination()) == [R, R, R, B]
    assert into_db(authorization(), destination()) == [B, B, B, B]
    assert into_db(BY_NAME, authentication("DISABLE"), destination()) == [B, B, B, B]


def test_the_verdict_names_the_rule_and_what_would_settle_it() -> None:
    reach = engine(*ALL, TO_DB, BY_NAME, destination())
    verdict = ask(reach, "shop/web", "shop/db")
    assert (verdict.state, verdict.details) == (U, ("mesh_destination_rule",))
    assert verdict.settle_by
    shown = [(str(found.object), found.path, found.value) for found in reach.proof(verdict)]
    assert ("DestinationRule shop/plain", ("spec", "trafficPolicy", "tls", "mode"), '"DISABLE"') in shown


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (destination("db"), [U, U, B, B]),
        (destination("db", "team"), [R, R, B, B]),
        (destination("db.shop", "team"), [U, U, B, B]),
        (destination("db.shop.svc", "team"), [U, U, B, B]),
        (destination("db.shop.svc.example.org", "team"), [U, U, B, B]),
        (destination("*.shop.svc.cluster.local", "team"), [U, U, B, B]),
        (destination("*.local", "istio-system"), [U, U, B, B]),
        (destination("*", "istio-system"), [U, U, B, B]),
        (destination("web.shop.svc.cluster.local"), [R, R, B, B]),
        (destination("*.example.org"), [R, R, B, B]),
        (destination(exportTo=["."]), [U, R, B, B]),
        (destination(exportTo=["team"]), [R, U, B, B]),
        (destination(exportTo=["*"]), [U, U, B, B]),
        (destination(workloadSelector={"matchLabels": {"app": "web"}}), [U, R, B, B]),
        (destination(workloadSelector={"matchLabels": {"app": "none"}}), [R, R, B, B]),
        (destination(trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}}), [R, R, B, B]),
        (destination(trafficPolicy={"tls": {"mode": "SIMPLE"}}), [U, U, B, B]),
        (destination(trafficPolicy={}), [R, R, B, B]),
        (
            destination(trafficPolicy={"portLevelSettings": [{"port": {"number": 80}, "tls": {"mode": "DISABLE"}}]}),
            [U, U, B, B],
        ),
        (
            destination(trafficPolicy={}, subsets=[{"name": "v1", "trafficPolicy": {"tls": {"mode": "DISABLE"}}}]),
            [U, U, B, B],
        ),
    ],
)
def test_whom_a_rule_is_for(rule: Object, expected: list[Any]) -> None:
    """The host is a Service, by any of its names; the callers are those that the rule is exported to and selects."""
    assert into_db(BY_NAME, rule) == expected


def test_rules_that_were_not_read_leave_identity_open() -> None:
    assert into_db(BY_NAME, unread=UNREAD) == [U, U, B, B]
    assert into_db(authorization(rules=[source(ipBlocks=["10.0.0.0/8"])]), unread=UNREAD) == [R, R, R, B]
    verdict = ask(engine(*ALL, BY_NAME, unread=UNREAD), "shop/web", "shop/db")
    assert (verdict.basis, verdict.settle_by) == (
        (Basis.INPUT_INCOMPLETE,),
        ("list destinationrules.networking.istio.io",),
    )
    assert verdict.unseen[0].resource == "destinationrules.networking.istio.io"


def test_an_ambient_caller_reads_no_destination_rule() -> None:
    around = namespace("shop", **{"istio.io/dataplane-mode": "ambient"})
    caller, target = (
        {**PLAIN, "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}}, "status": status}
        for name, status in (
            ("web", {"phase": "Running", "podIP": "10.0.0.1"}),
            ("db", {"phase": "Running", "podIP": "10.0.0.2"}),
        )
    )
    objects = (around, daemonset("ztunnel"), caller, target, TO_DB, STRICT, destination())
    assert state(engine(*objects), "shop/web", "shop/db") == R
    sidecar = meshed("web", "shop", "10.0.0.1")
    assert state(engine(*objects[:2], sidecar, *objects[3:]), "shop/web", "shop/db") == U
