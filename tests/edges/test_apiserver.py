"""Ways to the API server (EXP-201..203, -215)."""

from typing import Any

import pytest
from factory import (
    Object,
    calico,
    check,
    edge,
    edges,
    named,
    node,
    pod,
    policy,
    scanned,
    service,
    slice_of,
    snapshot,
    states,
    world,
)

from kubeaudit.proof import Confidence, State
from kubeaudit.refs import INTERNET
from kubeaudit.settings import Fact
from kubeaudit.snapshot import Outcome

YES, UNKNOWN, BLOCKED = State.YES, State.UNKNOWN, State.BLOCKED
SLICES = "endpointslices.discovery.k8s.io"


def api(address: str = "10.0.0.10", port: int = 6443) -> Object:
    return slice_of("kubernetes", space="default", port=port, endpoints=[{"addresses": [address]}])


def kubernetes(kind: str = "ClusterIP", **fields: Any) -> Object:
    return service(
        "kubernetes",
        kind,
        "default",
        {"port": 443, "targetPort": 6443, "nodePort": fields.pop("nodePort", 0)},
        selector={},
        **fields,
    )


def info(url: str) -> Object:
    data = {"kubeconfig": f"clusters:\n- cluster:\n    server: {url}\n  name: ''\n"}
    return named("ConfigMap", "v1", "cluster-info", "kube-public", data=data)


@pytest.mark.parametrize(
    ("objects", "header", "wanted", "kind"),
    [
        ([api("203.0.113.10")], {}, YES, "EndpointSlice"),
        ([api()], {"server_url": "https://203.0.113.10:6443"}, YES, "Context"),
        ([api(), info("https://203.0.113.10:6443")], {}, YES, "ConfigMap"),
        ([api()], {"server_url": "https://10.0.0.10:6443"}, UNKNOWN, "EndpointSlice"),
        ([api()], {"server_url": "https://abc.eks.amazonaws.com"}, UNKNOWN, "EndpointSlice"),
        ([api("2001:db8::10")], {}, YES, "EndpointSlice"),
    ],
)
def test_exp_201_public_private_and_names(objects: list[Object], header: Object, wanted: State, kind: str) -> None:
    one = edge(world(snapshot(objects, **header)), "EXP-201")
    assert (one.source, one.state, one.confidence) == (INTERNET, wanted, Confidence.ENV)
    assert one.evidence[0].object.kind == kind and one.assumptions[0].name == "api-server-public"
    assert bool(one.unseen) is (wanted is UNKNOWN)


@pytest.mark.parametrize(("fact", "wanted"), [(Fact.YES, YES), (Fact.NO, BLOCKED), (Fact.UNKNOWN, UNKNOWN)])
def test_exp_201_settled_by_a_fact(fact: Fact, wanted: State) -> None:
    assert states(world([api()], api_server_public=fact), "EXP-201") == {wanted}


def test_exp_201_a_fact_of_no_closes_public_addresses_too() -> None:
    assert states(world([api("203.0.113.10")], api_server_public=Fact.NO), "EXP-201") == {BLOCKED}


def test_exp_201_verdict_of_the_check() -> None:
    name = "exp-apiserver-public-address"
    assert check(scanned([api("203.0.113.10")], name), name).verdict == "fail"
    assert check(scanned([api()], name), name).verdict == "not-evaluated"
    assert check(scanned(snapshot([], {SLICES: Outcome.REFUSED}), name), name).verdict == "not-evaluated"


def front(kind: str, **fields: Any) -> Object:
    return service("front", kind, "shop", {"port": 443, "targetPort": 6443}, selector={}, **fields)


@pytest.mark.parametrize(
    ("objects", "reached"),
    [
        (
            [
                front("LoadBalancer", status=[{"ip": "203.0.113.2"}]),
                slice_of("front", port=6443, endpoints=[{"addresses": ["10.0.0.10"]}]),
            ],
            YES,
        ),
        ([front("LoadBalancer"), slice_of("front", port=6443, endpoints=[{"addresses": ["10.0.0.10"]}])], UNKNOWN),
        ([front("ClusterIP"), slice_of("front", port=6443, endpoints=[{"addresses": ["10.0.0.10"]}])], None),
        ([front("ExternalName", externalName="kubernetes.default.svc.cluster.local.")], None),
    ],
)
def test_exp_202_services_that_lead_to_the_api_server(objects: list[Object], reached: State | None) -> None:
    found = world([api(), kubernetes(), *objects])
    one = edge(found, "EXP-202")
    assert one.source.name.startswith("front:443@") and one.state is YES
    assert found.searches["internet"].state(one.source) is reached


def test_exp_202_an_ingress_to_it() -> None:
    backend = {"service": {"name": "kubernetes", "port": {"number": 443}}}
    item = named("Ingress", "networking.k8s.io/v1", "api", "default", spec={"defaultBackend": backend})
    found = world([api(), kubernetes(), item])
    assert found.searches["internet"].state(edge(found, "EXP-203", source="@ingress-controller").source) is UNKNOWN


def test_exp_202_other_ports_and_addresses_are_no_front() -> None:
    for port, address in ((443, "10.0.0.10"), (6443, "10.0.0.11")):
        found = world(
            [api(), front("LoadBalancer"), slice_of("front", port=port, endpoints=[{"addresses": [address]}])]
        )
        assert not edges(found, "EXP-202")


@pytest.mark.parametrize(
    ("item", "verdict"),
    [
        (kubernetes(), "pass"),
        (kubernetes("LoadBalancer", status=[{"ip": "203.0.113.2"}]), "fail"),
        (kubernetes("NodePort"), "fail"),
        (kubernetes(externalIPs=["203.0.113.4"]), "fail"),
    ],
)
def test_exp_203_default_kubernetes_opened_up(item: Object, verdict: str) -> None:
    result = scanned([api(), item, node()], "exp-apiserver-fronted")
    assert check(result, "exp-apiserver-fronted").verdict == verdict


def test_exp_215_egress_is_judged_after_translation() -> None:
    to_cluster_ip = policy("egress", policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": "10.96.0.1/32"}}]}])
    to_endpoint = policy("egress", policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.10/32"}}]}])
    base = [calico(), api(), pod()]
    assert states(world(base), "EXP-215", source="shop") == {YES}
    assert states(world([*base, to_cluster_ip]), "EXP-215", source="shop") == {BLOCKED}
    assert states(world([*base, to_endpoint]), "EXP-215", source="shop") == {YES}


def test_exp_215_one_reachable_address_is_enough_and_is_the_one_shown() -> None:
    two = slice_of(
        "kubernetes", space="default", port=6443, endpoints=[{"addresses": ["10.0.0.10"]}, {"addresses": ["10.0.0.11"]}]
    )
    only = policy("egress", policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.11/32"}}]}])
    one = edge(world([calico(), two, pod(), only]), "EXP-215", source="shop")
    assert one.state is YES and one.evidence[0].value == '"10.0.0.11"'


def test_exp_215_unread_address_is_unknown_only_behind_a_policy() -> None:
    closed = policy("egress", policyTypes=["Egress"])
    reads: dict[str | tuple[str, str], Outcome] = {SLICES: Outcome.REFUSED}
    assert states(world(snapshot([calico(), pod()], reads)), "EXP-215", source="shop") == {YES}
    one = edge(world(snapshot([calico(), pod(), closed], reads)), "EXP-215", source="shop")
    assert one.state is UNKNOWN and one.unseen[0].resource == SLICES


@pytest.mark.parametrize("url", ["https://a:b", "https://[::1", "https://1.2.3.4:99999", "", "nonsense"])
def test_exp_201_addresses_that_are_none_do_not_end_the_run(url: str) -> None:
    found = world(snapshot([api(port=99999), info(url), pod()], server_url=url))
    assert states(found, "EXP-201") == {UNKNOWN} and states(found, "EXP-215") == {YES}
