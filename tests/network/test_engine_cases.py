"""Small clusters that random ones were reduced to, where the engine and the naive evaluator once disagreed."""

from msgspec import structs

from kubeaudit.network.plugin.cni import CniProfile, profile
from kubeaudit.network.plugin.profiles import ADMIN
from kubeaudit.settings import Fact

from .asking import B, R, U, ask, engine, state
from .cilium_objects import CILIUM, ccnp, ports
from .clusters import Object, namespace, pod, policy
from .test_calico import CALICO, OPEN, gnp, made, np
from .test_istio import ALL, DB, WEB, authentication, authorization, into_db, service, source

OUT = "203.0.113.7"
GET: Object = {"operation": {"methods": ["GET"]}}


def test_net_139_a_proxy_reads_no_http_in_https() -> None:
    rule = authorization(rules=[{"to": [GET]}])
    assert into_db(rule, service(name="https-web")) == into_db(rule, service(name="x", appProtocol="https")) == [B] * 4


def test_net_139_a_rule_that_looks_at_http_anywhere_allows_nothing_where_it_is_not_read() -> None:
    rule = authorization(rules=[{"to": [GET, {"operation": {"ports": ["80"]}}]}])
    assert into_db(rule) == [R] * 4
    assert into_db(rule, service(name="tcp")) == [B] * 4
    other = authorization("other", rules=[{"to": [{"operation": {"ports": ["80"]}}]}])
    assert into_db(rule, other, service(name="tcp")) == [R] * 4


def test_net_140_nobody_is_known_on_a_port_without_mutual_tls() -> None:
    by_name = authorization(rules=[source(namespaces=["shop"])])
    modes = {"portLevelMtls": {"80": {"mode": "DISABLE"}}, "selector": {"matchLabels": {"app": "db"}}}
    assert into_db(by_name, authentication("PERMISSIVE", "db", **modes)) == [B] * 4
    assert into_db(by_name, authentication("PERMISSIVE", "db", **modes), port=81) == [R, B, B, B]
    on_one = modes | {"portLevelMtls": {"80": {"mode": "PERMISSIVE"}}}
    assert into_db(by_name, authentication("DISABLE", "db", **on_one)) == [R, B, B, B]
    assert into_db(by_name, authentication("DISABLE", "db", **on_one), port=81) == [B] * 4


def test_net_136_what_a_rule_allows_as_it_is_needs_no_http_beside_external_authorization() -> None:
    custom = authorization("custom", action="CUSTOM", provider={"name": "ext"}, rules=[{}])
    reach = engine(*ALL, custom, authorization(rules=[{"to": [GET]}, {}]))
    assert ask(reach, "shop/web", "shop/db").conditions == ("external_authz",)


def test_net_53_no_rule_and_no_mesh_stands_between_a_pod_and_itself() -> None:
    by_http = ccnp(ingress=[{"toPorts": ports("80", protocol="TCP", rules={"http": [{"method": "GET"}]})}])
    verdict = ask(engine(namespace("shop"), WEB, by_http, plugin=CILIUM), "shop/web", "shop/web")
    assert (verdict.state, verdict.conditions) == (R, ())
    assert ask(engine(WEB, DB, authorization()), "shop/db", "shop/db").state is R


def test_net_71_what_nothing_enforces_asks_for_nothing() -> None:
    names = {"action": "Allow", "to": [{"domainNames": ["example.com"]}]}
    admin = {
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "AdminNetworkPolicy",
        "metadata": {"name": "names"},
        "spec": {"priority": 0, "subject": {"namespaces": {}}, "egress": [names]},
    }
    closed = policy("closed", "shop", podSelector={}, policyTypes=["Egress"])
    off = structs.replace(profile("kube-network-policies"), enforces=Fact.NO)
    verdict = ask(engine(WEB, admin, closed, plugin=off), "shop/web", OUT)
    assert (verdict.state, verdict.conditions) == (R, ())


def test_net_85_policies_of_calico_leave_no_doubt_about_the_baseline_tier() -> None:
    """They hold direction by direction: a tier with none that applies is skipped (NET-122)."""
    denied = {"action": "Deny", "to": [{"networks": ["0.0.0.0/0"]}]}
    baseline = {
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "BaselineAdminNetworkPolicy",
        "metadata": {"name": "default"},
        "spec": {"subject": {"namespaces": {}}, "egress": [denied]},
    }
    plugin = structs.replace(CALICO, implements=(*CALICO.implements, *ADMIN), may_implement=())
    for in_calico, expected in ((np("in", "shop", types=["Ingress"]), B), (policy("in", "shop"), U)):
        assert state(engine(namespace("shop"), WEB, baseline, in_calico, plugin=plugin), "shop/web", OUT) is expected


def test_net_121_a_profile_whose_rules_match_nobody_leaves_it_to_the_next() -> None:
    """Not to the end, where everything is allowed."""
    nobody = made("Profile", "kns.shop", ingress=[OPEN | {"source": {"selector": "has(none)"}}])
    closed = made("Profile", "ksa.shop.web", ingress=[{"action": "Deny"}])
    reach = engine(namespace("shop"), WEB, DB, nobody, closed, plugin=CALICO)
    assert [state(reach, OUT, name) for name in ("shop/web", "shop/db")] == [B, R]


def test_net_38_78_only_calico_reads_its_networks_so_they_hold_for_pods() -> None:
    """Whatever an unknown plugin does with blocks of NetworkPolicies."""
    unknown = CniProfile(name="", enforces=Fact.UNKNOWN, ipblock_matches_pods=Fact.UNKNOWN)
    web, db = pod("web", "red", ips=("10.0.0.1",)), pod("db", "red", ips=("10.0.0.2",))
    open_ = gnp("open", ingress=[OPEN | {"source": {"nets": ["10.0.0.0/24"]}}], selector="all()")
    assert state(engine(namespace("red"), web, db, open_, plugin=unknown), "red/web", "red/db") is R
