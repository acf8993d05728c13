"""Fields that the API server refuses and a file may hold (NET-20..37, NET-87..99); tests/cluster asks the server."""

from typing import Any

import pytest

from kubeaudit.network.reach import Basis
from kubeaudit.proof import dotted

from .asking import B, R, U, ask, engine, state
from .clusters import Object, pod, policy, port
from .test_tiers import RED, TO_OUT, TO_WEB, anp, banp, cnp, source, target, under

OUT = "203.0.113.7"
APP = pod("app", ips=("10.0.0.1",), ports=[port(80, "http")])


def told(*made: Object) -> list[tuple[str, bool]]:
    """The fields that are reported, and whether they are read without doubt."""
    return [(dotted(problem.path), problem.harmless) for problem in under(*made).problems]


@pytest.mark.parametrize("name", ["", "HTTP", "a b", "a_b", "-a", "a-", "a--b", "1-2", "a" * 16, "٨٠"])
def test_what_is_no_port_name_allows_nothing(name: str) -> None:
    """NET-32; what it would close is not certain."""
    reach = engine(APP, policy("np", ingress=[{"ports": [{"port": name}]}]))
    assert [dotted(problem.path) for problem in reach.problems] == ["spec.ingress[0].ports[0]"]
    assert state(reach, OUT, "default/app") == U


@pytest.mark.parametrize("name", ["http", "a", "1a", "a-1-b", "a" * 15])
def test_port_names(name: str) -> None:
    reach = engine(
        pod("app", ips=("10.0.0.1",), ports=[port(80, name)]), policy("np", ingress=[{"ports": [{"port": name}]}])
    )
    assert (reach.problems, state(reach, OUT, "default/app")) == ((), R)


@pytest.mark.parametrize(
    "cidr",
    ["203.0.113.0/255.255.255.0", "203.0.113.0/0.0.0.255", "203.0.113.0/024", "203.0.113.7", "fe80::%eth0/64", "::/+0"],
)
def test_net_36_masks_zones_and_leading_zeros_are_no_cidr(cidr: str) -> None:
    reach = engine(APP, policy("np", ingress=[{"from": [{"ipBlock": {"cidr": cidr}}]}]))
    assert [dotted(problem.path) for problem in reach.problems] == ["spec.ingress[0].from[0]"]
    assert state(reach, OUT, "default/app") == U


def test_net_36_host_bits_are_masked_off_and_reported() -> None:
    """Policies from before 1.36 may have them, and mean the network."""
    block = {"cidr": "203.0.113.9/24", "except": ["203.0.113.129/25"]}
    reach = engine(APP, policy("np", ingress=[{"from": [{"ipBlock": block}, {"ipBlock": {"cidr": "2001:DB8::/32"}}]}]))
    place = "spec.ingress[0].from[0].ipBlock"
    assert [(dotted(p.path), p.harmless) for p in reach.problems] == [
        (f"{place}.cidr", True),
        (f"{place}.except[0]", True),
    ]
    assert [state(reach, at, "default/app") for at in (OUT, "203.0.113.200")] == [R, B]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"policyTypes": ["Ingress", "Egress", "Ingress"]}, "spec.policyTypes"),
        ({"policyTypes": ["Ingress"], "egress": [{"to": [{}]}]}, "spec.egress[0].to[0]"),
        ({"policyTypes": ["Ingress"], "egress": [{"ports": [{"port": 0}]}]}, "spec.egress[0].ports[0]"),
    ],
    ids=["three types", "an inert peer", "an inert port"],
)
def test_what_is_refused_without_an_effect_of_its_own_makes_the_policy_uncertain(spec: Any, field: str) -> None:
    """NET-04: a cluster would not have the policy at all."""
    reach = engine(APP, policy("np", **spec))
    assert [dotted(problem.path) for problem in reach.problems] == [field]
    assert state(reach, OUT, "default/app") == U


ONE, NAMED = {"tcp": {"destinationPort": {"number": 80}}}, {"namespaces": {}}
IN, TO = "spec.ingress[0]", "spec.egress[0]"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (anp(ingress=[source("Allow", NAMED, name="n" * 101)]), [(f"{IN}.name", False)]),
        (anp(ingress=[source("Allow", NAMED, ports=[])]), [(f"{IN}.ports", False)]),
        (cnp(ingress=[source("Accept", NAMED, protocols=[])]), [(f"{IN}.protocols", False)]),
        (cnp(ingress=[source("Accept", NAMED, protocols=[ONE, {"udp": {}}])]), [(f"{IN}.protocols[1]", True)]),
        (cnp(ingress=[source("Accept", {"pods": {"podSelector": {}}})]), []),
        (
            anp(ingress=[source("Allow", {"pods": {"podSelector": {}}})]),
            [(f"{IN}.from[0].pods.namespaceSelector", True)],
        ),
        (cnp(ingress=[source("Accept", {"pods": {}})]), [(f"{IN}.from[0].pods.podSelector", True)]),
        (cnp(subject={"pods": {}}), [("spec.subject.pods.podSelector", True)]),
        (cnp(egress=[target("Accept", {"networks": ["10.0.0.0/8", "10.0.0.0/8"]})]), [(f"{TO}.to[0].networks", False)]),
        (
            cnp(egress=[target("Accept", {"networks": ["1111:2222:3333:4444:5555:6666:123.123.123.123/128"]})]),
            [(f"{TO}.to[0].networks[0]", False)],
        ),
        (cnp(egress=[target("Accept", {"domainNames": ["a.com", "*"]})]), [(f"{TO}.to[0].domainNames[1]", False)]),
        (cnp(egress=[target("Accept", {"domainNames": ["*.a.com", "a.com.", "_b.a.com"]})]), []),
        (banp(egress=[target("Allow", {"domainNames": ["a.com"]})]), [(f"{TO}.to[0]", False)]),
    ],
)
def test_what_the_schemas_of_the_tiers_refuse(made: Object, expected: list[tuple[str, bool]]) -> None:
    assert told(made) == expected


def test_a_missing_selector_of_pods_selects_everything() -> None:
    """As every reader of these policies takes it, though their schemas want one."""
    without = {"pods": {"namespaceSelector": RED["namespaces"]}}
    assert state(under(anp(subject=without, ingress=[source("Deny")])), *TO_WEB) == B


def test_a_domain_name_that_is_none_lets_nothing_through() -> None:
    """NET-97: the address behind a name is not known; what is no name stands for none."""
    for name, basis in (("example.com", Basis.UNDEFINED), ("*", Basis.INPUT_INCOMPLETE)):
        rules = [target("Accept", {"domainNames": [name]}), target("Deny")]
        verdict = ask(under(cnp(egress=rules)), *TO_OUT)
        assert (verdict.state, verdict.basis) == (U, (basis,))
