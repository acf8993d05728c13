"""Who may connect to load balancers, node ports, external IPs, host ports and the host network (EXP-101..108)."""

from typing import Any

import pytest
from factory import Object, deployment, edge, edges, files, node, pod, service, snapshot, states, world

from kubeaudit.proof import Confidence, State
from kubeaudit.refs import INTERNET, PRIVATE_NETWORK, VertexKind
from kubeaudit.settings import Fact
from kubeaudit.snapshot import Outcome

YES, UNKNOWN, BLOCKED = State.YES, State.UNKNOWN, State.BLOCKED
PUBLIC = [{"ip": "203.0.113.1"}]
LB = "LoadBalancer"


def balancer(**fields: Any) -> Object:
    return service(kind=LB, allocateLoadBalancerNodePorts=False, **fields)


def test_exp_101_public_load_balancer() -> None:
    found = edge(world([balancer(status=PUBLIC)]), "EXP-101")
    assert (found.source, found.state, found.confidence) == (INTERNET, YES, Confidence.OBJ)
    assert found.target.name == "LoadBalancer/web/80" and "203.0.113.1" in found.sentence and found.fix


def test_exp_101_without_status_is_unknown_and_says_why() -> None:
    found = edge(world([balancer()]), "EXP-101")
    assert found.state is UNKNOWN and found.unseen[0].detail


@pytest.mark.parametrize("ranges", [["203.0.113.0/24"], ["198.51.100.0/24", "203.0.113.0/24"]])
def test_exp_102_source_ranges_make_an_external_cidr(ranges: list[str]) -> None:
    found = edge(world([balancer(status=PUBLIC, loadBalancerSourceRanges=ranges)]), "EXP-102")
    assert found.source.kind is VertexKind.EXTERNAL_CIDR and found.source.name == ",".join(ranges)
    assert found.confidence is Confidence.ENV and [a.name for a in found.assumptions] == ["source-ranges-enforced"]
    assert any(item.path == ("spec", "loadBalancerSourceRanges") for item in found.evidence)


def test_exp_102_whole_ranges_are_no_limit() -> None:
    assert edges(world([balancer(status=PUBLIC, loadBalancerSourceRanges=["0.0.0.0/0"])]), "EXP-101")


def test_exp_102_ranges_of_the_private_network_are_no_way_in_from_the_internet() -> None:
    found = world(
        [balancer(status=PUBLIC, loadBalancerSourceRanges=["10.0.0.0/8"]), deployment(), pod(owner=deployment())]
    )
    entry = edge(found, "EXP-102").target
    assert found.searches["internet"].state(entry) is None
    assert found.private.state(entry) is YES
    wider = world([balancer(status=PUBLIC, loadBalancerSourceRanges=["10.0.0.0/8", "203.0.113.0/24"])])
    assert wider.searches["internet"].state(entry) is YES


def test_exp_103_internal_load_balancer() -> None:
    found = edge(world([balancer(status=[{"ip": "10.0.0.9"}])]), "EXP-103")
    assert (found.source, found.state, found.confidence) == (PRIVATE_NETWORK, YES, Confidence.OBJ)


def test_exp_r17_not_every_entry_is_the_internet() -> None:
    annotation = {"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}
    nodes = [node("n1", "aws:///a/i-1")]
    assert {
        e.row for e in edges(world([*nodes, balancer(annotations=annotation)]), source="", target="entry-point")
    } == {"EXP-103"}
    limited = balancer(status=PUBLIC, loadBalancerSourceRanges=["203.0.113.0/24"])
    assert {e.row for e in edges(world([*nodes, limited]), target="entry-point")} == {"EXP-102"}
    assert {e.row for e in edges(world([*nodes, balancer(status=[{"ip": "10.0.0.9"}])]), target="entry-point")} == {
        "EXP-103"
    }
    assert {e.row for e in edges(world([*nodes, service(kind="NodePort")]), target="entry-point")} == {"EXP-105"}


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"kind": "NodePort"}, True),
        ({"kind": LB}, True),
        ({"kind": LB, "allocateLoadBalancerNodePorts": False}, False),
        ({"kind": LB, "allocateLoadBalancerNodePorts": False, "port": {"port": 80, "nodePort": 30080}}, True),
        ({"kind": "ClusterIP"}, False),
    ],
)
def test_exp_104_which_services_have_node_ports(fields: dict[str, Any], wanted: bool) -> None:
    found = edges(world([node("n1", "", "203.0.113.7"), service(**fields)]), "EXP-104")
    assert bool(found) is wanted
    for one in found:
        assert (
            one.source == INTERNET
            and one.assumptions[0].name == "cloud-firewall-open"
            and one.confidence is Confidence.ENV
        )
        assert one.evidence[-1].object.name == "n1" and one.evidence[-1].value == '"203.0.113.7"'


def test_exp_104_the_firewall_is_a_fact() -> None:
    objects = [node("n1", "", "203.0.113.7"), service(kind="NodePort")]
    assert states(world(objects, cloud_firewall_open=Fact.YES), "EXP-104") == {YES}
    closed = world(objects, cloud_firewall_open=Fact.NO)
    assert states(closed, "EXP-104") == {BLOCKED}
    assert states(closed, "EXP-105") == {YES}, "the private network is not behind that firewall"


def test_exp_105_private_nodes_and_unread_nodes() -> None:
    found = world([node(), service(kind="NodePort")])
    assert edge(found, "EXP-105").source == PRIVATE_NETWORK and not edges(found, "EXP-104")
    unread = edge(world(snapshot([node(), service(kind="NodePort")], {"nodes": Outcome.REFUSED})), "EXP-104")
    assert unread.state is UNKNOWN and unread.unseen[0].resource == "nodes" and unread.unseen[0].reason == "forbidden"


def test_exp_106_external_ips_by_the_class_of_the_address() -> None:
    objects = [service(externalIPs=["203.0.113.4", "10.0.0.4"]), deployment(), pod(owner=deployment())]
    found = world(objects)
    sources = {one.source: one for one in edges(found, "EXP-106")}
    assert set(sources) == {INTERNET, PRIVATE_NETWORK}
    assert (
        sources[INTERNET].evidence[0].path == ("spec", "externalIPs", 0)
        and sources[INTERNET].confidence is Confidence.ENV
    )


CONTAINER = {"name": "web", "image": "x", "ports": [{"containerPort": 80, "hostPort": 8081}]}


def on_nodes(**fields: Any) -> list[Object]:
    return [node("n1", "", "10.0.0.1", "203.0.113.7"), pod(**fields)]


def test_exp_107_host_port_on_a_public_node() -> None:
    found = world(on_nodes(containers=[CONTAINER]))
    entry, behind = edges(found, "EXP-107")
    assert entry.source == INTERNET and entry.target.name == "HostPort/Pod.web-1/8081"
    assert behind.source == entry.target and behind.target.key == "workload/shop/Pod/web-1.net" and behind.state is YES
    assert found.searches["internet"].state(behind.target) is YES


@pytest.mark.parametrize(
    ("address", "source"),
    [("", INTERNET), ("0.0.0.0", INTERNET), ("::", INTERNET), ("203.0.113.7", INTERNET), ("10.0.0.1", PRIVATE_NETWORK)],
)
def test_exp_107_host_ip_decides_which_address_answers(address: str, source: object) -> None:
    bound = {**CONTAINER, "ports": [{"containerPort": 80, "hostPort": 8081, "hostIP": address}]}
    assert edges(world(on_nodes(containers=[bound])), "EXP-107", target="entry-point")[0].source == source


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.53", "::1"])
def test_exp_107_loopback_is_no_entry(address: str) -> None:
    bound = {**CONTAINER, "ports": [{"containerPort": 80, "hostPort": 8081, "hostIP": address}]}
    assert not edges(world(on_nodes(containers=[bound])), "EXP-107")


def test_exp_107_sidecars_count_and_init_containers_do_not() -> None:
    plain = {"name": "web", "image": "x"}
    sidecar = world(on_nodes(containers=[plain], initContainers=[{**CONTAINER, "restartPolicy": "Always"}]))
    assert edges(sidecar, "EXP-107")[0].evidence[0].path == ("spec", "initContainers", 0, "ports", 0, "hostPort")
    assert not edges(world(on_nodes(containers=[plain], initContainers=[CONTAINER])), "EXP-107")


def test_exp_107_only_the_nodes_it_runs_on_count() -> None:
    nodes = [node("n1"), node("n2", "", "203.0.113.8")]
    assert (
        edges(world([*nodes, pod(containers=[CONTAINER])]), "EXP-107", target="entry-point")[0].source
        == PRIVATE_NETWORK
    )
    assert (
        edges(world([*nodes, pod(containers=[CONTAINER], place="n2")]), "EXP-107", target="entry-point")[0].source
        == INTERNET
    )


def test_exp_108_host_network_listens_on_the_node() -> None:
    found = edge(world(on_nodes(hostNetwork=True, containers=[CONTAINER])), "EXP-108")
    assert found.source == INTERNET and found.target.key == "workload/shop/Pod/web-1.net"
    assert {a.name for a in found.assumptions} == {
        "cloud-firewall-open",
        "listening-ports",
    } and "(80)" in found.sentence
    silent = edge(world(on_nodes(hostNetwork=True, containers=[{"name": "x"}])), "EXP-108")
    assert "any port it listens on" in silent.sentence


@pytest.mark.parametrize("number", [0, 65536, 99999])
@pytest.mark.parametrize("protocol", ["TCP", "tcp", ""])
def test_ports_no_api_server_takes_do_not_end_the_run(number: int, protocol: str) -> None:
    bad = {"name": "web", "ports": [{"containerPort": number, "hostPort": 80, "protocol": protocol, "name": "http"}]}
    broken = service("broken", LB, port={"port": 80, "targetPort": "http", "protocol": "TCP"})
    found = world(
        files(
            [
                deployment(containers=[bad]),
                broken,
                service("other", LB, port={"port": 80, "targetPort": number, "protocol": protocol}),
            ]
        )
    )
    assert not edges(found, "EXP-107")
    assert [item.object.name for item in found.cluster.bad if item.object] == ["other"]
    assert states(found, "EXP-101", target="workload/shop/Deployment/web") == {UNKNOWN}, "what it exposes is not known"
