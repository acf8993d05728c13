"""Istio only narrows TCP, and only where a proxy stands in the path (NET-135..141)."""

from typing import Any

import pytest

from kubeaudit.network.reach import Basis, Reach

from .asking import B, R, U, ask, cls, engine, state
from .clusters import Object, daemonset, namespace, pod, policy

OUT = "203.0.113.7"
PROXY = {"name": "istio-proxy", "image": "proxy"}


def meshed(name: str, space: str, ip: str, account: str = "default", **more: Any) -> Object:
    """A pod with a sidecar."""
    found = pod(
        name, space, labels={"app": name}, ips=(ip,), containers=[{"name": "main", "image": "m"}, PROXY], **more
    )
    found["spec"]["serviceAccountName"] = account
    return found


def authorization(name: str = "x", space: str = "shop", **spec: Any) -> Object:
    metadata = {"name": name, "namespace": space}
    return {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": metadata, "spec": spec}


def authentication(mode: str, name: str = "default", space: str = "shop", **spec: Any) -> Object:
    metadata = {"name": name, "namespace": space}
    spec = {"mtls": {"mode": mode}} | spec
    return {"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication", "metadata": metadata, "spec": spec}


def source(**fields: Any) -> Object:
    return {"from": [{"source": fields}]}


WEB = meshed("web", "shop", "10.0.0.1", "web")
DB = meshed("db", "shop", "10.0.0.2")
OTHER = meshed("other", "team", "10.0.0.3", "other")
PLAIN = pod("plain", "team", labels={"app": "plain"}, ips=("10.0.0.4",))
ALL = (namespace("shop"), namespace("team"), WEB, DB, OTHER, PLAIN)
PEERS = ("shop/web", "team/other", "team/plain", OUT)


def into_db(*policies: Object, port: int = 80, protocol: str = "TCP") -> list[Any]:
    """States towards the database of a pod of its namespace, of another one, of one outside the mesh, of an address.

    The matrix, which judges all pairs at once, must say the same of the pods.
    """
    reach = engine(*ALL, *policies)
    found = [state(reach, peer, "shop/db", protocol, port) for peer in PEERS]
    assert columns(reach, protocol, port) == found[:3]
    return found


def columns(reach: Reach, protocol: str, port: int) -> list[Any]:
    column = reach.matrix.sources(cls(reach, "shop/db"), protocol, port)
    places = [cls(reach, peer) for peer in PEERS[:3]]
    return [R if column.reachable >> bit & 1 else U if column.unknown >> bit & 1 else B for bit in places]


def test_net_136_without_a_policy_everything_passes() -> None:
    assert into_db() == [R, R, R, R]


def test_net_137_allow_without_rules_denies_all_and_an_empty_rule_matches_all() -> None:
    assert into_db(authorization()) == [B, B, B, B]
    assert into_db(authorization(rules=[{}])) == [R, R, R, R]
    assert into_db(authorization(action="DENY")) == [R, R, R, R]
    assert into_db(authorization(action="DENY", rules=[{}])) == [B, B, B, B]


def test_net_136_deny_comes_before_allow_and_one_allow_must_match() -> None:
    by_name = authorization("a", rules=[source(namespaces=["shop", "team"])])
    deny = authorization("d", action="DENY", rules=[source(namespaces=["team"])])
    assert into_db(by_name) == [R, R, B, B]
    assert into_db(by_name, deny) == [R, B, B, B]
    assert into_db(by_name, authorization("b", rules=[source(ipBlocks=["10.0.0.4"])])) == [R, R, R, B]


def test_net_136_audit_never_decides_and_custom_is_a_condition() -> None:
    assert into_db(authorization(action="AUDIT", rules=[{}])) == [R, R, R, R]
    custom = authorization(action="CUSTOM", provider={"name": "ext"}, rules=[{}])
    verdict = ask(engine(*ALL, custom), "shop/web", "shop/db")
    assert (verdict.state, verdict.conditions) == (R, ("external_authz",))
    assert Basis.MESH in verdict.basis


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"principals": ["cluster.local/ns/shop/sa/web"]}, [R, B, B, B]),
        ({"principals": ["*/sa/other"]}, [B, R, B, B]),
        ({"principals": ["cluster.local/ns/*"]}, [R, R, B, B]),
        ({"principals": ["*"]}, [R, R, B, B]),
        ({"notPrincipals": ["cluster.local/ns/shop/sa/web"]}, [B, R, R, R]),
        ({"serviceAccounts": ["web"]}, [R, B, B, B]),
        ({"serviceAccounts": ["team/other"]}, [B, R, B, B]),
        ({"notNamespaces": ["shop"]}, [B, R, R, R]),
        ({"namespaces": ["team"], "ipBlocks": ["203.0.113.0/24"]}, [B, B, B, B]),
        ({"ipBlocks": ["203.0.113.0/24", "10.0.0.4/32"]}, [B, B, R, R]),
        ({"notIpBlocks": ["203.0.113.0/24"]}, [R, R, R, B]),
        ({"ipBlocks": [OUT]}, [B, B, B, R]),
    ],
)
def test_net_140_sources_by_identity_and_by_address(fields: Object, expected: list[Any]) -> None:
    """Callers without a certificate have no identity: positive matches fail, negative ones hold."""
    assert into_db(authorization(rules=[source(**fields)])) == expected


def test_net_140_identity_needs_mutual_tls() -> None:
    by_name = authorization(rules=[source(namespaces=["shop"])])
    assert into_db(by_name, authentication("PERMISSIVE")) == [R, B, B, B]
    assert into_db(by_name, authentication("DISABLE")) == [B, B, B, B]


def test_strict_mutual_tls_takes_no_plaintext() -> None:
    assert into_db(authentication("STRICT")) == [R, R, B, B]
    assert into_db(authentication("STRICT", space="istio-system")) == [R, R, B, B]
    assert into_db(authentication("STRICT", space="istio-system"), authentication("PERMISSIVE")) == [R, R, R, R]
    selected = authentication("DISABLE", "db", selector={"matchLabels": {"app": "db"}})
    assert into_db(authentication("STRICT"), selected) == [R, R, R, R]
    by_port = authentication(
        "PERMISSIVE", "db", selector={"matchLabels": {"app": "db"}}, portLevelMtls={"80": {"mode": "STRICT"}}
    )
    assert into_db(by_port) == [R, R, B, B]
    assert into_db(by_port, port=81) == [R, R, R, R]


def test_net_138_the_root_namespace_holds_everywhere_and_selectors_narrow() -> None:
    assert into_db(authorization(space="istio-system")) == [B, B, B, B]
    assert into_db(authorization(space="team")) == [R, R, R, R]
    assert into_db(authorization(selector={"matchLabels": {"app": "web"}})) == [R, R, R, R]
    assert into_db(authorization(selector={"matchLabels": {"app": "db"}})) == [B, B, B, B]


def test_net_138_a_policy_of_a_waypoint_leaves_it_open() -> None:
    target = {"kind": "Service", "group": "", "name": "db"}
    assert into_db(authorization(action="DENY", targetRefs=[target], rules=[{}])) == [U, U, U, U]


def test_net_138_a_selector_beside_target_references_is_refused() -> None:
    target = {"kind": "Service", "group": "", "name": "db"}
    both = authorization(action="DENY", targetRefs=[target], selector={"matchLabels": {"app": "db"}}, rules=[{}])
    assert into_db(both) == [R, R, R, R]


def test_net_135_never_touches_udp_and_never_opens() -> None:
    assert into_db(authorization(), protocol="UDP") == [R, R, R, R]
    deny = policy("deny", "shop", podSelector={}, policyTypes=["Ingress"])
    assert into_db(authorization(rules=[{}]), deny) == [B, B, B, B]


def test_ports_are_part_of_a_rule() -> None:
    rule = authorization(rules=[{"to": [{"operation": {"ports": ["80"]}}]}])
    assert into_db(rule) == [R, R, R, R]
    assert into_db(rule, port=81) == [B, B, B, B]
    other = authorization(action="DENY", rules=[{"to": [{"operation": {"notPorts": ["80"]}}]}])
    assert into_db(other) == [R, R, R, R]
    assert into_db(other, port=81) == [B, B, B, B]
    when = {"key": "destination.port", "values": ["81"]}
    assert into_db(authorization(rules=[{"when": [when]}]), port=81) == [R, R, R, R]


def service(**port: Any) -> Object:
    spec = {"selector": {"app": "db"}, "ports": [{"port": 80, "targetPort": 80} | port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": "shop"}, "spec": spec}


def test_net_139_http_fields_are_a_condition_or_on_plain_tcp_ignored() -> None:
    get = {"to": [{"operation": {"methods": ["GET"]}}]}
    for action in ("ALLOW", "DENY"):
        rule = authorization(action=action, rules=[get])
        verdict = ask(engine(*ALL, rule), "shop/web", "shop/db")
        assert (verdict.state, verdict.conditions) == (R, ("l7",))
        assert into_db(rule, service(name="tcp-sql")) == [B] * 4
        assert into_db(rule, service(name="http", appProtocol="mysql")) == [B] * 4
        assert into_db(rule, service(name="http")) == [R] * 4


def test_a_single_address_is_a_block_of_one() -> None:
    rule = authorization(rules=[source(ipBlocks=[OUT])], action="DENY")
    reach = engine(*ALL, rule)
    assert [state(reach, peer, "shop/db") for peer in (OUT, "203.0.113.8", "203.0.112.255")] == [B, R, R]


@pytest.mark.parametrize(
    ("operation", "allowed", "denied"),
    [
        ({"methods": ["GET"], "notMethods": ["GET"]}, B, R),
        ({"methods": ["GET"], "notMethods": ["*"]}, B, R),
        ({"methods": ["GET", "PUT"], "notMethods": ["GET"]}, R, R),
        ({"paths": ["/a/b*"], "notPaths": ["/a*"]}, B, R),
        ({"paths": ["/a*"], "notPaths": ["/a/b*"]}, R, R),
        ({"paths": ["*/x"], "notPaths": ["*x"]}, B, R),
        ({"paths": ["/x*"], "notPaths": ["*x*"]}, R, R),
        ({"hosts": ["a.example"], "notHosts": ["*.example"]}, B, R),
        ({"methods": ["*"]}, R, B),
        ({"methods": ["*"], "paths": ["/a"]}, R, R),
        ({"methods": ["*"], "notMethods": ["PUT"]}, R, R),
    ],
)
def test_net_139_no_condition_where_no_request_matches_or_each(operation: Object, allowed: Any, denied: Any) -> None:
    rules = [{"to": [{"operation": operation}]}]
    allow, deny = (engine(*ALL, authorization(action=action, rules=rules)) for action in ("ALLOW", "DENY"))
    assert (state(allow, "shop/web", "shop/db"), state(deny, "shop/web", "shop/db")) == (allowed, denied)


def test_an_allow_without_http_beside_one_with_is_no_condition() -> None:
    get = {"to": [{"operation": {"methods": ["GET"]}}], **source(namespaces=["team"])}
    reach = engine(*ALL, authorization(rules=[get, source(namespaces=["shop"])]))
    assert ask(reach, "shop/web", "shop/db").conditions == ()
    assert ask(reach, "team/other", "shop/db").conditions == ("l7",)


def test_net_141_no_proxy_no_narrowing() -> None:
    bare = pod("db", "shop", labels={"app": "db"}, ips=("10.0.0.2",))
    reach = engine(*ALL[:3], OTHER, PLAIN, bare, authorization())
    assert [state(reach, peer, "shop/db") for peer in PEERS] == [R, R, R, R]
    init = [{"name": "istio-init", "image": "i", "args": ["istio-iptables", "-p", "15001", "-d", "15090,9000"]}]
    past = engine(*ALL[:3], OTHER, PLAIN, meshed("db", "shop", "10.0.0.2", init=init), authorization())
    assert [state(past, "shop/web", "shop/db", "TCP", port) for port in (80, 9000)] == [B, R]


def test_an_ambient_mesh_sees_no_http() -> None:
    around = namespace("shop", **{"istio.io/dataplane-mode": "ambient"})
    bare = pod("db", "shop", labels={"app": "db"}, ips=("10.0.0.2",))
    get = authorization(rules=[{"to": [{"operation": {"methods": ["GET"]}}]}])
    assert state(engine(around, bare, PLAIN, daemonset("ztunnel"), get), "team/plain", "shop/db") == B
    assert state(engine(around, bare, PLAIN, get), "team/plain", "shop/db") == U


def test_what_a_verdict_shows() -> None:
    reach = engine(
        *ALL, authorization("closed"), authorization("d", action="DENY", rules=[source(namespaces=["team"])])
    )
    closed, denied = ask(reach, "shop/web", "shop/db"), ask(reach, "team/other", "shop/db")
    assert (closed.state, closed.basis) == (B, (Basis.MESH,))
    shown = reach.proof(closed)[-1]
    assert (str(shown.object), shown.path) == ("AuthorizationPolicy shop/closed", ("spec", "selector"))
    assert [decision.path for decision in denied.ingress.by] == [("spec", "rules", 0)]


def test_what_is_refused_is_reported() -> None:
    bad = (
        authorization("a", action="BLOCK", rules=[{}]),
        authorization("b", rules=[source(ipBlocks=["300.0.0.0/8"])]),
        authorization("c", rules=[{"to": [{"operation": {"ports": ["http"]}}]}]),
    )
    found = {(problem.object.name, problem.path) for problem in engine(*ALL, *bad).problems}
    assert found == {
        ("a", ("spec", "action")),
        ("b", ("spec", "rules", 0, "from", 0, "source")),
        ("c", ("spec", "rules", 0, "to", 0)),
    }


def test_pods_that_do_not_run_yet_may_get_a_proxy() -> None:
    template = {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "main", "image": "m"}]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"template": template},
    }
    reach = engine(namespace("shop"), deployment, authorization())
    assert reach.from_internet(0, "TCP", 80).state == U
    off = engine(namespace("shop", **{"istio-injection": "disabled"}), deployment, authorization())
    assert off.from_internet(0, "TCP", 80).state == R
