"""Defects of other tools that must not be ours, by number (network.md, section 7)."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kubeaudit.collect.live import collect
from kubeaudit.collect.progress import Silent
from kubeaudit.documents import Document, parse
from kubeaudit.network.plugin.cni import CniProfile, profile
from kubeaudit.network.reach import Basis, assemble
from kubeaudit.queries.ends import end
from kubeaudit.queries.ingress_hop import hops
from kubeaudit.queries.network_diff import difference
from kubeaudit.queries.reach import answer
from kubeaudit.settings import Fact
from kubeaudit.snapshot import Outcome
from tests import factory
from tests.collect.fake_api import FakeApi
from tests.queries.connections import context

from .asking import KNP, B, R, U, ask, cls, engine, state
from .clusters import Object, cluster, node, pod, policy, port

OUT = "203.0.113.7"
APP = pod("app", ips=("10.0.0.1",), on="n1")
NOBODY = CniProfile(name="", enforces=Fact.YES, ipblock_matches_pods=Fact.UNKNOWN)
DENY = policy("deny", podSelector={}, policyTypes=["Ingress", "Egress"])


def test_reg_net_01_the_own_node_of_an_isolated_pod_is_exempt() -> None:
    verdict = ask(engine(node("n1", "172.18.0.2"), APP, DENY), "172.18.0.2", "default/app")
    assert (verdict.state, verdict.basis) == (R, (Basis.SPEC_EXCEPTION,))


def test_reg_net_02_a_pending_pod_without_addresses_stops_nothing() -> None:
    reach = engine(APP, pod("waiting", phase="Pending"), DENY)
    assert [pod.addresses for pod in reach.cluster.pods] == [("10.0.0.1",), ()]
    assert (state(reach, OUT, "default/app"), state(reach, OUT, "default/waiting")) == (B, B)


def test_reg_net_03_a_named_port_at_an_ip_block_and_label_variants_of_one_owner_are_not_fatal() -> None:
    rule = {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": "http"}]}
    one = pod("set-0", labels={"v": "1"}, ips=("10.0.0.1",), owner="set", ports=[port(80, "http")])
    two = pod("set-1", labels={"v": "2"}, ips=("10.0.0.2",), owner="set")
    reach = engine(one, two, policy("np", podSelector={"matchLabels": {"v": "1"}}, ingress=[rule]))
    assert cls(reach, "default/set-0") != cls(reach, "default/set-1")
    assert [state(reach, OUT, "default/set-0", "TCP", n) for n in (80, 81)] == [R, B]
    assert state(reach, OUT, "default/set-1", "TCP", 81) == R


def test_reg_net_03_equal_priorities_are_not_fatal() -> None:
    """NET-86."""
    rules = {"one": "Allow", "two": "Deny"}
    made = [_admin(name, ingress=[{"action": action, "from": [{"namespaces": {}}]}]) for name, action in rules.items()]
    reach = engine(APP, pod("b", ips=("10.0.0.2",)), *made)
    assert (state(reach, "default/b", "default/app"), [p.object.name for p in reach.problems]) == (U, ["two"])


def _admin(name: str, kind: str = "AdminNetworkPolicy", **spec: Any) -> Object:
    version = "v1alpha2" if kind == "ClusterNetworkPolicy" else "v1alpha1"
    spec = {"priority": 1, "subject": {"namespaces": {}}} | spec
    api = f"policy.networking.k8s.io/{version}"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


BACKEND = {"service": {"name": "web", "port": {"number": 80}}}


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ({"rules": [], "defaultBackend": BACKEND}, ["*"]),
        ({"rules": None, "defaultBackend": BACKEND}, ["*"]),
        ({"rules": [{"host": "a.example"}], "defaultBackend": BACKEND}, ["*"]),
        ({"rules": [{"host": "a.example"}, {"http": None}]}, []),
        ({"rules": [{}, {"http": {"paths": [{"backend": BACKEND}]}}], "tls": [{"hosts": ["a.example"]}]}, ["*/"]),
    ],
    ids=["no rules", "null rules", "a rule without http", "nothing else", "beside a rule with http, and TLS"],
)
def test_reg_net_04_ingresses_without_http_lead_where_their_default_backend_does(
    spec: Object, where: list[str]
) -> None:
    """NET-60, NET-66: the Service has no selector, its slice lists the address of a pod, the class names who serves."""
    backend = factory.pod(ip="10.1.0.7")
    slices = factory.slice_of("web", endpoints=[{"addresses": ["10.1.0.7"]}])
    objects = [factory.ingress(**spec), factory.service(selector={}), slices, backend, *factory.controller()]
    shown = context(*objects, factory.policy(ingress=[{"from": [{"namespaceSelector": {}}]}]))
    assert not shown.cluster.bad
    found = list(hops(shown))
    names = [(shown.cluster.classes[hop.source].name, shown.cluster.classes[hop.target].name) for hop in found]
    assert [(hop.where, hop.port, hop.state) for hop in found] == [(each, 8080, R) for each in where]
    assert names == [("Pod/nginx-1", "Pod/web-1")] * len(where)
    closed = list(hops(context(*objects, factory.policy())))
    assert [hop.state for hop in closed] == [B] * len(where)


def test_reg_net_05_ranges_are_merged_where_the_verdict_is_the_same() -> None:
    """PERF-5: as many rows as verdict ranges, though 200 blocks cut the address space 400 times."""
    neighbours = [{"ipBlock": {"cidr": f"20.0.{n}.0/24"}} for n in range(200)]
    reach = engine(APP, policy("np", ingress=[{"from": neighbours}]))
    outside = [row for row in reach.relation(["IPv4"]) if row.target.endswith("app") and row.source[0].isdigit()]
    assert {row.source for row in outside} == {"20.0.0.0-20.0.199.255"}
    assert len(outside) == 3


def test_reg_net_06_an_empty_rule_list_denies_from_yaml_and_from_json() -> None:
    made = policy("np", podSelector={}, policyTypes=["Ingress"], ingress=[])
    as_json = msgspec.json.encode(made)
    as_yaml = as_json.decode().replace("{", "{ ").encode()
    for text in (as_json, as_yaml):
        (found,) = parse(text, "np.yaml")
        assert isinstance(found, Document)
        assert state(engine(APP, msgspec.convert(found.value, dict)), OUT, "default/app") == B


def test_reg_net_07_a_missing_protocol_is_tcp() -> None:
    reach = engine(APP, policy("np", ingress=[{"ports": [{"port": 80}]}]))
    assert (state(reach, OUT, "default/app", "TCP", 80), state(reach, OUT, "default/app", "UDP", 80)) == (R, B)


def test_reg_net_08_an_empty_egress_list_of_an_ingress_policy_is_accepted() -> None:
    reach = engine(APP, policy("np", policyTypes=["Ingress"], ingress=[], egress=[]))
    assert (state(reach, OUT, "default/app"), state(reach, "default/app", OUT)) == (B, R)


def test_reg_net_09_an_absent_key_is_no_match() -> None:
    reach = engine(
        APP,
        policy("np", ingress=[{"from": [{"podSelector": {"matchLabels": {"role": "x"}}}]}]),
        pod("b", ips=("10.0.0.2",)),
    )
    assert state(reach, "default/b", "default/app") == B


def test_reg_net_10_host_network_is_seen_and_named() -> None:
    host = pod("host", ips=("172.18.0.2",), on="n1", host=True)
    for plugin, expected in ((KNP, (R, (Basis.CNI_PROFILE,))), (NOBODY, (U, (Basis.UNDEFINED,)))):
        verdict = ask(engine(node("n1", "172.18.0.2"), host, DENY, plugin=plugin), "default/host", "169.254.169.254")
        assert (verdict.state, verdict.basis, verdict.details) == (*expected, ("host_network",))


def test_reg_net_11_a_finished_pod_is_no_endpoint() -> None:
    """Its address may be that of another pod by now."""
    done = pod("done", ips=("10.0.0.1",), phase="Succeeded", labels={"app": "ok"})
    np = policy("np", podSelector={}, ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "ok"}}}]}])
    heir = pod("heir", ips=("10.0.0.1",))
    reach = engine(done, heir, pod("b", ips=("10.0.0.2",)), np)
    verdict = ask(reach, "default/done", "default/b")
    assert (verdict.state, verdict.details, len(reach.proof(verdict))) == (B, ("finished",), 1)
    assert state(reach, "default/heir", "default/b") == B


def test_reg_net_12_an_ip_block_over_pod_addresses_is_unknown_without_a_profile() -> None:
    other, np = pod("b", ips=("10.0.0.2",)), policy("np", ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}])
    unknown = profile("antrea")
    assert [state(engine(APP, other, np, plugin=p), "default/b", "default/app") for p in (KNP, unknown)] == [R, U]


SECTION_1 = (
    *("namespaces", "pods", "nodes", "serviceaccounts", "services", "endpoints", "replicationcontrollers"),
    *("deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch", "cronjobs.batch"),
    *(f"{plural}.networking.k8s.io" for plural in ("networkpolicies", "ingresses", "ingressclasses")),
    *(f"{plural}.gateway.networking.k8s.io" for plural in ("gateways", "httproutes", "grpcroutes", "tlsroutes")),
    *("endpointslices.discovery.k8s.io", "referencegrants.gateway.networking.k8s.io", "routes.route.openshift.io"),
    *(
        f"{plural}.policy.networking.k8s.io"
        for plural in ("adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies")
    ),
    *(f"{plural}.cilium.io" for plural in ("ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies")),
    *(
        f"{plural}.crd.projectcalico.org"
        for plural in ("networkpolicies", "globalnetworkpolicies", "tiers", "profiles", "networksets", "hostendpoints")
    ),
    *("globalnetworksets.crd.projectcalico.org", "authorizationpolicies.security.istio.io"),
    "peerauthentications.security.istio.io",
)
"""Every kind that section 1 names, but for ConfigMaps, which are read one by one (LP-04)."""


def test_reg_net_14_a_live_run_reads_every_kind_of_section_1(tmp_path: Path) -> None:
    one = {"metadata": {"name": "one", "namespace": "default"}}
    served = {key: [one] for key in SECTION_1}
    with FakeApi(served) as api:
        client = api.client(tmp_path)
        found = collect(
            client, now=lambda: datetime.now(UTC), tool_version="0", progress=Silent(), stop=threading.Event()
        )
    # Endpoints are the fallback where EndpointSlices are not there.
    wanted = [key for key in SECTION_1 if key != "endpoints"]
    held = {read.resource: read.outcome for read in found.reads}
    assert {key: (held.get(key), len(list(found.objects(key)))) for key in wanted} == dict.fromkeys(
        wanted, (Outcome.COMPLETE, 1)
    )


def test_reg_net_14_endpoints_are_read_where_slices_are_not_served(tmp_path: Path) -> None:
    with FakeApi({"endpoints": [{"metadata": {"name": "one", "namespace": "default"}}]}) as api:
        client = api.client(tmp_path)
        found = collect(
            client, now=lambda: datetime.now(UTC), tool_version="0", progress=Silent(), stop=threading.Event()
        )
    assert len(list(found.objects("endpoints"))) == 1


def test_reg_net_15_ipv6_is_judged() -> None:
    six = pod("six", ips=("fd00::1",))
    np = policy("np", egress=[{"to": [{"ipBlock": {"cidr": "2001:db8::/32", "except": ["2001:db8:1::/48"]}}]}])
    reach = engine(six, np)
    held = [state(reach, "default/six", to) for to in ("2001:db8::1", "2001:db8:1::1", "2001:db9::1")]
    assert held == [R, B, B]


def test_reg_net_15_each_family_of_a_dual_stack_pod_is_judged_by_its_own_blocks() -> None:
    """NET-42, NET-43: an IPv4 list denies IPv6, and an IPv4 exception leaves IPv6 open."""
    both = pod("both", ips=("10.0.0.1", "fd00::1"))
    hole = {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}
    for blocks_, six in (([hole], B), ([hole, {"cidr": "::/0"}], R)):
        reach = engine(both, policy("np", policyTypes=["Egress"], egress=[{"to": [{"ipBlock": b} for b in blocks_]}]))
        held = [state(reach, "default/both", to) for to in (OUT, "169.254.169.254", "fd00:ec2::254")]
        assert held == [R, B, six]


def test_reg_net_16_except_of_one_rule_hides_no_allow_of_another() -> None:
    first = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}]}
    second = {"to": [{"ipBlock": {"cidr": "169.254.0.0/16"}}], "ports": [{"port": 80}]}
    reach = engine(APP, policy("np", policyTypes=["Egress"], egress=[first, second]))
    assert [state(reach, "default/app", "169.254.169.254", "TCP", n) for n in (80, 81)] == [R, B]


def test_reg_net_17_a_named_port_is_that_of_each_pod_of_a_workload() -> None:
    old = pod("set-0", ips=("10.0.0.1",), owner="set", ports=[port(8080, "http")])
    new = pod("set-1", ips=("10.0.0.2",), owner="set", ports=[port(9090, "http")])
    reach = engine(old, new, policy("np", ingress=[{"ports": [{"port": "http"}]}]))
    held = [
        (name, n, state(reach, OUT, f"default/{name}", "TCP", n)) for name in ("set-0", "set-1") for n in (8080, 9090)
    ]
    assert held == [("set-0", 8080, R), ("set-0", 9090, B), ("set-1", 8080, B), ("set-1", 9090, R)]


def test_reg_net_18_ports_of_sidecars_count_and_those_of_init_containers_do_not() -> None:
    init = [
        {"name": "proxy", "image": "i", "restartPolicy": "Always", "ports": [port(15001, "side")]},
        {"name": "setup", "image": "i", "ports": [port(15002, "side")]},
    ]
    reach = engine(pod("app", ips=("10.0.0.1",), init=init), policy("np", ingress=[{"ports": [{"port": "side"}]}]))
    assert [state(reach, OUT, "default/app", "TCP", n) for n in (15001, 15002)] == [R, B]


def test_reg_net_19_tiers_of_calico_are_asked_in_their_order() -> None:
    """NET-120..123: what each port meets on its way through the tiers."""
    # Port by port: a tier before the default one allows 1, denies 2, passes 3 and 4 and does not know 5; the default
    # tier holds a NetworkPolicy that allows 3, and at order 1001, after it, a policy that would deny 3 and allow 4.
    web, tcp = {"matchLabels": {"app": "web"}}, {"protocol": "TCP"}
    first = [("Allow", 1), ("Deny", 2), ("Pass", 3), ("Pass", 4)]
    objects = (
        _calico("Tier", "late", order=2_000_000),
        _calico("Tier", "early", order=10),
        _calico("GlobalNetworkPolicy", "late.all", tier="late", types=["Ingress"], ingress=[{"action": "Allow"}]),
        _calico(
            "GlobalNetworkPolicy",
            "early.some",
            tier="early",
            types=["Ingress"],
            selector="app == 'web'",
            ingress=[{"action": action, "destination": {"ports": [number]}} | tcp for action, number in first],
        ),
        policy("np", podSelector=web, ingress=[{"ports": [{"port": 3}]}]),
        _calico(
            "GlobalNetworkPolicy",
            "after",
            order=1001,
            types=["Ingress"],
            selector="app == 'web'",
            ingress=[
                {"action": action, "destination": {"ports": [number]}} | tcp
                for action, number in (("Deny", 3), ("Allow", 4))
            ],
        ),
    )
    pods = (pod("web", labels={"app": "web"}, ips=("10.0.0.1",)), pod("other", ips=("10.0.0.2",)))
    reach = engine(*pods, *objects, plugin=profile("calico"))
    assert [state(reach, OUT, "default/web", "TCP", number) for number in range(1, 6)] == [R, B, R, R, B]
    verdict = ask(reach, OUT, "default/web", "TCP", 3)
    assert [decision.policy.name for decision in verdict.ingress.by] == ["np"]
    assert state(reach, OUT, "default/other", "TCP", 2) == R


def _calico(kind: str, name: str, **spec: Any) -> Object:
    return {"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": name}, "spec": spec}


def test_reg_net_21_an_explanation_is_data() -> None:
    """AGG-7: the JSON of an answer has policy, rule, field and value of what decides, not only a text."""
    web, api = factory.pod("web"), factory.pod("api", ip="10.1.0.2", labels={"app": "api"})
    rule = {"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [{"port": 80}]}
    found = context(web, api, factory.policy("api", podSelector={"matchLabels": {"app": "api"}}, ingress=[rule]))
    asked = answer(found, end(found, "shop/web"), end(found, "shop/api"), [("TCP", 80, 81)], "")
    allowed, denied = msgspec.json.decode(msgspec.json.encode(asked))["connections"][0]["segments"]
    (decision,) = allowed["verdict"]["ingress"]["by"]
    assert decision["policy"] | {"kind": "NetworkPolicy", "namespace": "shop", "name": "api"} == decision["policy"]
    assert (decision["rule"], decision["path"], decision["action"]) == (0, ["spec", "ingress", 0, "from", 0], "allow")
    assert [proof["path"] for proof in denied["proof"]] == [["spec", "podSelector"]]
    assert denied["verdict"]["ingress"]["isolating"][0]["name"] == "api"


def test_reg_net_21_a_difference_is_data() -> None:
    """AGG-8: added connections with the policy that changed, and the workload that came, in JSON."""
    web, api = factory.pod("web"), factory.pod("api", ip="10.1.0.2", labels={"app": "api"})
    narrow, wide = (
        factory.policy("api", podSelector={"matchLabels": {"app": "api"}}, ingress=[{"from": [peer]}])
        for peer in ({"podSelector": {"matchLabels": {"app": "none"}}}, {"podSelector": {}})
    )
    old, new = context(web, api, narrow), context(web, api, wide, factory.pod("job", ip="10.1.0.3"))
    found = msgspec.json.decode(msgspec.json.encode(difference(old, new)))
    assert found["workloads_added"] == ["shop/job[Pod]"]
    opened = [c for c in found["changes"] if "NetworkPolicy shop/api changed" in c["causes"]]
    assert {(c["kind"], *c["targets"]) for c in opened} == {("added", "shop/api[Pod]")}
    assert "shop/web[Pod]" in {source for change in opened for source in change["sources"]}


def test_reg_net_22_without_an_enforcing_plugin_nothing_is_blocked() -> None:
    """NET-71 and NET-73; what would block is kept."""
    found = cluster(APP, DENY)
    for enforces, state_, basis in ((Fact.NO, R, Basis.NOT_ENFORCED), (Fact.UNKNOWN, U, Basis.CNI_UNKNOWN)):
        verdict = ask(assemble(found, profile("calico", enforces)), OUT, "default/app")
        assert (verdict.state, verdict.basis) == (state_, (basis,))
        assert [decision.policy.name for decision in verdict.would_block_by] == ["deny"]


def test_reg_net_23_the_empty_rule_is_undefined_for_cilium_and_allows_all_for_kubernetes() -> None:
    """NET-103, NET-06."""
    spec = {"endpointSelector": {}, "ingress": [{}]}
    of_cilium = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "spec": spec}
    of_cilium["metadata"] = {"name": "np", "namespace": "default"}
    verdict = ask(engine(APP, of_cilium, plugin=profile("cilium")), OUT, "default/app")
    assert (verdict.state, verdict.basis, verdict.details) == (U, (Basis.UNDEFINED,), ("cilium_empty_rule",))
    assert state(engine(APP, policy("np", ingress=[{}]), plugin=profile("cilium")), OUT, "default/app") == R


def test_reg_net_24_an_unknown_peer_of_a_pass_rule_denies_everything() -> None:
    """NET-90."""
    rule = {"action": "Pass", "from": [{"serviceAccounts": {}}]}
    reach = engine(
        APP, pod("b", ips=("10.0.0.2",)), _admin("new", "ClusterNetworkPolicy", tier="Admin", ingress=[rule])
    )
    assert state(reach, "default/b", "default/app") == B
    assert [(p.object.name, p.path) for p in reach.problems] == [("new", ("spec", "ingress", 0, "from", 0))]


def test_reg_net_25_of_two_baseline_policies_the_one_named_default_counts() -> None:
    deny, allow = ([{"action": action, "from": [{"namespaces": {}}]}] for action in ("Deny", "Allow"))
    kind = "BaselineAdminNetworkPolicy"
    for made in ((("other", allow), ("default", deny)), (("default", deny), ("other", allow))):
        reach = engine(APP, pod("b", ips=("10.0.0.2",)), *(_admin(name, kind, ingress=rules) for name, rules in made))
        assert (state(reach, "default/b", "default/app"), [p.object.name for p in reach.problems]) == (B, ["other"])
