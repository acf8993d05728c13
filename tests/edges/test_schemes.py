"""Whether a load balancer is public: order of proof, and every row of the table (EXP-90..94, LB-01..20)."""

import json
from typing import Any

import msgspec
import pytest
from factory import Object, ingress, service

from kubeaudit.edges.schemes import Ruling, Scheme, is_whole, of_ingress, of_service, source_ranges
from kubeaudit.edges.tables import load_balancers
from kubeaudit.model.objects.core import Service
from kubeaudit.model.objects.networking import Ingress
from kubeaudit.proof import Confidence

BETA = "service.beta.kubernetes.io/"
NAME = [{"hostname": "front.example"}]
PUBLIC, INTERNAL, UNKNOWN = Scheme.PUBLIC, Scheme.INTERNAL, Scheme.UNKNOWN


def ruled(item: Object, provider: str = "") -> Ruling:
    return of_service(msgspec.convert(item, Service), provider)


def balancer(status: Any = NAME, cls: str = "", **annotations: str) -> Object:
    fields: Object = {"loadBalancerClass": cls} if cls else {}
    return service(kind="LoadBalancer", status=status, annotations=annotations, **fields)


def annotated(key: str, value: str, provider: str = "", cls: str = "") -> Scheme:
    return ruled(balancer(cls=cls, **({key: value} if key else {})), provider).scheme


SERVICES = [
    # row, provider of the nodes, class, annotation, its value, scheme where only a host name is known
    ("LB-01", "aws", "", "", "", PUBLIC),
    ("LB-01", "aws", "", f"{BETA}aws-load-balancer-internal", "true", INTERNAL),
    ("LB-01", "aws", "", f"{BETA}aws-load-balancer-internal", "0.0.0.0/0", INTERNAL),
    ("LB-01", "aws", "", f"{BETA}aws-load-balancer-internal", "false", PUBLIC),
    ("LB-02", "aws", "service.k8s.aws/nlb", "", "", UNKNOWN),
    ("LB-02", "aws", "eks.amazonaws.com/nlb", f"{BETA}aws-load-balancer-scheme", "internal", INTERNAL),
    ("LB-02", "aws", "service.k8s.aws/nlb", f"{BETA}aws-load-balancer-scheme", "internet-facing", PUBLIC),
    ("LB-02", "aws", "service.k8s.aws/nlb", f"{BETA}aws-load-balancer-internal", "false", PUBLIC),
    ("LB-02", "aws", "service.k8s.aws/nlb", f"{BETA}aws-load-balancer-internal", "true", INTERNAL),
    ("LB-02", "", "", f"{BETA}aws-load-balancer-type", "external", UNKNOWN),
    ("LB-02", "", "", f"{BETA}aws-load-balancer-type", "nlb-ip", UNKNOWN),
    ("LB-01", "aws", "", f"{BETA}aws-load-balancer-type", "nlb", PUBLIC),
    ("LB-04", "gce", "", "", "", PUBLIC),
    ("LB-04", "gce", "", "networking.gke.io/load-balancer-type", "Internal", INTERNAL),
    ("LB-04", "gce", "", "networking.gke.io/load-balancer-type", "internal", INTERNAL),
    ("LB-04", "gce", "", "networking.gke.io/load-balancer-type", "INTERNAL", PUBLIC),
    ("LB-04", "gce", "", "cloud.google.com/load-balancer-type", "Internal", INTERNAL),
    ("LB-04", "gce", "networking.gke.io/l4-regional-internal", "", "", INTERNAL),
    ("LB-04", "gce", "networking.gke.io/l4-regional-external", "", "", PUBLIC),
    ("LB-06", "azure", "", "", "", PUBLIC),
    ("LB-06", "azure", "", f"{BETA}azure-load-balancer-internal", "true", INTERNAL),
    ("LB-07", "oci", "", "", "", PUBLIC),
    ("LB-07", "oci", "", f"{BETA}oci-load-balancer-internal", "true", INTERNAL),
    ("LB-07", "oci", "", "oci-network-load-balancer.oraclecloud.com/internal", "true", INTERNAL),
    ("LB-08", "ibm", "", "", "", PUBLIC),
    ("LB-08", "ibm", "", "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", "private", INTERNAL),
    ("LB-09", "openstack", "", "", "", PUBLIC),
    ("LB-09", "openstack", "", f"{BETA}openstack-internal-load-balancer", "true", INTERNAL),
    ("LB-10", "alibaba", "", "", "", PUBLIC),
    ("LB-10", "alibaba", "", f"{BETA}alibaba-cloud-loadbalancer-address-type", "intranet", INTERNAL),
    ("LB-11", "tencent", "", "", "", PUBLIC),
    ("LB-11", "tencent", "", "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid", "subnet-1", INTERNAL),
    ("LB-12", "", "", "kubernetes.io/elb.autocreate", '{"type":"inner"}', INTERNAL),
    ("LB-12", "", "", "kubernetes.io/elb.autocreate", '{"type":"public"}', PUBLIC),
    ("LB-12", "", "", "kubernetes.io/elb.autocreate", "{", UNKNOWN),
    ("LB-12", "huawei", "", "kubernetes.io/elb.id", "e-1", UNKNOWN),
    ("LB-13", "", "", f"{BETA}cce-load-balancer-internal-vpc", "true", INTERNAL),
    ("LB-13", "", "", f"{BETA}cce-load-balancer-internal-vpc", "false", PUBLIC),
    ("LB-14", "", "", f"{BETA}volcengine-loadbalancer-address-type", "PRIVATE", INTERNAL),
    ("LB-14", "volcengine", "", "", "", UNKNOWN),
    ("LB-15", "digitalocean", "", "", "", PUBLIC),
    ("LB-15", "digitalocean", "", f"{BETA}do-loadbalancer-network", "INTERNAL", INTERNAL),
    ("LB-16", "hetzner", "", "", "", PUBLIC),
    ("LB-16", "hetzner", "", "load-balancer.hetzner.cloud/disable-public-network", "true", INTERNAL),
    ("LB-17", "scaleway", "", "", "", PUBLIC),
    ("LB-17", "scaleway", "", f"{BETA}scw-loadbalancer-private", "true", INTERNAL),
    ("LB-18", "yandex", "", "", "", PUBLIC),
    ("LB-18", "yandex", "", "yandex.cloud/load-balancer-type", "internal", INTERNAL),
    ("LB-19", "linode", "", "", "", PUBLIC),
    ("LB-19", "vultr", "", "", "", PUBLIC),
    ("LB-19", "exoscale", "", "", "", PUBLIC),
    ("LB-19", "upcloud", "", "", "", UNKNOWN),
    ("LB-20", "", "metallb.universe.tf/metallb", "", "", UNKNOWN),
    ("LB-20", "aws", "io.cilium/bgp-control-plane", "", "", UNKNOWN),
]


@pytest.mark.parametrize(("row", "provider", "cls", "key", "value", "wanted"), SERVICES)
def test_lb_rows(row: str, provider: str, cls: str, key: str, value: str, wanted: Scheme) -> None:
    assert annotated(key, value, provider, cls) is wanted


def test_lb_every_row_of_the_table_is_tested() -> None:
    ingresses = {"LB-03", "LB-05", "LB-06"}
    assert {row.id for row in load_balancers() if row.serves == "service"} == {case[0] for case in SERVICES}
    assert {row.id for row in load_balancers() if row.serves == "ingress"} == ingresses
    assert {row.id for row in load_balancers()} == {f"LB-{number:02}" for number in range(1, 21)}


@pytest.mark.parametrize(
    ("provider", "switch"),
    [(row.provider, row.switches) for row in load_balancers() if row.provider and row.serves == "service"],
)
def test_exp_90_address_beats_every_annotation(provider: str, switch: Any) -> None:
    for one in switch:
        value = json.dumps({"type": one.internal[0]}) if one.json_type else (one.internal or ("true",))[0]
        ruling = ruled(balancer([{"ip": "203.0.113.1"}], **{one.annotation: value}), provider)
        assert ruling.scheme is PUBLIC and ruling.confidence is Confidence.OBJ
        if not any(row.provider == provider and row.recognised_by for row in load_balancers()):
            assert "the address decides" in ruling.evidence[0].note and len(ruling.evidence) == 2


def test_exp_90_private_address_is_internal_with_an_assumption() -> None:
    for address in (
        "10.0.0.1",
        "172.20.1.1",
        "192.168.1.1",
        "100.64.0.1",
        "fd00::1",
        "fe80::1",
        "169.254.1.1",
        "::ffff:10.0.0.1",
    ):
        ruling = ruled(balancer([{"ip": address}]), "aws")
        assert ruling.scheme is INTERNAL and [a.name for a in ruling.assumptions] == ["no-upstream-nat"]
        assert ruling.evidence[0].value == f'"{address}"'


def test_exp_90_one_public_address_is_enough() -> None:
    ruling = ruled(balancer([{"ip": "10.0.0.1"}, {"ip": "2001:db8::1"}]))
    assert ruling.scheme is PUBLIC and ruling.evidence[0].path == ("status", "loadBalancer", "ingress", 1, "ip")


@pytest.mark.parametrize("suffix", ["amazonaws.com", "amazonaws.com.cn"])
def test_exp_91_aws_names_show_internal_load_balancers(suffix: str) -> None:
    inside = {"hostname": f"internal-a-1.eu-west-1.elb.{suffix}"}
    assert ruled(balancer([inside]), "aws").scheme is INTERNAL
    assert ruled(balancer([inside, {"hostname": f"a-2.eu-west-1.elb.{suffix}"}]), "aws").scheme is PUBLIC


def test_exp_92_declared_but_not_provisioned_is_unknown() -> None:
    ruling = ruled(balancer([]), "aws")
    assert ruling.scheme is UNKNOWN and "not provisioned" in ruling.reason
    assert ruling.evidence[0].absent and ruling.evidence[0].path == ("status", "loadBalancer", "ingress")
    assert ruled(balancer([], **{f"{BETA}aws-load-balancer-internal": "true"}), "aws").scheme is INTERNAL


def test_exp_94_nothing_recognised_is_unknown_never_public() -> None:
    assert ruled(balancer([])).scheme is UNKNOWN
    assert ruled(balancer(NAME)).scheme is UNKNOWN
    assert ruled(balancer(NAME, cls="example.com/own"), "aws").scheme is UNKNOWN


def test_exp_94_annotations_of_other_clouds_say_nothing() -> None:
    every = {f"{BETA}aws-load-balancer-internal": "true", f"{BETA}azure-load-balancer-internal": "false"}
    assert ruled(balancer(NAME, **every), "azure").scheme is PUBLIC
    assert ruled(balancer(NAME, **every), "aws").scheme is INTERNAL
    assert ruled(balancer(NAME, **{f"{BETA}aws-load-balancer-type": "external"}), "azure").scheme is PUBLIC


@pytest.mark.parametrize(
    ("provider", "annotations", "fields", "wanted"),
    [
        ("", {}, {"loadBalancerSourceRanges": ["203.0.113.0/24"]}, ("203.0.113.0/24",)),
        (
            "",
            {f"{BETA}load-balancer-source-ranges": "198.51.100.0/24, 203.0.113.0/24"},
            {},
            ("198.51.100.0/24", "203.0.113.0/24"),
        ),
        ("azure", {f"{BETA}azure-allowed-ip-ranges": "203.0.113.0/24"}, {}, ("203.0.113.0/24",)),
        ("azure", {f"{BETA}azure-allowed-service-tags": "AzureCloud"}, {}, ("AzureCloud",)),
        (
            "digitalocean",
            {f"{BETA}do-loadbalancer-allow-rules": "ip:203.0.113.4,cidr:198.51.100.0/24"},
            {},
            ("198.51.100.0/24", "203.0.113.4"),
        ),
        ("aws", {f"{BETA}azure-allowed-ip-ranges": "203.0.113.0/24"}, {}, ()),
        ("", {}, {"loadBalancerSourceRanges": [" "]}, ()),
    ],
)
def test_exp_93_source_ranges(provider: str, annotations: Object, fields: Object, wanted: tuple[str, ...]) -> None:
    item = msgspec.convert(service(kind="LoadBalancer", annotations=annotations, **fields), Service)
    ranges, limit = source_ranges(item, provider)
    assert ranges == wanted and (limit is not None) is bool(wanted)


@pytest.mark.parametrize(
    ("ranges", "wanted"),
    [
        (("0.0.0.0/0",), True),
        (("::/0",), True),
        (("0.0.0.0/1",), True),
        (("0.0.0.0/2", "64.0.0.0/3", "96.0.0.0/3"), True),
        (("16.0.0.0/4",), False),
        (("203.0.113.0/24", "nonsense"), False),
        ((), False),
    ],
)
def test_exp_02_ranges_that_hold_most_addresses_are_the_internet(ranges: tuple[str, ...], wanted: bool) -> None:
    assert is_whole(ranges) is wanted


ALB = "alb.ingress.kubernetes.io/scheme"


@pytest.mark.parametrize(
    ("row", "annotations", "status", "wanted"),
    [
        ("LB-03", {ALB: "internet-facing"}, [{"hostname": "k8s-1.elb.amazonaws.com"}], PUBLIC),
        ("LB-03", {ALB: "internal"}, [{"hostname": "internal-k8s-1.elb.amazonaws.com"}], INTERNAL),
        ("LB-03", {}, [{"hostname": "internal-k8s-1.elb.amazonaws.com"}], INTERNAL),
        ("LB-03", {}, [{"hostname": "k8s-1.elb.amazonaws.com"}], UNKNOWN),
        ("LB-05", {}, [{"ip": "203.0.113.1"}], PUBLIC),
        ("LB-05", {"kubernetes.io/ingress.class": "gce-internal"}, [{"hostname": "x"}], INTERNAL),
        ("LB-06", {}, [{"hostname": "x"}], PUBLIC),
        ("LB-06", {"appgw.ingress.kubernetes.io/use-private-ip": "true"}, [{"hostname": "x"}], INTERNAL),
    ],
)
def test_lb_ingress_rows(row: str, annotations: Object, status: Any, wanted: Scheme) -> None:
    found = next(one for one in load_balancers() if one.id == row and one.serves == "ingress")
    item = msgspec.convert(ingress(annotations=annotations, status=status), Ingress)
    assert of_ingress(item, found).scheme is wanted
