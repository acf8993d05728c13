"""What the end-to-end tests of Kubernetes ask of network plugins, asked of the engine (network.md, 8.4).

Scenarios in our own words: policies, and what they close.
"""

from typing import Any

import pytest

from .clusters import Object, policy
from .truth_tables import EDGE, PROBES, Closed, check, closed, drawn, stated, world

WORLD = world()
A, B, C = ({"matchLabels": {"pod": name}} for name in "abc")
X, Y, Z = ({"matchLabels": {"ns": name}} for name in "xyz")
TCP80, TCP81, UDP80, SCTP80 = (
    {"protocol": word, "port": number} for word, number in (("TCP", 80), ("TCP", 81), ("UDP", 80), ("SCTP", 80))
)


def one_of(key: str, *values: str, operator: str = "In") -> Object:
    """A selector of one expression."""
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def pods(selector: Object) -> Object:
    return {"podSelector": selector}


def spaces(selector: Object, of_pods: Object | None = None) -> Object:
    return {"namespaceSelector": selector} | ({} if of_pods is None else pods(of_pods))


def block(cidr: str, *excluded: str) -> Object:
    return {"ipBlock": {"cidr": cidr} | ({"except": list(excluded)} if excluded else {})}


def into(selector: Object, *rules: Object, name: str = "in", space: str = "x") -> Object:
    """A policy for ingress; without rules it denies all."""
    return policy(name, space, podSelector=selector, policyTypes=["Ingress"], ingress=list(rules))


def out(selector: Object, *rules: Object, name: str = "out", space: str = "x") -> Object:
    """A policy for egress; without rules it denies all."""
    return policy(name, space, podSelector=selector, policyTypes=["Egress"], egress=list(rules))


def source(*peers: Object, ports: tuple[Object, ...] = ()) -> Object:
    return ({"from": list(peers)} if peers else {}) | ({"ports": list(ports)} if ports else {})


def target(*peers: Object, ports: tuple[Object, ...] = ()) -> Object:
    return ({"to": list(peers)} if peers else {}) | ({"ports": list(ports)} if ports else {})


def ingress(subjects: str, *through: tuple[str, str]) -> Closed:
    return closed("ingress", subjects, *through)


def egress(subjects: str, *through: tuple[str, str]) -> Closed:
    return closed("egress", subjects, *through)


EVERYONE = spaces({}, {})
NAME_X, NAME_Y = ({"matchLabels": {"kubernetes.io/metadata.name": name}} for name in "xy")
INGRESS: dict[str, tuple[list[Object], list[Closed]]] = {
    "deny all ingress": ([into({})], [ingress("x/*")]),
    "a pod of the same namespace": ([into(A, source(pods(B)))], [ingress("x/a", ("x/b", "*"))]),
    "deny all, and all to one pod": (
        [into({}), into(A, source(EVERYONE), name="to-a")],
        [ingress("x/*"), ingress("x/a", ("*", "*"))],
    ),
    "pods of all namespaces": ([into({}, source(spaces({})))], [ingress("x/*", ("*", "*"))]),
    "a namespace by its label": ([into(A, source(spaces(Z)))], [ingress("x/a", ("z/*", "*"))]),
    "pods by an expression": ([into(A, source(pods(one_of("pod", "b", "none"))))], [ingress("x/a", ("x/b", "*"))]),
    "namespaces by an expression": (
        [into(A, source(spaces(one_of("ns", "y", "none"))))],
        [ingress("x/a", ("y/*", "*"))],
    ),
    "namespaces by what they are not": (
        [into(A, source(spaces(one_of("ns", "x", "y", operator="NotIn"))))],
        [ingress("x/a", ("z/*", "*"))],
    ),
    "pods of the own namespace, or another namespace": (
        [into(A, source(pods(B), spaces(one_of("ns", "x", operator="NotIn"))))],
        [ingress("x/a", ("x/b y/* z/*", "*"))],
    ),
    "pods of another namespace": (
        [into(A, source(spaces(one_of("ns", "x", operator="NotIn"), B)))],
        [ingress("x/a", ("y/b z/b", "*"))],
    ),
    "several pods of several namespaces": (
        [into(A, source(spaces(one_of("ns", "x", operator="NotIn"), one_of("pod", "b", "c"))))],
        [ingress("x/a", ("y/b y/c z/b z/c", "*"))],
    ),
    "either of two pods": ([into(A, source(pods(B), pods(C)))], [ingress("x/a", ("x/b x/c", "*"))]),
    "one pod of one namespace": ([into(A, source(spaces(Y, A)))], [ingress("x/a", ("y/a", "*"))]),
    "a namespace by its name": ([into(A, source(spaces(NAME_Y)))], [ingress("x/a", ("y/*", "*"))]),
    "namespaces but for one name": (
        [into({}, source(spaces(one_of("kubernetes.io/metadata.name", "x", operator="NotIn"))))],
        [ingress("x/*", ("y/* z/*", "*"))],
    ),
    "nobody of other namespaces": ([into({}, source(pods({})))], [ingress("x/*", ("x/*", "*"))]),
    "allow all": ([into({}, {})], []),
    "allow all beats a narrow policy": (
        [into({}, source(spaces(Y), ports=(TCP80,)), name="narrow"), into({}, {}, name="wide")],
        [],
    ),
    "one port, for one namespace": (
        [into(A, source(spaces(Y), ports=(TCP81,)))],
        [ingress("x/a", ("y/*", "TCP81"))],
    ),
    "stacked policies for overlapping pods": (
        [
            into({}, source(spaces(Y), ports=(TCP80,)), name="first"),
            into(A, source(spaces(Y), ports=(TCP81,)), name="second"),
            into(one_of("pod", "a", "b"), source(spaces(Z, C), ports=(TCP80,)), name="third"),
        ],
        [
            ingress("x/*", ("y/*", "TCP80")),
            ingress("x/a", ("y/*", "TCP81")),
            ingress("x/a x/b", ("z/c", "TCP80")),
        ],
    ),
    "a named port": ([into({}, source(ports=({"port": "serve-81-tcp"},)))], [ingress("x/*", ("*", "TCP81"))]),
    "a named port, for one namespace": (
        [into({}, source(spaces(X), ports=({"port": "serve-80-tcp"},)))],
        [ingress("x/*", ("x/*", "TCP80"))],
    ),
    "a name no pod declares": ([into(A, source(ports=({"port": "serve-82-tcp"},)))], [ingress("x/a")]),
    "a range of ports": (
        [into(A, source(ports=({"protocol": "TCP", "port": 79, "endPort": 80},)))],
        [ingress("x/a", ("*", "TCP80"))],
    ),
    "any port of a protocol": (
        [into(A, source(ports=({"protocol": "UDP"},)))],
        [ingress("x/a", ("*", "UDP*"))],
    ),
    "UDP is not TCP": ([into(A, source(ports=(UDP80,)))], [ingress("x/a", ("*", "UDP80"))]),
    "SCTP is not TCP": ([into(A, source(ports=(SCTP80,)))], [ingress("x/a", ("*", "SCTP80"))]),
    "two protocols": ([into(A, source(ports=(UDP80, TCP81)))], [ingress("x/a", ("*", "UDP80 TCP81"))]),
    "a policy that no pod of its own selects": ([into({"matchLabels": {"pod": "d"}})], []),
}
EGRESS: dict[str, tuple[list[Object], list[Closed]]] = {
    "deny all egress": ([out({})], [egress("x/*")]),
    "deny egress of one pod": ([out(A)], [egress("x/a")]),
    "a pod of another namespace": ([out(A, target(spaces(Y, A)))], [egress("x/a", ("y/a", "*"))]),
    "a named port": ([out({}, target(ports=({"port": "serve-80-tcp"},)))], [egress("x/*", ("*", "TCP80"))]),
    "allow all": ([out({}, {})], []),
    "allow all beats a narrow policy": (
        [out({}, target(spaces(Y), ports=(TCP80,)), name="narrow"), out({}, {}, name="wide")],
        [],
    ),
    "a block": ([out(A, target(block("10.1.2.0/24")))], [egress("x/a", ("y/*", "*"))]),
    "a block of one address": ([out(A, target(block("10.1.2.2/32")))], [egress("x/a", ("y/b", "*"))]),
    "a block with an exception": (
        [out(A, target(block("10.1.0.0/16", "10.1.2.0/30")))],
        [egress("x/a", ("x/* z/*", "*"))],
    ),
    "an exception that another policy allows": (
        [out(A, target(block("10.1.2.0/24", "10.1.2.2/32"))), out(A, target(block("10.1.2.2/32")), name="more")],
        [egress("x/a", ("y/*", "*"))],
    ),
    "an exception that another item of the rule allows": (
        [out(A, target(block("10.1.0.0/16", "10.1.2.0/24"), spaces(Y, C)))],
        [egress("x/a", ("x/* z/* y/c", "*"))],
    ),
    "a range of ports": (
        [out(A, target(spaces(Z), ports=({"protocol": "SCTP", "port": 1, "endPort": 80},)))],
        [egress("x/a", ("z/*", "SCTP80"))],
    ),
}
BOTH: dict[str, tuple[list[Object], list[Closed]]] = {
    "deny all": ([policy("deny", "x", policyTypes=["Ingress", "Egress"])], [ingress("x/*"), egress("x/*")]),
    "an egress list without types isolates in both directions": (
        [policy("np", "x", podSelector=A, egress=[target(spaces(Y))])],
        [ingress("x/a"), egress("x/a", ("y/*", "*"))],
    ),
    "ingress rules and types for egress alone": (
        [policy("np", "x", podSelector=A, policyTypes=["Egress"], ingress=[source(pods(B))])],
        [egress("x/a")],
    ),
    "both directions of one pod": (
        [
            policy(
                "np",
                "x",
                podSelector=A,
                policyTypes=["Ingress", "Egress"],
                ingress=[source(spaces(X, B), ports=(TCP80,))],
                egress=[target(ports=(UDP80, TCP81))],
            )
        ],
        [ingress("x/a", ("x/b", "TCP80")), egress("x/a", ("*", "UDP80 TCP81"))],
    ),
    "a client that may not, though the server would take it": (
        [out(A, target(spaces(Y, A))), into({}, source(spaces(NAME_X)), space="y")],
        [egress("x/a", ("y/a", "*")), ingress("y/*", ("x/*", "*"))],
    ),
    "a server that does not take what the client may": (
        [out(A, {}), into(B, source(spaces(X, C), ports=(TCP80,)), space="y")],
        [ingress("y/b", ("x/c", "TCP80"))],
    ),
    "both sides, on different ports": (
        [out(A, target(spaces(Y), ports=(TCP80,))), into({}, source(ports=(TCP81,)), space="y")],
        [egress("x/a", ("y/*", "TCP80")), ingress("y/*", ("*", "TCP81"))],
    ),
    "directions of one pod are apart": (
        [out(A, target(spaces(X, B))), into(A, source(spaces(Y)))],
        [egress("x/a", ("x/b", "*")), ingress("x/a", ("y/*", "*"))],
    ),
    "every namespace closed, with a way between two": (
        [
            *(policy("deny", space, policyTypes=["Ingress", "Egress"]) for space in "xyz"),
            out(A, target(spaces(Z, C), ports=(TCP80,))),
            into(C, source(spaces(X, A), ports=(TCP80,)), space="z"),
        ],
        [ingress("*"), egress("*"), egress("x/a", ("z/c", "TCP80")), ingress("z/c", ("x/a", "TCP80"))],
    ),
}


@pytest.mark.parametrize("name", INGRESS)
def test_ingress(name: str) -> None:
    objects, statements = INGRESS[name]
    check(objects, stated(*statements), WORLD)


@pytest.mark.parametrize("name", EGRESS)
def test_egress(name: str) -> None:
    objects, statements = EGRESS[name]
    check(objects, stated(*statements), WORLD)


@pytest.mark.parametrize("name", BOTH)
def test_both_directions(name: str) -> None:
    """A connection needs both of its sides."""
    objects, statements = BOTH[name]
    check(objects, stated(*statements), WORLD)


HEAD = "    x/a x/b x/c y/a y/b y/c z/a z/b z/c\n"
DRAWN: dict[str, tuple[list[Object], str]] = {
    "deny ingress, a pod still reaches itself": (
        [into({})],
        """
        x/a  .   X   X   .   .   .   .   .   .
        x/b  X   .   X   .   .   .   .   .   .
        x/c  X   X   .   .   .   .   .   .   .
        y/a  X   X   X   .   .   .   .   .   .
        y/b  X   X   X   .   .   .   .   .   .
        y/c  X   X   X   .   .   .   .   .   .
        z/a  X   X   X   .   .   .   .   .   .
        z/b  X   X   X   .   .   .   .   .   .
        z/c  X   X   X   .   .   .   .   .   .
        """,
    ),
    "deny egress": (
        [out({})],
        """
        x/a  .   X   X   X   X   X   X   X   X
        x/b  X   .   X   X   X   X   X   X   X
        x/c  X   X   .   X   X   X   X   X   X
        y/a  .   .   .   .   .   .   .   .   .
        y/b  .   .   .   .   .   .   .   .   .
        y/c  .   .   .   .   .   .   .   .   .
        z/a  .   .   .   .   .   .   .   .   .
        z/b  .   .   .   .   .   .   .   .   .
        z/c  .   .   .   .   .   .   .   .   .
        """,
    ),
    "ingress from one namespace or one pod, egress of another pod to a block": (
        [into(A, source(spaces(Y), pods(B))), out(C, target(block("10.1.3.0/24", "10.1.3.1/32")))],
        """
        x/a  .   .   .   .   .   .   .   .   .
        x/b  .   .   .   .   .   .   .   .   .
        x/c  X   X   .   X   X   X   X   .   .
        y/a  .   .   .   .   .   .   .   .   .
        y/b  .   .   .   .   .   .   .   .   .
        y/c  .   .   .   .   .   .   .   .   .
        z/a  X   .   .   .   .   .   .   .   .
        z/b  X   .   .   .   .   .   .   .   .
        z/c  X   .   .   .   .   .   .   .   .
        """,
    ),
    "isolated namespaces": (
        [into({}, source(pods({})), space=space) for space in "xyz"],
        """
        x/a  .   .   .   X   X   X   X   X   X
        x/b  .   .   .   X   X   X   X   X   X
        x/c  .   .   .   X   X   X   X   X   X
        y/a  X   X   X   .   .   .   X   X   X
        y/b  X   X   X   .   .   .   X   X   X
        y/c  X   X   X   .   .   .   X   X   X
        z/a  X   X   X   X   X   X   .   .   .
        z/b  X   X   X   X   X   X   .   .   .
        z/c  X   X   X   X   X   X   .   .   .
        """,
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_drawn(name: str) -> None:
    """Tables drawn by hand, the same for every probe."""
    objects, text = DRAWN[name]
    check(objects, dict.fromkeys(PROBES, drawn(HEAD + text.lstrip("\n"))), WORLD)


@pytest.mark.parametrize(
    ("labels", "before", "after"),
    [
        ({"y": {"ns": "y", "ns2": "updated"}}, "", "y/*"),
        ({"z/b": {"pod": "b", "ns2": "updated"}}, "", "z/b"),
        ({"x/c": {"ns2": "updated"}, "y/c": EDGE}, "", "x/c"),
    ],
    ids=["a namespace", "a pod of another namespace", "a pod of the own namespace"],
)
def test_updated_labels_let_in(labels: dict[str, Any], before: str, after: str) -> None:
    """A label that comes opens what selects by it, and nothing else."""
    updated = {"matchLabels": {"ns2": "updated"}}
    objects = [into(A, source(spaces(updated), spaces({}, updated)))]
    check(objects, stated(ingress("x/a", (before, "*"))), WORLD)
    check(objects, stated(ingress("x/a", (after, "*"))), world(labels=labels))


def test_an_updated_pod_is_no_longer_closed() -> None:
    """A label that goes takes the pod out of the policy, one that comes puts another pod in."""
    objects = [into(A)]
    check(objects, stated(ingress("x/a")), WORLD)
    check(objects, stated(ingress("x/b")), world(labels={"x/a": {"pod": "b"}, "x/b": {"pod": "a"}}))


def test_deleted_policies_leave_nothing_behind() -> None:
    """What one of two policies closes stays closed by the other, until that one is gone too."""
    first, second = into({}, name="first"), policy("second", "x", policyTypes=["Ingress", "Egress"])
    check([first, second], stated(ingress("x/*"), egress("x/*")), WORLD)
    check([first], stated(ingress("x/*")), WORLD)
    check([], stated(), WORLD)
