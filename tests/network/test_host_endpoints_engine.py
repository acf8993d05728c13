"""Host endpoints on random worlds against a naive evaluator (NET-120, NET-125), and all pairs against single ones."""

import ipaddress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.reach import Reach
from kubeaudit.proof import State

from .asking import B, R, U, engine, state
from .clusters import Object, node, pod
from .loading import examples

N1, N2, OUT = "172.18.0.2", "172.18.0.3", "203.0.113.5"
NODES = (node("n1", N1), node("n2", N2))
HOSTS = tuple(pod(f"h{n}", ips=(ip,), host=True, on=f"n{n}") for n, ip in ((1, N1), (2, N2)))
PODS = (
    pod("a", labels={"app": "a"}, ips=("10.1.0.1",), on="n1"),
    pod("b", labels={"app": "b"}, ips=("10.1.1.1",), on="n2"),
)
_DEFAULT = "projectcalico-default-allow"
_FAILSAFE = {"ingress": (22, 6443), "egress": (6443,)}
_NETS = ("0.0.0.0/0", "172.18.0.0/16", f"{N2}/32", "203.0.113.0/24", "10.1.0.0/16")
_INTERFACES: tuple[Object, ...] = (
    {"interfaceName": "*"},
    {"interfaceName": "eth0", "expectedIPs": [N1]},
    {"interfaceName": "eth0"},
    {"expectedIPs": [N1]},
    {"expectedIPs": ["10.9.9.9"]},
)


def made(kind: str, name: str, labels: Object | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": kind,
        "metadata": {"name": name, "labels": labels or {}},
        "spec": spec,
    }


@st.composite
def endpoints(draw: st.DrawFn) -> list[Object]:
    found = []
    for name in draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3)):
        spec = draw(st.sampled_from(_INTERFACES)) | {"node": draw(st.sampled_from(("n1", "n1", "n2")))}
        profiles = draw(st.sampled_from(([], [_DEFAULT], ["gone"])))
        found.append(made("HostEndpoint", name, {"role": draw(st.sampled_from(("x", "y")))}, profiles=profiles, **spec))
    return found


@st.composite
def policies(draw: st.DrawFn) -> list[Object]:
    found = []
    for number in range(draw(st.integers(0, 3))):
        spec: Object = {"selector": draw(st.sampled_from(("all()", "role == 'x'"))), "order": draw(st.integers(1, 3))}
        spec["types"] = draw(st.sampled_from((["Ingress"], ["Egress"], ["Ingress", "Egress"])))
        for direction, far in (("ingress", "source"), ("egress", "destination")):
            spec[direction] = [
                {"action": draw(st.sampled_from(("Allow", "Deny", "Pass"))), "protocol": "TCP"}
                | {far: {"nets": [draw(st.sampled_from(_NETS))]}}
                | ({"destination": {"ports": [80]}} if far == "source" and draw(st.booleans()) else {})
                for _ in range(draw(st.integers(0, 2)))
            ]
        found.append(made("GlobalNetworkPolicy", f"p{number}", **spec))
    return found


def verdict(world: list[Object], direction: str, other: str, port: int) -> State:
    """What host endpoints say of TCP between n1 and an address that is neither of a pod nor of n1."""
    mine = sorted((e for e in _of(world, "HostEndpoint") if e["spec"]["node"] == "n1"), key=_name)
    every = [endpoint for endpoint in mine if endpoint["spec"].get("interfaceName") == "*"][:1]
    named = [endpoint for endpoint in mine if endpoint["spec"].get("interfaceName") != "*"]
    sure = next((e for e in named if N1 in e["spec"].get("expectedIPs", ())), None)
    if sure is None:
        possible: list[Object | None] = [*named, *(every or [None])]
    else:
        possible = [*(e for e in named if "expectedIPs" not in e["spec"] and _name(e) < _name(sure)), sure]
    states = {_at(world, endpoint, direction, other, port) for endpoint in possible}
    return states.pop() if len(states) == 1 else U


def _at(world: list[Object], endpoint: Object | None, direction: str, other: str, port: int) -> State:
    if endpoint is None or port in _FAILSAFE[direction]:
        return R
    label = f"role == '{endpoint['metadata']['labels']['role']}'"
    applied = [
        p
        for p in sorted(_of(world, "GlobalNetworkPolicy"), key=lambda p: (p["spec"]["order"], _name(p)))
        if p["spec"]["selector"] in ("all()", label) and direction.capitalize() in p["spec"]["types"]
    ]
    action = "Pass" if not applied else "Deny"
    rules = [rule for p in applied for rule in p["spec"][direction]]
    far = "source" if direction == "ingress" else "destination"
    for rule in rules:
        inside = ipaddress.ip_address(other) in ipaddress.ip_network(rule[far]["nets"][0])
        if inside and port in rule.get("destination", {}).get("ports", [port]):
            action = rule["action"]
            break
    allowed = action == "Allow" or (action == "Pass" and _DEFAULT in endpoint["spec"]["profiles"])
    return R if allowed else B


def _of(world: list[Object], kind: str) -> list[Object]:
    return [found for found in world if found["kind"] == kind]


def _name(found: Object) -> str:
    return str(found["metadata"]["name"])


def _reach(world: list[Object]) -> Reach:
    return engine(*NODES, *HOSTS, *PODS, *world, plugin=profile("calico"))


@examples(60)
@given(found=endpoints(), rules=policies(), port=st.sampled_from((22, 80, 81, 6443)))
def test_net_125_host_endpoints_are_judged_as_the_naive_evaluator_judges_them(
    found: list[Object], rules: list[Object], port: int
) -> None:
    world = [*found, *rules]
    reach = _reach(world)
    assert state(reach, OUT, "default/h1", "TCP", port) is verdict(world, "ingress", OUT, port)
    assert state(reach, "default/h1", OUT, "TCP", port) is verdict(world, "egress", OUT, port)
    if reach.judge.guards and reach.judge.guards.owner(N1):
        assert state(reach, OUT, N1, "TCP", port) is verdict(world, "ingress", OUT, port)
        assert state(reach, N1, OUT, "TCP", port) is verdict(world, "egress", OUT, port)


@examples(30)
@given(found=endpoints(), rules=policies(), port=st.sampled_from((22, 80, 81)))
def test_the_matrix_agrees_with_single_questions(found: list[Object], rules: list[Object], port: int) -> None:
    reach = _reach([*found, *rules])
    for target in range(len(reach.cluster.classes)):
        column = reach.matrix.sources(target, "TCP", port)
        for source in range(len(reach.cluster.classes)):
            wanted = R if column.reachable >> source & 1 else U if column.unknown >> source & 1 else B
            assert reach.connect(source, target, "TCP", port).state is wanted, (source, target)
