"""Generated policies against truth tables: every building block in every place (network.md, 8.4).

A building block is a piece of a policy with the pods, or the probes, that it admits, written beside it by hand.
"""

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import pytest

from .clusters import Object, policy
from .truth_tables import EDGE, PODS, PROBES, Closed, Truth, check, closed, difference, drawn, shown, stated, world

DIRECTIONS = {"ingress": "from", "egress": "to"}
WORLD = world()
POD_A = {"matchLabels": {"pod": "a"}}
EDGE_EXISTS = {"matchExpressions": [{"key": "edge", "operator": "Exists"}]}
NO_EDGE = {"matchExpressions": [{"key": "edge", "operator": "DoesNotExist"}]}
NOT_AT_THE_EDGE = {"matchExpressions": [{"key": "edge", "operator": "NotIn", "values": ["yes"]}]}

POD_SELECTORS: dict[str, tuple[Object | None, str]] = {
    "any pod": (None, "abc"),
    "all pods": ({}, "abc"),
    "label b": ({"matchLabels": {"pod": "b"}}, "b"),
    "in a, b": ({"matchExpressions": [{"key": "pod", "operator": "In", "values": ["a", "b"]}]}, "ab"),
    "not in": (NOT_AT_THE_EDGE, "ab"),
    "exists": (EDGE_EXISTS, "c"),
    "absent": (NO_EDGE, "ab"),
}
NAMESPACE_SELECTORS: dict[str, tuple[Object | None, str]] = {
    "own namespace": (None, "x"),
    "all namespaces": ({}, "xyz"),
    "label y": ({"matchLabels": {"ns": "y"}}, "y"),
    "in x, z": ({"matchExpressions": [{"key": "ns", "operator": "In", "values": ["x", "z"]}]}, "xz"),
    "not in": (NOT_AT_THE_EDGE, "xy"),
    "exists": (EDGE_EXISTS, "z"),
    "absent": (NO_EDGE, "xy"),
}
"""Selectors in policies of namespace x, with what they admit."""
BLOCKS: dict[str, tuple[Object, str]] = {
    "all of IPv4": ({"cidr": "0.0.0.0/0"}, "*"),
    "all of IPv6": ({"cidr": "::/0"}, ""),
    "a namespace": ({"cidr": "10.1.1.0/24"}, "x/*"),
    "one pod": ({"cidr": "10.1.1.2/32"}, "x/b"),
    "all but a namespace": ({"cidr": "10.1.0.0/16", "except": ["10.1.2.0/24"]}, "x/* z/*"),
    "nothing left": ({"cidr": "10.1.3.0/30", "except": ["10.1.3.0/31", "10.1.3.2/31"]}, ""),
}
PROTOCOLS: dict[str, tuple[Object, str]] = {
    "no protocol": ({}, "TCP"),
    **{word: ({"protocol": word}, word) for word in ("TCP", "UDP", "SCTP")},
}
PORTS: dict[str, tuple[Object, str]] = {
    "no port": ({}, "TCP80 TCP81 UDP80 UDP81 SCTP80 SCTP81"),
    "81": ({"port": 81}, "TCP81 UDP81 SCTP81"),
    "TCP's name": ({"port": "serve-81-tcp"}, "TCP81"),
}
"""Parts of port items; an item admits what both of its parts do."""


def peers() -> Iterable[tuple[str, list[Object] | None, str]]:
    """Peer lists of policies of namespace x, with the pods they admit: 56."""
    yield "no list", None, "*"
    yield "empty list", [], "*"
    for of_namespace, (namespaces, spaces) in NAMESPACE_SELECTORS.items():
        for of_pod, (pods, names) in POD_SELECTORS.items():
            if namespaces is not None or pods is not None:
                peer = {"namespaceSelector": namespaces, "podSelector": pods}
                admitted = " ".join(f"{space}/{name}" for space in spaces for name in names)
                yield f"{of_pod}, {of_namespace}", [{k: v for k, v in peer.items() if v is not None}], admitted
    for name, (block, admitted) in BLOCKS.items():
        yield f"block: {name}", [{"ipBlock": block}], admitted


def port_items() -> Iterable[tuple[str, Object, str]]:
    """Port items with the probes they admit: 12."""
    for of_protocol, (protocol, word) in PROTOCOLS.items():
        for of_port, (port, probes) in PORTS.items():
            admitted = " ".join(probe for probe in probes.split() if probe.startswith(word))
            yield f"{of_protocol}, {of_port}", protocol | port, admitted


def port_lists() -> Iterable[tuple[str, list[Object] | None, str]]:
    """Port lists with the probes they admit: none, one or two of the items."""
    yield "no list", None, "*"
    yield "empty list", [], "*"
    items = list(port_items())
    for name, item, admitted in items:
        yield name, [item], admitted
    for (name, item, admitted), (other, second, more) in combinations(items, 2):
        yield f"{name} + {other}", [item, second], f"{admitted} {more}"


def of_a(direction: str, *rules: Object, name: str = "np", space: str = "x", subject: Any = POD_A) -> Object:
    """A policy of pod x/a, or of another subject."""
    types = [direction.capitalize()]
    return policy(name, space, podSelector=subject, policyTypes=types, **{direction: list(rules)})


def cases(blocks: Iterable[tuple[str, Any, str]]) -> list[Any]:
    """The blocks in both directions, as parameters of a test."""
    found = list(blocks)
    return [
        pytest.param(direction, made, admitted, id=f"{direction}: {name}")
        for direction in DIRECTIONS
        for name, made, admitted in found
    ]


@pytest.mark.parametrize(("direction", "made", "admitted"), cases(peers()))
def test_peers(direction: str, made: list[Object] | None, admitted: str) -> None:
    """NET-13..16, NET-18, NET-19, NET-36..38, NET-43: 112 cases."""
    rule = {} if made is None else {DIRECTIONS[direction]: made}
    check([of_a(direction, rule)], stated(closed(direction, "x/a", (admitted, "*"))), WORLD)


@pytest.mark.parametrize(("direction", "made", "admitted"), cases(port_lists()))
def test_ports_and_protocols(direction: str, made: list[Object] | None, admitted: str) -> None:
    """NET-07, NET-21, NET-22, NET-25, NET-26, NET-28, NET-33: 160 cases."""
    rule = {} if made is None else {"ports": made}
    check([of_a(direction, rule)], stated(closed(direction, "x/a", ("*", admitted))), WORLD)


NOBODY = {"matchLabels": {"nobody": "yes"}}
RULES: dict[str, tuple[list[Object], str]] = {
    "everything": ([{}], "*"),
    "nothing": ([], ""),
    "pods": ([{"PEERS": [{"namespaceSelector": {}}]}], "*"),
    "no pods": ([{"PEERS": [{"namespaceSelector": NOBODY}]}], ""),
    "addresses": ([{"PEERS": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}], "*"),
    "no addresses": ([{"PEERS": [{"ipBlock": {"cidr": "0.0.0.0/31"}}]}], ""),
}
"""Rules by the pods they let through."""
CONFLICTS: list[tuple[tuple[str, str, str], ...]] = [
    (("egress", "x/b", "nothing"), ("ingress", "y/c", "everything")),
    (("egress", "x/b", "everything"), ("ingress", "y/c", "nothing")),
    *(
        tuple((direction, subject, rules) for rules in both)
        for direction, subject in (("egress", "x/b"), ("ingress", "y/c"))
        for both in (
            ("nothing", "everything"),
            ("nothing", "pods"),
            ("nothing", "addresses"),
            ("no addresses", "pods"),
            ("no pods", "addresses"),
            ("no addresses",),
            ("no pods",),
        )
    ),
]


@pytest.mark.parametrize("conflict", CONFLICTS, ids=lambda found: " + ".join(f"{d} {r}" for d, _, r in found))
def test_conflicts(conflict: tuple[tuple[str, str, str], ...]) -> None:
    """NET-08: an allow wins over every policy that lets less through, but never over the other side: 16 cases."""
    made, statements = [], list[Closed]()
    for number, (direction, subject, word) in enumerate(conflict):
        rules, admitted = RULES[word]
        placed = [{DIRECTIONS[direction]: rule["PEERS"]} if rule else {} for rule in rules]
        selector = {"matchLabels": {"pod": subject[2:]}}
        made.append(of_a(direction, *placed, name=f"np{number}", space=subject[0], subject=selector))
        statements.append(closed(direction, subject, (admitted, "*")))
    check(made, stated(*statements), WORLD)


@pytest.mark.parametrize(
    ("subject", "closed_pods"),
    [
        ({}, "x/*"),
        (None, "x/*"),
        (POD_A, "x/a"),
        ({"matchExpressions": [{"key": "pod", "operator": "In", "values": ["b", "c"]}]}, "x/b x/c"),
        (NOT_AT_THE_EDGE, "x/a x/b"),
        (NOBODY, ""),
    ],
)
def test_targets(subject: Object | None, closed_pods: str) -> None:
    """NET-01, NET-05, NET-09, NET-11, NET-19: 6 cases, in both directions at once."""
    spec = {"policyTypes": ["Ingress", "Egress"]} | ({} if subject is None else {"podSelector": subject})
    both = (closed(direction, closed_pods) for direction in DIRECTIONS)
    check([policy("np", "x", **spec)], stated(*both), WORLD)


FROM_B = {"from": [{"podSelector": {"matchLabels": {"pod": "b"}}}]}
FROM_NS_Y = {"from": [{"namespaceSelector": {"matchLabels": {"ns": "y"}}}]}
OPEN = stated()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (([], WORLD, OPEN), ([of_a("ingress", FROM_B)], WORLD, stated(closed("ingress", "x/a", ("x/b", "*"))))),
        (([of_a("ingress")], WORLD, stated(closed("ingress", "x/a"))), ([], WORLD, OPEN)),
        (
            ([of_a("ingress", FROM_B)], WORLD, stated(closed("ingress", "x/a", ("x/b", "*")))),
            ([of_a("ingress", FROM_NS_Y)], WORLD, stated(closed("ingress", "x/a", ("y/*", "*")))),
        ),
        (
            ([of_a("ingress", FROM_B)], WORLD, stated(closed("ingress", "x/a", ("x/b", "*")))),
            (
                [of_a("ingress", FROM_B)],
                world(labels={"x/b": {"pod": "other"}, "x/c": {"pod": "b"}}),
                stated(closed("ingress", "x/a", ("x/c", "*"))),
            ),
        ),
        (
            ([of_a("ingress", FROM_NS_Y)], WORLD, stated(closed("ingress", "x/a", ("y/*", "*")))),
            (
                [of_a("ingress", FROM_NS_Y)],
                world(labels={"y": {}, "z": {"ns": "y"}}),
                stated(closed("ingress", "x/a", ("z/*", "*"))),
            ),
        ),
        (
            ([of_a("ingress", FROM_B)], WORLD, stated(closed("ingress", "x/a", ("x/b", "*")))),
            (
                [of_a("ingress", FROM_B)],
                world(without="x/b"),
                stated(closed("ingress", "x/a", ("x/b", "*")), absent="x/b"),
            ),
        ),
    ],
    ids=["policy made", "policy deleted", "policy changed", "pods relabelled", "namespaces relabelled", "pod deleted"],
)
def test_actions(before: tuple[Any, Any, Truth], after: tuple[Any, Any, Truth]) -> None:
    """What holds before something is done, and after: 6 cases."""
    for objects, among, expected in (before, after):
        check(objects, expected, among)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    ("rules", "through"),
    [
        ([({"pod": "b"}, 80), ({"pod": "c"}, 81)], (("x/b", "*80"), ("x/c", "*81"))),
        ([({"pod": "b"}, 80), ({"pod": "b"}, 80), (EDGE, 80)], (("x/b x/c", "*80"),)),
    ],
    ids=["disjoint", "overlapping"],
)
def test_rules(direction: str, rules: list[tuple[Object, int]], through: tuple[tuple[str, str], ...]) -> None:
    """NET-08: several rules let through what one of them does, peers and ports of the same one: 4 cases."""
    made = [
        {
            DIRECTIONS[direction]: [{"podSelector": {"matchLabels": labels}}],
            "ports": [{"protocol": word, "port": number} for word in ("TCP", "UDP", "SCTP")],
        }
        for labels, number in rules
    ]
    check([of_a(direction, *made)], stated(closed(direction, "x/a", *through)), WORLD)


def test_a_policy_stays_in_its_namespace() -> None:
    """NET-09: policies of one name in two namespaces are two."""
    made = [of_a("ingress", FROM_B, space=space) for space in "xy"]
    expected = stated(closed("ingress", "x/a", ("x/b", "*")), closed("ingress", "y/a", ("y/b", "*")))
    check(made, expected, WORLD)


def test_a_namespace_has_its_name_as_a_label() -> None:
    """NET-10."""
    name = {"matchLabels": {"kubernetes.io/metadata.name": "z"}}
    check(
        [of_a("ingress", {"from": [{"namespaceSelector": name}]})],
        stated(closed("ingress", "x/a", ("z/*", "*"))),
        WORLD,
    )


def test_statements_and_drawings_are_the_same_tables() -> None:
    """The proof of the proof: what is stated, drawn by hand."""
    made = stated(closed("ingress", "x/a", ("x/b z/*", "TCP80")), closed("egress", "y/*", ("*/c", "*")))
    text = """
        x/a x/b x/c y/a y/b y/c z/a z/b z/c
    x/a  .   .   .   .   .   .   .   .   .
    x/b  .   .   .   .   .   .   .   .   .
    x/c  X   .   .   .   .   .   .   .   .
    y/a  X   X   .   .   X   .   X   X   .
    y/b  X   X   .   X   .   .   X   X   .
    y/c  X   X   .   X   X   .   X   X   .
    z/a  .   .   .   .   .   .   .   .   .
    z/b  .   .   .   .   .   .   .   .   .
    z/c  .   .   .   .   .   .   .   .   .
    """
    assert made["TCP80"] == drawn(text)
    assert drawn("\n".join(shown(made["UDP81"]))) == made["UDP81"]
    assert [row[0] for row in made["UDP81"]] == [".", *"XXXXXXXX"]


def test_a_table_that_differs_is_shown_beside_what_is_expected() -> None:
    made, other = stated(closed("ingress", "x/a")), stated()
    text = difference("TCP80", other["TCP80"], made["TCP80"]).splitlines()
    assert [line.endswith("<--") for line in text] == [False, False, False, *[True] * 8]
    assert text[3].split() == [PODS[1], *"." * 9, "|", PODS[1], "X", *"." * 8, "<--"]
    assert set(made) == set(PROBES)
