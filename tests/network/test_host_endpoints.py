"""Calico's host endpoints and the policies that select them (NET-125, NET-126, network.md 2)."""

import pytest

from kubeaudit.network.reach import build
from kubeaudit.network.verdicts import Basis
from kubeaudit.proof import State
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Outcome

from .asking import B, R, U, ask, cls, state
from .clusters import Object, cluster, daemonset, pod, policy
from .host_worlds import N1, N2, N3, OUT, WORLD, allow, calico, details, gnp, hep, made, shown


def test_net_125_a_host_endpoint_without_policy_denies_all_but_failsafe_ports() -> None:
    reach = calico(hep(interfaceName="eth0", expectedIPs=[N1]))
    verdict = ask(reach, OUT, "default/h1")
    note = "selects it (tier ~profiles); no ingress rule of the tier matches"
    assert (verdict.state, verdict.basis) == (B, (Basis.POLICY,))
    assert shown(reach, verdict) == [("HostEndpoint hep", "spec.interfaceName", '"eth0"', note)]
    assert [state(reach, OUT, "default/h1", *at) for at in (("TCP", 22), ("UDP", 68), ("UDP", 22))] == [R, R, B]
    assert [state(reach, "default/h1", OUT, *at) for at in (("UDP", 53), ("TCP", 22), ("TCP", 6443))] == [R, B, R]
    verdict = ask(reach, OUT, "default/h1", "TCP", 22)
    note = "allows it (tier default failsafe ports)"
    assert shown(reach, verdict) == [("FelixConfiguration default", "spec.failsafeInboundHostPorts", "", note)]
    assert [state(reach, OUT, target) for target in ("default/h2", "default/near")] == [R, R]


def test_net_125_the_address_of_a_node_is_judged_as_its_pods_are() -> None:
    """``reach X node/NAME`` and ``reach node/NAME X``, also between nodes."""
    rule = gnp(types=["Ingress", "Egress"], ingress=[allow("172.18.0.0/16", (80,))])
    reach = calico(hep(), rule)
    assert [state(reach, N2, N1, "TCP", at) for at in (80, 81)] == [R, B]
    assert [state(reach, "default/h2", N1, "TCP", at) for at in (80, 81)] == [R, B]
    assert [state(reach, N1, target) for target in (N2, "default/far", "default/h2")] == [B, B, B]
    verdict = ask(reach, N2, N1)
    assert [decision.path for decision in verdict.ingress.by] == [("spec", "ingress", 0, "source")]
    with pytest.raises(ValueError, match="policies concern"):
        ask(calico(), N2, N1)


def test_net_125_automatic_host_endpoints_allow_what_no_policy_denies() -> None:
    made_by = {"projectcalico.org/created-by": "calico-kube-controllers"}
    auto = hep(
        "n1-auto-hep", labels=made_by, interfaceName="*", expectedIPs=[N1], profiles=["projectcalico-default-allow"]
    )
    reach = calico(auto)
    verdict = ask(reach, OUT, "default/h1")
    assert (verdict.state, verdict.basis) == (R, (Basis.POLICY,))
    allowed = ("HostEndpoint n1-auto-hep", "spec.profiles.0", '"projectcalico-default-allow"')
    assert [proof[:3] for proof in shown(reach, verdict)] == [allowed]
    deny = made("GlobalNetworkPolicy", "deny", selector="has(projectcalico.org/created-by)", types=["Ingress"])
    reach = calico(auto, deny)
    assert [state(reach, OUT, "default/h1"), state(reach, "default/h1", OUT)] == [B, R]
    assert shown(reach, ask(reach, OUT, "default/h1"))[0][:2] == ("GlobalNetworkPolicy deny", "spec.selector")


@pytest.mark.parametrize(
    ("listed", "expected"), [(("gone",), B), (("gone", "web"), R), (("deny", "web"), B), (("web", "deny"), R)]
)
def test_net_125_profiles_of_a_host_endpoint_are_asked_in_their_order(listed: tuple[str, ...], expected: State) -> None:
    web = made("Profile", "web", ingress=[allow(ports=(80,))])
    deny = made("Profile", "deny", ingress=[{"action": "Deny"}])
    assert state(calico(hep(interfaceName="*", profiles=list(listed)), web, deny), OUT, "default/h1") is expected


def test_net_127_labels_of_profiles_count_for_host_endpoints() -> None:
    web = made("Profile", "web", labelsToApply={"zone": "edge"})
    deny = made("GlobalNetworkPolicy", "deny", selector="zone == 'edge'", types=["Ingress"])
    allowing = hep(interfaceName="*", profiles=["web", "projectcalico-default-allow"])
    assert [state(calico(allowing, *more), OUT, "default/h1") for more in ((), (web,), (web, deny))] == [R, R, B]


@pytest.mark.parametrize(
    ("interface", "expected", "detail"),
    [
        ({"interfaceName": "*"}, B, ()),
        ({"interfaceName": "eth0", "expectedIPs": [N1]}, B, ()),
        ({"expectedIPs": [N1]}, B, ()),
        ({"interfaceName": "eth0"}, U, ("host_interface",)),
        ({"expectedIPs": ["10.9.9.9"]}, U, ("host_interface",)),
    ],
)
def test_net_125_the_interface_of_a_packet_is_known_by_the_address_of_the_node(
    interface: Object, expected: State, detail: tuple[str, ...]
) -> None:
    reach = calico(hep(**interface))
    assert details(reach, OUT, "default/h1") == (expected, detail)
    assert details(reach, OUT, N1) == (expected, detail)
    assert state(reach, OUT, "default/h1", "TCP", 22) is R
    settled = {"a host endpoint with interfaceName '*', or with the node's address among expectedIPs"}
    assert set(ask(reach, OUT, N1).settle_by) == (settled if detail else set())
    # What reaches pods of other nodes may leave through a tunnel, which is another interface.
    sure = interface == {"interfaceName": "*"}
    assert details(reach, "default/h1", "default/far") == ((B, ()) if sure else (U, ("host_interface",)))


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ((("a", {"interfaceName": "eth0", "expectedIPs": [N1]}, "open"), ("b", {"interfaceName": "*"}, "")), R),
        ((("a", {"interfaceName": "*"}, "open"), ("b", {"interfaceName": "eth0", "expectedIPs": [N1]}, "")), B),
        ((("a", {"interfaceName": "*"}, "open"), ("b", {"interfaceName": "*"}, "")), R),
        ((("b", {"interfaceName": "*"}, "open"), ("a", {"interfaceName": "*"}, "")), B),
        ((("a", {"expectedIPs": [N1]}, "open"), ("b", {"interfaceName": "eth0", "expectedIPs": [N1]}, "")), R),
        ((("b", {"interfaceName": "eth0"}, "open"), ("a", {"expectedIPs": [N1]}, "")), B),
        ((("a", {"interfaceName": "eth0"}, "open"), ("b", {"expectedIPs": [N1]}, "")), U),
        ((("a", {"interfaceName": "eth0"}, "open"), ("b", {"interfaceName": "*"}, "")), U),
        ((("a", {"interfaceName": "eth0"}, ""), ("b", {"interfaceName": "*"}, "")), B),
    ],
)
def test_net_125_of_several_host_endpoints_a_named_one_and_the_first_by_name_count(
    endpoints: tuple[tuple[str, Object, str], ...], expected: State
) -> None:
    rule = made("GlobalNetworkPolicy", "open", selector="kind == 'open'", ingress=[{"action": "Allow"}])
    listed = [hep(name, labels={"kind": kind}, **spec) for name, spec, kind in endpoints]
    assert state(calico(rule, *listed), OUT, "default/h1") is expected


def test_net_130_policies_of_host_endpoints_leave_pods_of_the_node_alone() -> None:
    """Felix hands traffic of pods to their node to ``defaultEndpointToHostAction``, and passes it the other way."""
    drop = made(
        "GlobalNetworkPolicy", "all", selector="all()", types=["Ingress", "Egress"], ingress=[{"action": "Deny"}]
    )
    action = daemonset("calico-node", env=[{"name": "FELIX_DEFAULTENDPOINTTOHOSTACTION", "value": "Accept"}])
    reach = build(cluster(*WORLD, action, hep()), Settings())
    assert [state(reach, "default/near", target) for target in ("default/h1", N1)] == [R, R]
    assert [state(reach, "default/far", target) for target in ("default/h1", N1)] == [B, B]
    assert [state(reach, source, "default/near") for source in ("default/h1", N1)] == [R, R]
    assert state(calico(hep(), drop), "default/h1", "default/near") is R
    ebpf = made("FelixConfiguration", "default", bpfEnabled=True)
    reach = build(cluster(*WORLD, action, hep(), ebpf), Settings())
    assert details(reach, "default/near", "default/h1") == (U, ("host_interface",))


@pytest.mark.parametrize(
    ("felix", "open_at"),
    [
        ((), ("TCP/22",)),
        ((made("FelixConfiguration", "default", failsafeInboundHostPorts=[]),), ()),
        (
            (made("FelixConfiguration", "default", failsafeInboundHostPorts=[{"protocol": "TCP", "port": 81}]),),
            ("TCP/81",),
        ),
        (
            (
                made("FelixConfiguration", "default", failsafeInboundHostPorts=[]),
                made("FelixConfiguration", "node.n1", failsafeInboundHostPorts=[{"protocol": "udp", "port": 81}]),
            ),
            ("UDP/81",),
        ),
        ((made("FelixConfiguration", "node.n2", failsafeInboundHostPorts=[]),), ("TCP/22",)),
        (
            (
                made("FelixConfiguration", "default", failsafeInboundHostPorts=[]),
                daemonset("calico-node", env=[{"name": "FELIX_FAILSAFEINBOUNDHOSTPORTS", "value": "tcp:81,22"}]),
            ),
            ("TCP/81", "TCP/22"),
        ),
        ((daemonset("calico-node", env=[{"name": "FELIX_FAILSAFEINBOUNDHOSTPORTS", "value": "none"}]),), ()),
    ],
)
def test_net_125_failsafe_ports_are_those_of_felix(felix: tuple[Object, ...], open_at: tuple[str, ...]) -> None:
    reach = calico(hep(), *felix)
    asked = {f"{name}/{at}": state(reach, OUT, "default/h1", name, at) for name in ("TCP", "UDP") for at in (22, 81)}
    assert {name for name, found in asked.items() if found is R} == set(open_at)
    assert set(asked.values()) <= {R, B}


def test_net_125_failsafe_ports_hold_for_their_network_and_are_proven_where_they_stand() -> None:
    ports = [{"protocol": "TCP", "port": 22, "net": "203.0.113.0/24"}]
    reach = calico(hep(), made("FelixConfiguration", "default", failsafeInboundHostPorts=ports))
    assert [state(reach, source, N1, "TCP", 22) for source in (OUT, "198.51.100.1")] == [R, B]
    verdict = ask(reach, OUT, N1, "TCP", 22)
    assert shown(reach, verdict)[0][:2] == ("FelixConfiguration default", "spec.failsafeInboundHostPorts.0")
    env = daemonset(
        "calico-node", env=[{"name": "A", "value": "b"}, {"name": "FELIX_FAILSAFEINBOUNDHOSTPORTS", "value": "22"}]
    )
    reach = calico(hep(), env)
    path = "spec.template.spec.containers.0.env.1.value"
    found = shown(reach, ask(reach, OUT, N1, "TCP", 22))
    assert found == [("DaemonSet kube-system/calico-node", path, '"22"', "allows it (tier failsafe ports)")]


def test_net_125_failsafe_ports_that_were_not_read_are_not_certain() -> None:
    unread = {
        f"felixconfigurations.{group}": Outcome.REFUSED for group in ("crd.projectcalico.org", "projectcalico.org")
    }
    reach = calico(hep(), unread=unread)
    assert details(reach, OUT, N1, "TCP", 22) == (U, ("failsafe_ports",))
    assert state(reach, OUT, N1, "TCP", 80) is B


def test_net_120_tiers_and_orders_hold_for_host_endpoints() -> None:
    first = made("Tier", "first", order=1, defaultAction="Pass")
    passing = gnp(
        "a",
        tier="first",
        types=["Ingress"],
        ingress=[{"action": "Deny", "protocol": "TCP", "destination": {"ports": [81]}}],
    )
    allowing = gnp("b", types=["Ingress"], ingress=[allow(ports=("80:82",))])
    reach = calico(hep(), first, passing, allowing)
    assert [state(reach, OUT, N1, "TCP", at) for at in (80, 81, 82, 83)] == [R, B, R, B]
    decision = ask(reach, OUT, N1, "TCP", 81).ingress.by[0]
    assert (decision.tier, decision.path) == ("first", ("spec", "ingress", 0))
    # A tier without policies for a direction is left out, and no profile allows it.
    assert state(reach, "default/h1", OUT) is B


def test_net_128_rules_compare_the_address_of_the_node_and_the_ports_of_its_endpoint() -> None:
    named = hep(interfaceName="*", ports=[{"name": "api", "protocol": "TCP", "port": 8443}])
    own = gnp(types=["Ingress"], ingress=[
        {"action": "Allow", "protocol": "TCP", "destination": {"nets": [f"{N1}/32"], "ports": [80]}},
        {"action": "Allow", "protocol": "TCP", "destination": {"nets": ["10.0.0.0/8"], "ports": [81]}},
        {"action": "Allow", "protocol": "TCP", "destination": {"ports": ["api"]}},
        allow(ports=(82,), source={"selector": "role == 'node'"}),
    ])  # fmt: skip
    other = hep("other", "n2", interfaceName="eth0", expectedIPs=[N2], profiles=["projectcalico-default-allow"])
    reach = calico(named, other, own)
    assert [state(reach, OUT, N1, "TCP", at) for at in (80, 81, 8443, 8444)] == [R, B, R, B]
    assert [state(reach, source, "default/h1", "TCP", 82) for source in ("default/h2", N2, "default/h3", OUT)] == [
        R,
        R,
        B,
        B,
    ]
    # The IPv6 address of the node is in no network of the rules.
    assert state(reach, "2001:db8::1", "fd00:18::2", "TCP", 80) is B


def test_net_63_pods_of_other_nodes_may_have_the_address_of_their_node() -> None:
    by_pod = gnp(types=["Ingress"], ingress=[{"action": "Allow", "source": {"selector": "app == 'far'"}}])
    by_node = gnp(types=["Ingress"], ingress=[allow(f"{N2}/32")])
    both = gnp(types=["Ingress"], ingress=[allow(f"{N2}/32"), allow("10.1.0.0/16")])
    asked = [details(calico(hep(), rule), "default/far", "default/h1") for rule in (by_pod, by_node, both)]
    assert asked == [(U, ("snat",)), (U, ("snat",)), (R, ())]
    assert details(calico(hep(), by_pod), "default/far", N1) == (U, ("snat",))
    assert state(calico(hep(), gnp(types=["Ingress"], ingress=[allow(f"{N3}/32")])), "default/far", N1) is B


@pytest.mark.parametrize("switch", ["preDNAT", "doNotTrack"])
def test_net_126_untracked_and_early_policies_leave_open_what_they_name(switch: str) -> None:
    deny = {"action": "Deny", "protocol": "TCP", "source": {"nets": ["203.0.113.0/24"]}}
    rule = gnp("early", applyOnForward=True, types=["Ingress"], ingress=[deny], **{switch: True})
    named = hep(interfaceName="eth0", expectedIPs=[N1], profiles=["projectcalico-default-allow"])
    reach = calico(named, rule)
    detail = {"preDNAT": "pre_dnat", "doNotTrack": "untracked"}[switch]
    assert details(reach, OUT, "default/h1") == (U, (detail,))
    assert [state(reach, source, "default/h1") for source in ("198.51.100.1", "default/h2")] == [R, R]
    assert state(reach, OUT, "default/h1", "TCP", 22) is R
    assert details(reach, OUT, "default/near") == ((U, ("host_forward",)) if switch == "preDNAT" else (R, ()))
    assert state(reach, "198.51.100.1", "default/near") is R
    if switch == "doNotTrack":
        # They are not supported for host endpoints of all interfaces.
        every = hep(interfaceName="*", profiles=["projectcalico-default-allow"])
        assert state(calico(every, rule), OUT, "default/h1") is R


def test_net_126_forwarded_traffic_is_open_unless_a_policy_with_apply_on_forward_may_deny_it() -> None:
    rule = {"types": ["Ingress"], "ingress": [allow("198.51.100.0/24")]}
    local = calico(hep(), gnp(**rule))
    assert [state(local, OUT, target) for target in ("default/h1", "default/near")] == [B, R]
    forward = calico(hep(), gnp(applyOnForward=True, **rule))
    assert state(forward, OUT, "default/h1") is B
    verdict = ask(forward, OUT, "default/near")
    assert (verdict.state, verdict.basis, verdict.details) == (U, (Basis.UNDEFINED,), ("host_forward",))
    assert shown(forward, verdict)[0][:3] == ("GlobalNetworkPolicy rule", "spec.applyOnForward", "true")
    # Only what it may deny, in its direction, on its nodes.
    assert [state(forward, *ends) for ends in (
        ("198.51.100.1", "default/near"), ("default/near", OUT), (OUT, "default/far")
    )] == [R, R, R]  # fmt: skip
    closed = policy("closed", podSelector={}, policyTypes=["Ingress"])
    assert state(calico(hep(), gnp(applyOnForward=True, **rule), closed), OUT, "default/near") is B
    rules = [one for one in forward.policies if one.ref.name == "rule"]
    assert rules == [] and list(map(str, forward.policies_of_nodes)) != []


def test_net_125_host_endpoints_that_were_not_read_leave_nodes_open() -> None:
    unread = {f"hostendpoints.{group}": Outcome.REFUSED for group in ("crd.projectcalico.org", "projectcalico.org")}
    reach = calico(unread=unread)
    for target in ("default/h1", N1):
        verdict = ask(reach, OUT, target)
        assert (verdict.state, verdict.settle_by[0]) == (U, "list hostendpoints.crd.projectcalico.org")
    assert state(reach, OUT, "default/near") is R


def test_net_125_policies_that_cannot_be_read_leave_host_endpoints_open() -> None:
    bad = made("GlobalNetworkPolicy", "bad", selector="role ==", types=["Ingress"])
    verdict = ask(calico(hep(), bad), OUT, "default/h1")
    assert (verdict.state, verdict.settle_by) == (U, ("a correction of GlobalNetworkPolicy bad",))
    unread = {
        f"globalnetworkpolicies.{group}": Outcome.REFUSED for group in ("crd.projectcalico.org", "projectcalico.org")
    }
    assert state(calico(hep(), unread=unread), OUT, "default/h1") is U


def test_net_48_unplaced_host_network_pods_may_run_on_any_node() -> None:
    waiting = pod("waiting", host=True, phase="Pending")
    reach = calico(hep(), waiting)
    assert details(reach, OUT, "default/waiting") == (U, ("host_node",))
    every = [hep(f"n{n}", f"n{n}") for n in (1, 2, 3)]
    assert state(calico(*every, waiting), OUT, "default/waiting", "TCP", 22) is R


def test_net_70_public_sources_of_a_host_network_pod_are_those_its_policies_allow() -> None:
    reach = calico(hep(), gnp(types=["Ingress"], ingress=[allow("203.0.113.0/24", (80,))]))
    verdict = reach.from_internet(cls(reach, "default/h1"), "TCP", 80)
    assert (verdict.state, verdict.sources) == (R, ("203.0.113.0/24",))
    assert reach.from_internet(cls(reach, "default/h1"), "TCP", 81).state is B
    assert reach.egress_to_any(cls(reach, "default/far"), [N1, N2], "TCP", 81).state is R
    assert reach.egress_to_any(cls(reach, "default/far"), [N1], "TCP", 81).state is B
