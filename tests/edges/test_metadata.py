"""Cloud metadata: the table, providers, and who may call what (EXP-301..314, MD-01..25)."""

import ipaddress
import json
from typing import Any

import pytest
from factory import (
    Object,
    calico,
    check,
    deny_egress,
    deployment,
    edge,
    edges,
    named,
    node,
    pod,
    policy,
    scanned,
    snapshot,
    states,
    world,
)
from msgspec import convert

from kubeaudit.edges.tables import MetadataAddress, metadata
from kubeaudit.model.nodes import WITHOUT_METADATA, facts
from kubeaudit.model.objects.core import Node
from kubeaudit.proof import Confidence, State
from kubeaudit.settings import Fact, Settings
from kubeaudit.snapshot import Outcome

YES, UNKNOWN, BLOCKED = State.YES, State.UNKNOWN, State.BLOCKED
AWS, GCE, AZURE = "aws:///eu/i-1", "gce://p/z/n1", "azure:///subscriptions/s/vm"
V4, META = "169.254.169.254", "metadata//"

TABLE = [
    ("MD-01", "aws", [V4, "fd00:ec2::254"], "S", "NU"),
    ("MD-02", "aws", [V4, "fd00:ec2::254"], "H", "NU"),
    ("MD-03", "aws", ["169.254.170.2"], "S", "P"),
    ("MD-04", "aws", ["169.254.170.23", "fd00:ec2::23"], "H", "P"),
    ("MD-05", "gce", [V4, "fd20:ce::254"], "H", "NU"),
    ("MD-06", "gce", [V4], "H", "P"),
    ("MD-07", "azure", [V4], "H", "NU"),
    ("MD-08", "azure", ["168.63.129.16", "168.63.129.16:32526"], "H", "U"),
    ("MD-09", "alibaba", ["100.100.100.200"], "S", "NU"),
    ("MD-10", "oci", [V4, "fd00:c1::a9fe:a9fe"], "S", "NU"),
    ("MD-11", "digitalocean", [V4], "S", "U"),
    ("MD-12", "openstack", [V4], "S", "U"),
    ("MD-13", "ibm", [V4, f"{V4}:443"], "H", "NU"),
    ("MD-14", "hetzner", [V4], "S", "U"),
    ("MD-15", "tencent", ["169.254.0.23"], "S", "NU"),
    ("MD-16", "huawei", [V4], "S", "NU"),
    ("MD-17", "linode", [V4, "fd00:a9fe:a9fe::1"], "H", "U"),
    ("MD-18", "vultr", [V4], "S", "U"),
    ("MD-19", "scaleway", ["169.254.42.42", "fd00:42::42"], "S", "U"),
    ("MD-20", "exoscale", [V4], "S", "U"),
    ("MD-20", "upcloud", [V4], "S", "U"),
    ("MD-22", "volcengine", ["100.96.0.96"], "S", "NU"),
    ("MD-23", "yandex", [V4], "H", "NU"),
]
NOT_TESTED = {
    "MD-21": "CloudStack answers on the DHCP router's address, which no object shows: its nodes have no known cloud",
    "MD-24": "Equinix Metal answers on a public name over TLS: only rules on names matter, and none are evaluated",
    "MD-25": "Oracle Cloud Classic is told by no providerID and its address is not confirmed",
}


def test_exp_301_the_table_row_by_row() -> None:
    def shown(address: MetadataAddress) -> str:
        return address.ip + (f":{address.port}" if address.port != 80 else "")

    found = [(row.id, row.provider, [shown(a) for a in row.addresses], row.grade, row.gives) for row in metadata()]
    assert found == TABLE


def test_exp_301_every_row_is_there_or_says_why_not() -> None:
    assert {row.id for row in metadata()} | set(NOT_TESTED) == {f"MD-{number:02}" for number in range(1, 26)}


def test_exp_304_what_is_never_flagged() -> None:
    harmless = {"169.254.20.10", "169.254.25.10", "169.254.169.253", "169.254.169.123", "169.254.1.1"}
    flagged = [row for row in metadata() if set(row.gives) & {"N", "U"}]
    addresses = [address for row in flagged for address in row.addresses]
    assert not harmless & {address.ip for address in addresses}
    assert not any(address.port == 53 for address in addresses)
    assert "169.254.170.23" not in {address.ip for address in addresses}, "needed by applications (MD-04)"
    assert not any(
        ipaddress.ip_address(address.ip) in ipaddress.ip_network("fe80::/10")
        for address in addresses
        if ":" in address.ip
    )


@pytest.mark.parametrize(
    ("identity", "provider"),
    [
        (AWS, "aws"),
        (GCE, "gce"),
        (AZURE, "azure"),
        ("ocid1.instance.oc1", "oci"),
        ("oci://ocid1", "oci"),
        ("digitalocean://1", "digitalocean"),
        ("hcloud://1", "hetzner"),
        ("openstack:///u", "openstack"),
        ("ibm://a", "ibm"),
        ("linode://1", "linode"),
        ("vultr://1", "vultr"),
        ("scaleway://i", "scaleway"),
        ("qcloud:///1", "tencent"),
        ("cn-hangzhou.i-bp1abc", "alibaba"),
        ("yandex://a", "yandex"),
        ("kind://docker/kind/n", "kind"),
        ("k3s://n", ""),
        ("vsphere://a", "vsphere"),
        ("kubevirt://a", "kubevirt"),
        ("", ""),
        ("cloudstack:///a", ""),
        ("i-0abc", ""),
    ],
)
def test_exp_302_provider_of_every_form(identity: str, provider: str) -> None:
    found = facts(convert(node("n1", identity), Node))
    assert (found.pool.provider, found.provider_field) == (provider, ("spec", "providerID"))


@pytest.mark.parametrize(
    ("label", "provider"),
    [
        ("eks.amazonaws.com/nodegroup", "aws"),
        ("cloud.google.com/gke-nodepool", "gce"),
        ("kubernetes.azure.com/agentpool", "azure"),
    ],
)
def test_exp_302_labels_where_the_provider_id_is_empty(label: str, provider: str) -> None:
    found = facts(convert(named("Node", "v1", "n1", "", metadata={"labels": {label: "a"}}), Node))
    assert found.pool.provider == provider and found.pool.name == "a"
    assert found.provider_field == ("metadata", "labels", label)


@pytest.mark.parametrize("identity", ["kind://docker/kind/n", "vsphere://a", "kubevirt://a"])
def test_exp_302_no_metadata_service_no_verdict(identity: str) -> None:
    objects = [node("n1", identity), pod()]
    assert not edges(world(objects), target="metadata")
    assert check(scanned(objects, "meta-pod-egress"), "meta-pod-egress").verdict == "not-applicable"
    assert {facts(convert(objects[0], Node)).pool.provider} <= WITHOUT_METADATA


@pytest.mark.parametrize(
    ("objects", "reads"),
    [
        ([pod()], {}),
        ([node("n1", "cloudstack:///a"), pod()], {}),
        ([node("n2", "kind://n2"), pod()], {"nodes": Outcome.PARTIAL}),
        ([node("n2", "kind://n2"), pod(place="")], {"nodes": Outcome.PARTIAL}),
        ([node("n1", "kind://n1"), pod()], {"nodes": Outcome.REFUSED}),
    ],
)
def test_exp_302_unknown_providers_are_generic_and_unknown(
    objects: list[Object], reads: dict[str | tuple[str, str], Outcome]
) -> None:
    found = edges(world(snapshot(objects, reads)), "EXP-311")
    assert {one.state for one in found} == {UNKNOWN} and "generic/" in found[0].target.name
    assert all(one.unseen for one in found)


def test_exp_303_a_class_that_may_run_on_several_pools_gets_the_worst() -> None:
    pools = [node("n1", "kind://n1"), node("n2", "hcloud://1", "10.0.0.2", hetzner__pool="a")]
    unplaced = {one.target.name for one in edges(world([*pools, deployment()]), "EXP-311")}
    assert unplaced == {f"MD-14/{V4}:80@hetzner/nodes"}
    assert not edges(world([*pools, pod(place="n1")]), "EXP-311")
    assert edges(world([*pools, pod(place="n2")]), "EXP-311")
    both = [
        *pools,
        pod("web-1", deployment(), place="n1"),
        pod("web-2", deployment(), ip="10.1.0.2", place="n2"),
        deployment(),
    ]
    assert check(scanned(both, "meta-pod-egress"), "meta-pod-egress").counts.failed == 1


def test_exp_305_each_family_is_judged_alone() -> None:
    dual = pod(ips=["10.1.0.1", "fd01::1"])
    closed = [calico(), node("n1", "scaleway://i"), deny_egress(f"{V4}/32", "169.254.42.42/32")]
    assert states(world([*closed, pod()]), "EXP-311", target="169.254.42.42") == {BLOCKED}
    assert not edges(world([*closed, pod()]), "EXP-311", target="fd00:42"), "pods without IPv6 do not reach it"
    found = world([*closed, dual])
    assert states(found, "EXP-311", target="169.254.42.42") == {BLOCKED}
    assert states(found, "EXP-311", target="fd00:42::42") == {BLOCKED}, "an IPv4 allow list isolates IPv6 too"
    open_v6 = policy("v6", policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": "::/0"}}]}])
    assert states(world([*closed, open_v6, dual]), "EXP-311", target="fd00:42::42") == {YES}


HCLOUD = node("n1", "hcloud://1")


@pytest.mark.parametrize(
    ("plugin", "settings", "wanted"),
    [
        ([calico()], {}, BLOCKED),
        ([], {}, UNKNOWN),
        ([], {"cni_enforces": Fact.YES}, BLOCKED),
        ([], {"cni_enforces": Fact.NO}, YES),
        (
            [
                named(
                    "DaemonSet",
                    "apps/v1",
                    "kube-flannel-ds",
                    "kube-flannel",
                    spec={"template": {"spec": {"containers": []}}},
                )
            ],
            {},
            YES,
        ),
    ],
)
def test_exp_309_a_policy_blocks_only_where_something_enforces(
    plugin: list[Object], settings: Object, wanted: State
) -> None:
    found = world([*plugin, HCLOUD, pod(), deny_egress(f"{V4}/32")], **settings)
    one = edge(found, "EXP-311", source="workload/shop")
    assert one.state is wanted and bool(one.unseen) is (wanted is UNKNOWN)


def test_exp_311_without_a_policy_its_absence_is_the_proof() -> None:
    one = edge(world([HCLOUD, pod()]), "EXP-311")
    assert one.state is YES and one.confidence is Confidence.OBJ
    assert [item.object.kind for item in one.evidence] == ["NetworkPolicy", "Node"] and one.evidence[0].note


def test_exp_311_unread_policies_are_unknown() -> None:
    found = world(snapshot([HCLOUD, pod()], {"networkpolicies.networking.k8s.io": Outcome.REFUSED}))
    one = edge(found, "EXP-311")
    assert one.state is UNKNOWN and one.unseen[0].resource == "networkpolicies.networking.k8s.io"


def test_exp_312_forged_requests_call_what_needs_no_header() -> None:
    assert states(world([HCLOUD, pod()]), "EXP-312") == {YES}
    assert not edges(world([node("n1", GCE), pod()]), "EXP-312")
    with_headers = edge(world([node("n1", GCE), pod()], ssrf_headers=Fact.YES), "EXP-312")
    assert with_headers.effort == 3 and with_headers.source.facet == "ssrf"


def ec2(**options: Any) -> list[Object]:
    labels = {"karpenter_k8s_aws__ec2nodeclass": "main", "karpenter_sh__nodepool": "a"}
    made = named(
        "EC2NodeClass", "karpenter.k8s.aws/v1", "main", "", spec={"metadataOptions": options} if options else {}
    )
    return [node("n1", AWS, **labels), made]


@pytest.mark.parametrize(
    ("options", "v1", "v2"),
    [
        ({}, BLOCKED, BLOCKED),
        ({"httpTokens": "optional"}, YES, BLOCKED),
        ({"httpPutResponseHopLimit": 2}, BLOCKED, YES),
        ({"httpTokens": "optional", "httpPutResponseHopLimit": 2}, YES, YES),
        ({"httpEndpoint": "disabled", "httpTokens": "optional", "httpPutResponseHopLimit": 64}, BLOCKED, BLOCKED),
    ],
)
def test_md_01_02_karpenter_shows_the_metadata_options(options: dict[str, Any], v1: State, v2: State) -> None:
    found = world([*ec2(**options), pod()])
    assert states(found, "EXP-311", target="MD-01") == {v1}
    assert states(found, "EXP-311", target="MD-02") == {v2}
    one = edge(found, "EXP-311", target="MD-02")
    assert one.evidence[-1].object.kind == "EC2NodeClass" and one.evidence[-1].path[:2] == ("spec", "metadataOptions")


def test_md_02_karpenter_ipv6_is_off_unless_turned_on() -> None:
    dual = pod(ips=["10.1.0.1", "fd01::1"])
    off = world([*ec2(httpPutResponseHopLimit=2), dual])
    assert states(off, "EXP-311", target="fd00:ec2::254") == {BLOCKED}
    on = world([*ec2(httpPutResponseHopLimit=2, httpProtocolIPv6="enabled"), dual])
    assert states(on, "EXP-311", target="MD-02/[fd00:ec2::254]") == {YES}


def test_md_02_unread_node_classes_are_unknown() -> None:
    found = world(snapshot([*ec2(), pod()], {"ec2nodeclasses.karpenter.k8s.aws": Outcome.REFUSED}))
    assert states(found, "EXP-311") == {UNKNOWN}


@pytest.mark.parametrize(("fact", "wanted"), [(Fact.UNKNOWN, UNKNOWN), (Fact.YES, YES), (Fact.NO, BLOCKED)])
def test_exp_311_the_hop_limit_is_a_fact(fact: Fact, wanted: State) -> None:
    found = world([node("n1", AWS), pod()], imds_hop_limit=fact)
    assert states(found, "EXP-311", target="MD-02") == {wanted}
    one = edge(found, "EXP-311", target="MD-02")
    assert [a.name for a in one.assumptions] == ([] if fact is Fact.UNKNOWN else ["imds-hop-limit"])
    assert ("imds-hop-limit" in one.unseen[0].detail) if fact is Fact.UNKNOWN else not one.unseen


@pytest.mark.parametrize(("fact", "wanted"), [(Fact.UNKNOWN, UNKNOWN), (Fact.YES, YES), (Fact.NO, BLOCKED)])
def test_md_01_the_hop_limit_does_not_settle_imds_v1(fact: Fact, wanted: State) -> None:
    found = world([node("n1", AWS), pod()], imds_hop_limit=Fact.NO, imds_v1=fact)
    assert states(found, "EXP-311", target="MD-01") == {wanted}


def test_exp_302_k3s_hides_the_cloud_it_runs_in() -> None:
    assert states(world([node("n1", "k3s://n"), pod()]), "EXP-311") == {UNKNOWN}


def test_exp_r31_the_verdict_is_that_of_the_pod_not_of_the_node() -> None:
    objects = [node("n1", AWS), pod(), pod("host", hostNetwork=True, ip="10.0.0.1")]
    found = world(objects)
    assert states(found, "EXP-311", source="Pod/web-1", target="MD-02") == {UNKNOWN}
    assert states(found, "EXP-313", source="Pod/host", target="MD-02") == {YES}


def test_exp_313_policies_do_not_stop_the_host_network() -> None:
    found = world([calico(), HCLOUD, pod(hostNetwork=True, ip="10.0.0.1"), deny_egress(f"{V4}/32")])
    one = edge(found, "EXP-313", source="shop/Pod/web-1.ctl")
    assert (
        one.state is YES and one.evidence[0].path == ("spec", "hostNetwork") and one.fix.endswith("hostNetwork false")
    )


def _gke() -> Object:
    item = node("n1", GCE)
    item["metadata"]["labels"]["iam.gke.io/gke-metadata-server-enabled"] = "true"
    return item


def test_md_06_gke_metadata_server_stands_before_the_node_identity() -> None:
    found = world([_gke(), pod(), pod("host", hostNetwork=True, ip="10.0.0.1")])
    one = edge(found, "EXP-311", source="Pod/web-1")
    assert one.state is BLOCKED and one.evidence[-1].path[-1] == "iam.gke.io/gke-metadata-server-enabled"
    assert states(found, "EXP-313", source="Pod/host.ctl") == {YES}
    plain = node("n2", GCE, "10.0.0.2")
    assert states(world([_gke(), plain, pod(place="n2")]), "EXP-311") == {YES}, "one node of the pool lacks the label"
    assert not edges(found, target="MD-06"), "identities of ServiceAccounts are no leak (EXP-316)"


def test_exp_r36_and_307_a_policy_on_the_address_alone_is_unknown_on_gke() -> None:
    exact, wide = deny_egress(f"{V4}/32"), deny_egress("169.254.0.0/16")
    found = edge(world([calico(), node("n1", GCE), pod(), exact]), "EXP-311", source="shop")
    assert found.state is UNKNOWN and "rewrite" in found.unseen[0].detail
    assert states(world([calico(), node("n1", GCE), pod(), wide]), "EXP-311", source="shop") == {BLOCKED}
    labelled = world([calico(), _gke(), pod(hostNetwork=True, ip="10.0.0.1"), exact])
    assert states(labelled, "EXP-313", source="shop/Pod/web-1.ctl") == {YES}


def test_exp_307_calico_on_the_aws_plugin_is_unknown() -> None:
    aws_node = named(
        "DaemonSet",
        "apps/v1",
        "aws-node",
        "kube-system",
        spec={"template": {"spec": {"containers": [{"name": "aws-node"}]}}},
    )
    objects = [calico(), *ec2(httpPutResponseHopLimit=2), pod(), deny_egress(f"{V4}/32")]
    assert states(world(objects), "EXP-311", source="shop", target="MD-02") == {BLOCKED}
    assert states(world([*objects, aws_node]), "EXP-311", source="shop", target="MD-02") == {UNKNOWN}


def test_net_148_where_daemonsets_were_not_read_the_aws_plugin_may_be_there() -> None:
    objects = [*ec2(httpPutResponseHopLimit=2), pod(), deny_egress(f"{V4}/32")]
    settings = Settings(cni_profile="calico")
    one = edge(
        world(snapshot(objects, {"daemonsets.apps": Outcome.REFUSED}), settings), "EXP-311", "shop", f"MD-02/{V4}"
    )
    assert (one.state, one.unseen[0].resource) == (UNKNOWN, "daemonsets.apps")
    assert states(world(objects, settings), "EXP-311", source="shop", target=f"MD-02/{V4}") == {BLOCKED}
    elsewhere = snapshot([HCLOUD, *objects[2:]], {"daemonsets.apps": Outcome.REFUSED})
    assert states(world(elsewhere, settings), "EXP-311", source="shop") == {BLOCKED}


def daemon(name: str, image: str, *words: str, space: str = "kube-system", **fields: Any) -> Object:
    """A DaemonSet on the host network."""
    containers = [{"name": name, "image": image, "args": list(words)}]
    template = {"spec": {"containers": containers, "hostNetwork": True, **fields}}
    return named("DaemonSet", "apps/v1", name, space, spec={"template": template})


def kiam(*words: str, place: str = "n1") -> list[Object]:
    """kiam's agent with a pod on a node."""
    owner = daemon("kiam", "quay.io/uswitch/kiam:v3.6", *words)
    containers = owner["spec"]["template"]["spec"]["containers"]
    running = pod("kiam-1", owner, "10.0.0.1", place, "kube-system", containers=containers, hostNetwork=True)
    return [owner, running]


RETURN = named(
    "FelixConfiguration", "crd.projectcalico.org/v1", "default", "", spec={"defaultEndpointToHostAction": "Return"}
)


@pytest.mark.parametrize(
    ("agent", "without_service", "without_node"),
    [
        (kiam("agent", "--iptables"), UNKNOWN, BLOCKED),
        (kiam("agent", "--iptables", "--port=8282"), UNKNOWN, UNKNOWN),
        (kiam("agent"), UNKNOWN, UNKNOWN),
        (kiam("server", "--iptables"), BLOCKED, UNKNOWN),
        (kiam("agent", "--iptables", place="n2"), BLOCKED, UNKNOWN),
        ([daemon("kiam", "quay.io/uswitch/kiam:v3.6", "agent", "--iptables")], UNKNOWN, UNKNOWN),
    ],
)
def test_net_153_kiam_puts_the_node_in_place_of_the_service(
    agent: list[Object], without_service: State, without_node: State
) -> None:
    """Policies judge port 8181 of the node, or both addresses where it may not be rewritten."""
    nodes = [node("n1", AWS), node("n2", "hcloud://2", "10.0.0.2")]
    for networks, wanted in (((f"{V4}/32",), without_service), ((f"{V4}/32", "10.0.0.1/32"), BLOCKED)):
        found = world([calico(), RETURN, *nodes, *agent, pod(), deny_egress(*networks)])
        assert states(found, "EXP-311", source="shop", target="MD-02") == {wanted}
    ports = [{"port": 80}, {"port": 8282}]
    to_service = policy("egress", policyTypes=["Egress"], egress=[{"ports": ports}])
    found = world([calico(), RETURN, *nodes, *agent, pod(), to_service])
    assert states(found, "EXP-311", source="shop", target="MD-02") == {without_node}


def test_net_153_what_a_proxy_hands_out_is_unknown() -> None:
    one = edge(world([node("n1", AWS), *kiam("agent", "--iptables"), pod()]), "EXP-311", "shop", f"MD-02/{V4}")
    assert one.state is UNKNOWN and one.unseen[0].detail.startswith("kiam answers")
    assert one.evidence[-1].path[-1] == "image"
    azure = [node("n1", AZURE), daemon("nmi", "mcr.microsoft.com/oss/azure/aad-pod-identity/nmi:v1.8.17"), pod()]
    assert states(world(azure), "EXP-311", source="shop", target="MD-07") == {UNKNOWN}
    assert states(world([node("n1", AWS), *azure[1:]], imds_hop_limit=Fact.YES), "EXP-311", "shop", "MD-02") == {YES}


@pytest.mark.parametrize(
    ("plugin", "wanted"),
    [
        (daemon("ovnkube-node", "ovn", space="openshift-ovn-kubernetes"), BLOCKED),
        (daemon("sdn", "sdn", space="openshift-sdn"), BLOCKED),
        (daemon("ovnkube-node", "ovn", space="ovn-kubernetes"), YES),
    ],
)
def test_net_154_and_exp_308_openshift_keeps_pods_from_it(plugin: Object, wanted: State) -> None:
    found = world([plugin, HCLOUD, pod(), pod("host", hostNetwork=True, ip="10.0.0.1")])
    one = edge(found, "EXP-311", source="shop")
    assert one.state is wanted and one.confidence is (Confidence.ENV if wanted is BLOCKED else Confidence.OBJ)
    assert states(found, "EXP-313", source="Pod/host.ctl") == {YES}
    assert states(world([plugin, node("n1", "scaleway://i"), pod()]), "EXP-311", source="shop") == {YES}


@pytest.mark.parametrize(
    ("plugins", "wanted"),
    [
        ([daemon("cilium", "quay.io/cilium/cilium:v1.16.0")], BLOCKED),
        ([daemon("anetd", "gke.gcr.io/cilium/cilium:v1.14.7")], UNKNOWN),
    ],
)
def test_net_152_only_cilium_of_gke_itself_rewrites(plugins: list[Object], wanted: State) -> None:
    found = world([*plugins, node("n1", GCE), pod(), deny_egress(f"{V4}/32")])
    assert states(found, "EXP-311", source="shop") == {wanted}
    given = world([node("n1", GCE), pod(), deny_egress(f"{V4}/32")], Settings(cni_profile="cilium"))
    assert states(given, "EXP-311", source="shop") == {UNKNOWN}


@pytest.mark.parametrize(("tag", "wanted"), [("v1.14.0", UNKNOWN), ("v1.14.0@sha256:ab", UNKNOWN), ("v1.14.1", YES)])
def test_net_155_and_exp_307_cilium_1_14_0_on_aks(tag: str, wanted: State) -> None:
    allow = policy("egress", policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": f"{V4}/32"}}]}])
    plugin = daemon("cilium", f"quay.io/cilium/cilium:{tag}")
    assert states(world([plugin, node("n1", AZURE), pod(), allow]), "EXP-311", "shop", "MD-07") == {wanted}
    assert states(world([plugin, node("n1", AZURE), pod()]), "EXP-311", "shop", "MD-07") == {YES}
    assert states(world([plugin, HCLOUD, pod(), allow]), "EXP-311", "shop") == {YES}


def test_exp_r35_an_ipv4_exception_leaves_ipv6_open() -> None:
    both = policy(
        "egress",
        policyTypes=["Egress"],
        egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [f"{V4}/32"]}}, {"ipBlock": {"cidr": "::/0"}}]}],
    )
    found = world([node("n1", AWS), pod(ips=["10.1.0.1", "fd01::1"]), both], cni_enforces=Fact.YES)
    assert states(found, "EXP-311", target=f"MD-02/{V4}") == {BLOCKED}
    assert states(found, "EXP-311", target="MD-02/[fd00:ec2::254]") == {UNKNOWN}


def test_exp_r37_link_local_exception_misses_the_wire_server() -> None:
    found = world([calico(), node("n1", AZURE), pod(), deny_egress("169.254.0.0/16")])
    assert states(found, "EXP-311", source="shop", target="MD-07") == {BLOCKED}
    assert states(found, "EXP-311", source="shop", target="MD-08") == {UNKNOWN}


def test_md_07_10_rest_on_a_switch_that_is_not_visible() -> None:
    for identity, row in ((AZURE, "MD-07"), ("ocid1.instance", "MD-10")):
        one = edge(world([node("n1", identity), pod()]), "EXP-311", target=row)
        assert (
            one.state is YES
            and one.confidence is Confidence.ENV
            and one.assumptions[0].name == "metadata-not-restricted"
        )


def test_exp_314_identity_of_the_pool() -> None:
    found = world([*ec2(httpPutResponseHopLimit=2), pod()])
    one = edge(found, "EXP-314", source=f"MD-02/{V4}")
    assert one.target.key == "cloud-identity/node-identity@aws/a" and one.confidence is Confidence.ENV
    assert not edges(world([HCLOUD, pod()]), "EXP-314"), "Hetzner hands out no identity"


def test_exp_309_every_undecided_call_says_what_is_missing() -> None:
    for identity in (AWS, GCE, AZURE, "ibm://a", "x://"):
        for one in edges(world([node("n1", identity), pod()]), "EXP-311"):
            assert one.state is not UNKNOWN or one.unseen, json.dumps(one.sentence)
