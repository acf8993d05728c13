"""What is reported of a NetworkPolicy in a file is what the real API server refuses, and nothing else (NET-17..37).

Every odd value is put at every place it can stand. What the server takes must mean in a file what it means after the
server has written its defaults into it (CHK-13, NET-03, NET-07).
"""

from collections.abc import Iterator
from typing import Any

import pytest

from .refusals import Object, Said, asked, changed, disagreements, reported
from .server import ApiServer

pytestmark = pytest.mark.cluster
NAMESPACE = "refused"
LONG = "a" * 63

TERMS: dict[str, Object] = {
    "in": {"key": "app", "operator": "In", "values": ["a", "b", ""]},
    "in-empty": {"key": "app", "operator": "In", "values": []},
    "in-missing": {"key": "app", "operator": "In"},
    "in-null": {"key": "app", "operator": "In", "values": None},
    "in-bad-value": {"key": "app", "operator": "In", "values": ["a", "b c"]},
    "in-long-value": {"key": "app", "operator": "In", "values": [LONG + "a"]},
    "in-longest-value": {"key": "app", "operator": "In", "values": [LONG]},
    "notin": {"key": "app", "operator": "NotIn", "values": ["a"]},
    "notin-empty": {"key": "app", "operator": "NotIn", "values": []},
    "notin-bad-value": {"key": "app", "operator": "NotIn", "values": ["-a"]},
    "exists": {"key": "app", "operator": "Exists"},
    "exists-empty": {"key": "app", "operator": "Exists", "values": []},
    "exists-values": {"key": "app", "operator": "Exists", "values": ["a"]},
    "exists-bad-value": {"key": "app", "operator": "Exists", "values": ["-"]},
    "absent": {"key": "app", "operator": "DoesNotExist"},
    "absent-values": {"key": "app", "operator": "DoesNotExist", "values": ["a"]},
    "lower-case": {"key": "app", "operator": "in", "values": ["a"]},
    "equals": {"key": "app", "operator": "=", "values": ["a"]},
    "gt": {"key": "app", "operator": "Gt", "values": ["1"]},
    "no-operator": {"key": "app", "values": ["a"]},
    "empty-operator": {"key": "app", "operator": "", "values": ["a"]},
    "no-key": {"operator": "Exists"},
    "key-space": {"key": "a b", "operator": "Exists"},
    "key-slashes": {"key": "a/b/c", "operator": "Exists"},
    "key-no-prefix": {"key": "/a", "operator": "Exists"},
    "key-no-name": {"key": "example.com/", "operator": "Exists"},
    "key-prefix": {"key": "example.com/A_b.c", "operator": "Exists"},
    "key-upper-prefix": {"key": "Example.com/a", "operator": "Exists"},
    "key-long-prefix": {"key": "a." * 126 + "a/b", "operator": "Exists"},
    "key-longer-prefix": {"key": "a." * 126 + "aa/b", "operator": "Exists"},
    "key-long": {"key": LONG, "operator": "Exists"},
    "key-longer": {"key": LONG + "a", "operator": "Exists"},
    "null-term": None,
    "word-term": "app",
    "number-value": {"key": "app", "operator": "In", "values": [1]},
}
LABELS: dict[str, Any] = {
    "one": {"app": "a"},
    "empty-value": {"app": ""},
    "bad-value": {"app": "a b"},
    "slash-value": {"app": "a/b"},
    "end-value": {"app": "a."},
    "long-value": {"app": LONG + "a"},
    "bad-key": {"a b": "a"},
    "empty-key": {"": "a"},
    "upper-prefix": {"Example.com/a": "a"},
    "number": {"app": 1},
    "null": {"app": None},
    "list": ["app"],
}
SELECTORS: dict[str, Any] = {
    "all": {},
    "misspelt": {"matchLabel": {"app": "a"}},
    "string": "app=a",
    "both": {"matchLabels": {"app": "a"}, "matchExpressions": [TERMS["exists"], TERMS["exists-values"]]},
    **{f"labels-{name}": {"matchLabels": value} for name, value in LABELS.items()},
    **{f"term-{name}": {"matchExpressions": [value]} for name, value in TERMS.items()},
}
CIDRS: dict[str, Any] = {
    "whole": "0.0.0.0/0",
    "net": "10.0.0.0/8",
    "one": "10.0.0.1/32",
    "no-prefix": "10.0.0.1",
    "empty": "",
    "host-bits": "10.0.0.1/24",
    "zeros": "010.0.0.0/8",
    "zero-prefix": "10.0.0.0/08",
    "plus-prefix": "10.0.0.0/+8",
    "netmask": "10.0.0.0/255.0.0.0",
    "hostmask": "10.0.0.0/0.255.255.255",
    "wide-prefix": "10.0.0.0/33",
    "minus-prefix": "10.0.0.0/-1",
    "no-number": "10.0.0.0/a",
    "short": "10.0/16",
    "octet": "10.0.0.256/32",
    "space": " 10.0.0.0/8",
    "space-after": "10.0.0.0/8 ",
    "two-slashes": "10.0.0.0/8/8",
    "name": "example.com",
    "arabic": "10.0.0.0/٨",
    "v6-whole": "::/0",
    "v6": "2001:db8::/32",
    "v6-long": "2001:0db8:0:0:0:0:0:0/32",
    "v6-upper": "2001:DB8::/32",
    "v6-host-bits": "2001:db8::1/32",
    "v6-wide-prefix": "2001:db8::/129",
    "v6-zone": "fe80::%eth0/64",
    "v6-brackets": "[2001:db8::]/32",
    "v6-dotted": "2001:db8::10.0.0.0/128",
    "v6-mapped": "::ffff:10.0.0.0/104",
    "v6-mapped-hex": "::ffff:a00:0/104",
    "v6-mapped-whole": "::ffff:0:0/96",
    "v6-around-mapped": "::/64",
    "number": 10,
    "null": None,
}
EXCEPTS: dict[str, Any] = {
    "inside": ("10.0.0.0/8", ["10.1.0.0/16", "10.1.2.0/24"]),
    "equal": ("10.0.0.0/8", ["10.0.0.0/8"]),
    "wider": ("10.1.0.0/16", ["10.0.0.0/8"]),
    "outside": ("10.0.0.0/8", ["11.0.0.0/16"]),
    "other-family": ("10.0.0.0/8", ["2001:db8::/64"]),
    "v4-in-v6": ("::/0", ["10.0.0.0/8"]),
    "v6-inside": ("2001:db8::/32", ["2001:db8:1::/48"]),
    "of-bad": ("10.0.0.0/33", ["10.0.0.0/16"]),
    "of-host-bits": ("10.0.0.1/8", ["10.0.0.0/16"]),
    "string": ("10.0.0.0/8", "10.1.0.0/16"),
    "null-item": ("10.0.0.0/8", [None]),
    **{f"cidr-{name}": ("10.0.0.0/8" if ":" not in str(text) else "::/0", [text]) for name, text in CIDRS.items()},
}
BLOCKS: dict[str, Any] = {
    "empty": {},
    "only-except": {"except": ["10.0.0.0/8"]},
    "misspelt": {"cidrs": "10.0.0.0/8"},
    **{f"cidr-{name}": {"cidr": text} for name, text in CIDRS.items()},
    **{f"except-{name}": {"cidr": whole, "except": texts} for name, (whole, texts) in EXCEPTS.items()},
}
PEERS: dict[str, Any] = {
    "nothing": {},
    "null": None,
    "misspelt": {"podSelectors": {}},
    "null-selector": {"podSelector": None},
    "null-and-set": {"podSelector": None, "namespaceSelector": {}},
    "both-selectors": {"podSelector": {}, "namespaceSelector": {}},
    "block-and-pods": {"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}},
    "block-and-namespaces": {"ipBlock": {"cidr": "10.0.0.0/8"}, "namespaceSelector": {}},
    "block-and-null": {"ipBlock": {"cidr": "10.0.0.0/8"}, "namespaceSelector": None},
    "empty-block-and-pods": {"ipBlock": {}, "podSelector": {}},
    **{f"pods-{name}": {"podSelector": value} for name, value in SELECTORS.items()},
    **{f"namespaces-{name}": {"namespaceSelector": value} for name, value in SELECTORS.items()},
    **{f"block-{name}": {"ipBlock": value} for name, value in BLOCKS.items()},
}
PORTS: dict[str, Any] = {
    "nothing": {},
    "null-protocol": {"protocol": None, "port": 80},
    **{f"protocol-{word}": {"protocol": word} for word in ("TCP", "UDP", "SCTP", "tcp", "ICMP", "HTTP", "6", "")},
    **{f"port-{number}": {"port": number} for number in (1, 65535, 0, -1, 65536, 2**31, 2**40)},
    **{f"name-{word or 'empty'}": {"port": word} for word in ("http", "a", "a1-b", "1a", "", "HTTP", "a b", "a_b")},
    **{f"name-{word}": {"port": word} for word in ("-a", "a-", "a--b", "1-2", "a" * 15, "a" * 16, "80", "٨٠")},
    **{f"end-{last}": {"port": 80, "endPort": last} for last in (80, 81, 65535, 79, 0, -1, 65536, "81", None)},
    "end-alone": {"endPort": 80},
    "end-of-name": {"port": "http", "endPort": 80},
    "end-of-string": {"port": "80", "endPort": 81},
    "end-of-zero": {"port": 0, "endPort": 80},
    "boolean": {"port": True},
    "fraction": {"port": 80.5},
    "whole-fraction": {"port": 80.0},
    "protocol-number": {"protocol": 6},
}
TYPES: dict[str, Any] = {
    **{"-".join(words) or "none": list(words) for words in ((), ("Ingress",), ("Egress",), ("Ingress", "Egress"))},
    "twice": ["Egress", "Egress"],
    "three": ["Ingress", "Egress", "Ingress"],
    "lower": ["ingress"],
    "other": ["Ingress", "Both"],
    "empty": [""],
    "null": None,
    "null-item": [None],
    "string": "Ingress",
}
RULES: dict[str, Any] = {
    "none": [],
    "null": None,
    "all": [{}],
    "no-peers": [{"from": [], "to": []}],
    "null-peers": [{"from": None, "to": None, "ports": None}],
    "misspelt": [{"form": [], "port": []}],
    "object": {},
    "string": "all",
    "peers-object": [{"from": {}, "to": {}}],
    "ports-object": [{"ports": {}}],
}
SIDES = {"ingress": "from", "egress": "to"}
WORLD: list[Object] = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"app": name}}}
    for name in (NAMESPACE, "a")
] + [
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": space, "labels": {"app": name}},
        "spec": {
            "containers": [{"name": "c", "image": "i", "ports": [{"name": "http", "containerPort": 8080}]}],
        },
        "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]},
    }
    for name, space, address in (("a", NAMESPACE, "10.0.0.1"), ("b", NAMESPACE, "10.1.2.3"), ("a", "a", "10.9.0.1"))
]


def network_policies() -> Iterator[tuple[str, Object]]:
    """Specs of NetworkPolicies by name: every odd value at every place."""
    for name, value in SELECTORS.items():
        yield f"subject-{name}", {"podSelector": value}
    for direction, side in SIDES.items():
        types = [direction.capitalize()]
        other = ["Egress" if direction == "ingress" else "Ingress"]
        for name, peer in PEERS.items():
            yield f"{direction}-peer-{name}", {"policyTypes": types, direction: [{side: [peer]}]}
        for name, port in PORTS.items():
            yield f"{direction}-port-{name}", {"policyTypes": types, direction: [{"ports": [port]}]}
        for name, rules in RULES.items():
            yield f"{direction}-rules-{name}", {direction: rules}
        # A rule of a direction that is not among the types is inert (NET-04), and refused all the same.
        for name in ("nothing", "block-cidr-empty", "pods-term-in-empty", "both-selectors"):
            yield f"inert-{direction}-peer-{name}", {"policyTypes": other, direction: [{side: [PEERS[name]]}]}
        for name in ("port-0", "end-79", "name-HTTP", "protocol-tcp", "nothing"):
            yield f"inert-{direction}-port-{name}", {"policyTypes": other, direction: [{"ports": [PORTS[name]]}]}
        # What is bad stays bad behind what is good.
        yield f"{direction}-second", {direction: [{}, {side: [{"podSelector": {}}, {}], "ports": [{}, {"port": 0}]}]}
    for name, value in TYPES.items():
        yield f"types-{name}", {"policyTypes": value, "ingress": [{}], "egress": [{}]}


CASES = {
    name: {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "case", "namespace": NAMESPACE},
        "spec": spec,
    }
    for name, spec in network_policies()
}


STRICTER = {
    f"{direction}-{name}": CASES[f"{direction}-rules-all"] | {"spec": {direction: rules}}
    for direction in SIDES
    for name, rules in (("null-rule", [None]), ("null-port", [{"ports": [None]}]))
}
"""What is not read, though the server takes a null item of a list for an object without fields."""


@pytest.fixture(scope="module")
def said(api_server: ApiServer) -> dict[str, Said]:
    api_server.namespace(NAMESPACE)
    with api_server.session() as session:
        return asked(session, CASES)


def test_what_is_reported_of_a_networkpolicy_is_what_the_server_refuses(said: dict[str, Said]) -> None:
    assert disagreements(CASES, said, WORLD) == {}


def test_a_networkpolicy_means_in_a_file_what_it_means_with_the_defaults_of_the_server(said: dict[str, Said]) -> None:
    """CHK-13, NET-03, NET-07."""
    assert changed(CASES, said, WORLD) == {}


def test_null_items_make_a_policy_unreadable_and_that_is_said(api_server: ApiServer, said: dict[str, Said]) -> None:
    with api_server.session() as session:
        answers = asked(session, STRICTER)
    assert {name: answer.refusal for name, answer in answers.items() if answer.refusal} == {}
    assert {name: [*reported(item, WORLD)] for name, item in STRICTER.items()} == {name: [""] for name in STRICTER}
