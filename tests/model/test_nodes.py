"""Pools, addresses and which of them are public (EXP-01, -22, -302)."""

import pytest
from factory import Object, cluster, named, node
from msgspec import convert

from kubeaudit.model.nodes import facts, holds_public, is_public, parse
from kubeaudit.model.objects.core import Node


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("203.0.113.1", True),
        ("2001:db8::1", True),
        ("2600::1", True),
        ("10.255.0.1", False),
        ("172.15.0.1", True),
        ("172.16.0.1", False),
        ("172.31.255.255", False),
        ("172.32.0.1", True),
        ("192.168.0.1", False),
        ("100.63.255.255", True),
        ("100.64.0.1", False),
        ("169.254.1.1", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("::1", False),
        ("::", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("node.example", False),
        ("", False),
    ],
)
def test_exp_01_what_is_the_internet(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("cidr", "public"),
    [
        ("10.0.0.0/8", False),
        ("10.0.0.0/7", True),
        ("0.0.0.0/0", True),
        ("203.0.113.0/24", True),
        ("fc00::/7", False),
        ("::/0", True),
        ("x", True),
    ],
)
def test_exp_02_ranges_that_may_hold_a_public_address(cidr: str, public: bool) -> None:
    assert holds_public(cidr) is public


def labelled(**labels: str) -> Object:
    return named("Node", "v1", "n", "", metadata={"labels": labels}, spec={"providerID": "aws:///a"})


@pytest.mark.parametrize(
    ("labels", "key"),
    [
        ({"eks.amazonaws.com/nodegroup": "a"}, "aws/a"),
        ({"karpenter.sh/nodepool": "b"}, "aws/b"),
        ({"cloud.google.com/gke-nodepool": "c"}, "aws/c"),
        ({"node-role.kubernetes.io/control-plane": ""}, "aws/control-plane"),
        ({"node-role.kubernetes.io/master": ""}, "aws/control-plane"),
        ({}, "aws/nodes"),
    ],
)
def test_exp_22_pools(labels: dict[str, str], key: str) -> None:
    assert facts(convert(labelled(**labels), Node)).pool.key == key


def test_exp_22_pools_of_a_cluster() -> None:
    found = cluster([node("n2", "gce://b"), node("n1", "aws:///a"), node("n3", "aws:///c")]).node_pools()
    assert {key: [n.ref.name for n in nodes] for key, (_, nodes) in found.items()} == {
        "aws/nodes": ["n1", "n3"],
        "gce/nodes": ["n2"],
    }


def test_addresses_of_a_node_are_its_internal_and_external_ones() -> None:
    listed = [
        ("Hostname", "n1"),
        ("InternalIP", "10.0.0.1"),
        ("ExternalIP", "203.0.113.1"),
        ("ExternalDNS", "8.8.8.8"),
        ("InternalIP", "x"),
    ]
    item = named("Node", "v1", "n1", "", status={"addresses": [{"type": t, "address": a} for t, a in listed]})
    found = facts(convert(item, Node))
    assert (found.addresses, found.public) == (("10.0.0.1", "203.0.113.1"), ("203.0.113.1",))
    assert parse("10.0.0.1") == parse("10.0.0.1") and parse("10.0.0.256") is None
