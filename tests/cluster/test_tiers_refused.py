"""Policies of the Admin and Baseline tiers: what is reported is what their CRDs let the API server refuse (NET-87..99).

Schemas do not look at everything: what no implementation can evaluate and the server takes all the same is reported
too, and listed here on its own.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from kubeaudit.kinds import by_api_kind
from tests.conformance.netpol.corpora import CORPORA

from . import build
from .processes import wait_until
from .refusals import Object, Said, asked, changed, disagreements, reported
from .rest import group_path
from .server import ApiServer
from .test_policies_refused import WORLD

pytestmark = pytest.mark.cluster
GROUP = "policy.networking.k8s.io"
FOLDERS = (
    CORPORA / "network-policy-api" / "config" / "crd" / "experimental",
    build.binaries_folder(os.environ) / build.SCHEMAS,
)
"""Where the schemas are: the corpora have those of v1alpha2, ``make cluster`` fetches the older ones."""
KINDS = {"ClusterNetworkPolicy": "v1alpha2", "AdminNetworkPolicy": "v1alpha1", "BaselineAdminNetworkPolicy": "v1alpha1"}
SIDES = {"ingress": "from", "egress": "to"}
ALL, APP_A = {"namespaces": {}}, {"matchLabels": {"app": "a"}}
PODS = {"pods": {"namespaceSelector": {}, "podSelector": APP_A}}

PEERS: dict[str, Any] = {
    "namespaces": ALL,
    "pods": PODS,
    "two": ALL | PODS,
    "nothing": {},
    "null": None,
    "unknown": {"serviceAccounts": {}},
    "unknown-beside": ALL | {"serviceAccounts": {}},
    "null-namespaces": {"namespaces": None},
    "null-beside": {"namespaces": None, "pods": PODS["pods"]},
    "namespaces-string": {"namespaces": "all"},
    "term-no-operator": {"namespaces": {"matchExpressions": [{"key": "app"}]}},
    "term-no-key": {"namespaces": {"matchExpressions": [{"operator": "Exists"}]}},
    "pods-nothing": {"pods": {}},
    "pods-no-namespaces": {"pods": {"podSelector": {}}},
    "pods-no-pods": {"pods": {"namespaceSelector": {}}},
    "pods-null-pods": {"pods": {"namespaceSelector": {}, "podSelector": None}},
}
CIDRS = (
    *("0.0.0.0/0", "10.0.0.0/8", "::/0", "2001:DB8::/32", "10.0.0.1/24", "2001:db8::1/32", "10.0.0.1", ""),
    *("010.0.0.0/8", "10.0.0.0/08", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "::ffff:10.0.0.0/104", "fe80::%eth0/64"),
    *("::ffff:a00:0/104", "2001:db8::/129", "example.com", "2001:0db8:0000:0000:0000:0000:0000:0000/128", "::/64"),
    *("1111:2222:3333:4444:5555:6666:123.123.123.123/128", "0000:0000:0000:0000:0000:0000:1.1.1.1/128"),
)
DOMAINS = (
    *("example.com", "*.example.com", "example.com.", "a.b.c.example.com", "EXAMPLE.com", "a_b.example.com", "1.2"),
    *("com", "*", "*.com", "", "*.*.example.com", "a.*.com", "-a.com", "a-.com", "a b.com", "http://example.com"),
    *("_dmarc.example.com", "example..com", "example.com:80", "é.com", "example.com\n"),
)
EGRESS: dict[str, Any] = {
    "nodes": {"nodes": {}},
    "networks-empty": {"networks": []},
    "networks-null": {"networks": None},
    "networks-string": {"networks": "10.0.0.0/8"},
    "networks-twice": {"networks": ["10.0.0.0/8", "10.0.0.0/8"]},
    "networks-25": {"networks": [f"10.{number}.0.0/16" for number in range(25)]},
    "networks-26": {"networks": [f"10.{number}.0.0/16" for number in range(26)]},
    "networks-and-nodes": {"networks": ["10.0.0.0/8"], "nodes": {}},
    "domains-empty": {"domainNames": []},
    "domains-twice": {"domainNames": ["example.com", "example.com"]},
    "domains-25": {"domainNames": [f"a{number}.com" for number in range(25)]},
    "domains-26": {"domainNames": [f"a{number}.com" for number in range(26)]},
    **{f"network-{text}": {"networks": [text]} for text in CIDRS},
    **{f"domain-{text}": {"domainNames": [text]} for text in DOMAINS},
}
NUMBERS = (1, 65535, 0, -1, 65536, 2**31, "80", None, 80.5)
ALPHA1: dict[str, Any] = {
    "nothing": {},
    "null": None,
    "unknown": {"port": 80},
    "two": {"portNumber": {"protocol": "TCP", "port": 80}, "namedPort": "http"},
    "name": {"namedPort": "http"},
    "name-number": {"namedPort": 80},
    "number-nothing": {"portNumber": {}},
    "number-no-protocol": {"portNumber": {"port": 80}},
    "range-no-protocol": {"portRange": {"start": 80, "end": 90}},
    "range-no-start": {"portRange": {"end": 90}},
    "range-no-end": {"portRange": {"start": 80}},
    "range-one": {"portRange": {"start": 80, "end": 80}},
    "range-65536": {"portRange": {"start": 80, "end": 65536}},
    "range-0": {"portRange": {"start": 0, "end": 80}},
    **{f"number-{number}": {"portNumber": {"protocol": "UDP", "port": number}} for number in NUMBERS},
}
ALPHA2: dict[str, Any] = {
    "nothing": {},
    "null": None,
    "unknown": {"icmp": {}},
    "two": {"tcp": {"destinationPort": {"number": 80}}, "udp": {"destinationPort": {"number": 80}}},
    "name": {"destinationNamedPort": "http"},
    "name-and-tcp": {"destinationNamedPort": "http", "tcp": {"destinationPort": {"number": 80}}},
    "tcp-nothing": {"tcp": {}},
    "udp-null": {"udp": None},
    "sctp-unknown": {"sctp": {"sourcePort": {"number": 80}}},
    "port-nothing": {"tcp": {"destinationPort": {}}},
    "port-two": {"tcp": {"destinationPort": {"number": 80, "range": {"start": 80, "end": 90}}}},
    **{f"number-{number}": {"udp": {"destinationPort": {"number": number}}} for number in NUMBERS},
    **{
        f"range-{first}-{last}": {"sctp": {"destinationPort": {"range": {"start": first, "end": last}}}}
        for first, last in ((80, 90), (80, 80), (90, 80), (0, 80), (80, 65536), (80, None), (None, 80))
    },
    "range-nothing": {"tcp": {"destinationPort": {"range": {}}}},
}
ITEMS = {"v1alpha1": ("ports", ALPHA1, {"namedPort": "http"}), "v1alpha2": ("protocols", ALPHA2, ALPHA2["name"])}
BLIND_SELECTORS: dict[str, Any] = {
    "in-empty": {"matchExpressions": [{"key": "app", "operator": "In", "values": []}]},
    "exists-values": {"matchExpressions": [{"key": "app", "operator": "Exists", "values": ["a"]}]},
    "operator": {"matchExpressions": [{"key": "app", "operator": "Equals", "values": ["a"]}]},
    "value": {"matchLabels": {"app": "a b"}},
    "key": {"matchLabels": {"a b": "a"}},
}


def specs(kind: str) -> Iterator[tuple[str, Any]]:
    """Specs of a kind by name: every odd value at every place."""
    allow, most = ("Accept", 25) if kind == "ClusterNetworkPolicy" else ("Allow", 100)
    word, items, by_name = ITEMS[KINDS[kind]]
    usual: Object = {"subject": ALL}
    if kind != "BaselineAdminNetworkPolicy":
        usual["priority"] = 10
        for number in (0, 1000, -1, 1001, 10.5, "10", 2**31):
            yield f"priority-{number}", usual | {"priority": number}
        yield "priority-missing", {"subject": ALL}
        yield "priority-null", usual | {"priority": None}
    if kind == "ClusterNetworkPolicy":
        usual["tier"] = "Admin"
        for tier in ("Baseline", "admin", "", "NetworkPolicy", None):
            yield f"tier-{tier}", usual | {"tier": tier}
        yield "tier-missing", {"subject": ALL, "priority": 10}
    yield "nothing", {}
    yield "null", None
    yield "subject-missing", {key: value for key, value in usual.items() if key != "subject"}
    for name, peer in PEERS.items():
        yield f"subject-{name}", usual | {"subject": peer}
    yield "subject-nodes", usual | {"subject": {"nodes": {}}}
    for direction, side in SIDES.items():
        rule = {"action": allow, side: [ALL]}

        def put(*rules: Any, at: str = direction) -> Object:
            return usual | {at: list(rules)}

        yield f"{direction}-rules-none", put()
        yield f"{direction}-rules-null", usual | {direction: None}
        yield f"{direction}-rule-null", put(None)
        yield f"{direction}-rules-{most}", put(*[rule] * most)
        yield f"{direction}-rules-{most + 1}", put(*[rule] * (most + 1))
        yield f"{direction}-peers-missing", put({"action": allow})
        yield f"{direction}-peers-none", put({"action": allow, side: []})
        yield f"{direction}-peers-null", put({"action": allow, side: None})
        yield f"{direction}-peers-{most}", put({"action": allow, side: [ALL] * most})
        yield f"{direction}-peers-{most + 1}", put({"action": allow, side: [ALL] * (most + 1)})
        for action in ("Allow", "Accept", "Deny", "Pass", "allow", "", None):
            yield f"{direction}-action-{action}", put(rule | {"action": action})
        yield f"{direction}-action-missing", put({side: [ALL]})
        for length in (100, 101):
            yield f"{direction}-name-{length}", put(rule | {"name": "é" * length})
        for name, peer in (PEERS | (EGRESS if direction == "egress" else {"nodes": EGRESS["nodes"]})).items():
            yield f"{direction}-peer-{name}", put({"action": allow, side: [peer]})
        for name, item in items.items():
            yield f"{direction}-{word}-{name}", put(rule | {word: [item]})
        yield f"{direction}-{word}-none", put(rule | {word: []})
        yield f"{direction}-{word}-null", put(rule | {word: None})
        for count in (most, most + 1):
            yield f"{direction}-{word}-{count}", put(rule | {word: [by_name] * count})
        yield f"{direction}-second", put(rule, rule | {side: [ALL, {}]})
    for name in ("nodes", "network-10.0.0.0/8", "domain-example.com"):
        yield (
            f"egress-named-{name}",
            usual | {"egress": [{"action": allow, "to": [ALL, EGRESS[name]], word: [by_name]}]},
        )


def policy(kind: str, spec: Any, name: str = "default") -> Object:
    """A policy; its name is the only one that a baseline policy may have."""
    return {"apiVersion": f"{GROUP}/{KINDS[kind]}", "kind": kind, "metadata": {"name": name}, "spec": spec}


def blind_specs(kind: str) -> Iterator[tuple[str, Any]]:
    """Specs that schemas let pass: selectors, protocols and ranges are plain words and numbers to them."""
    allow = "Accept" if kind == "ClusterNetworkPolicy" else "Allow"
    usual: Object = {"subject": ALL}
    usual |= {"BaselineAdminNetworkPolicy": {}, "ClusterNetworkPolicy": {"tier": "Admin", "priority": 10}}.get(
        kind, {"priority": 10}
    )
    for name, selector in BLIND_SELECTORS.items():
        pods = {"pods": {"namespaceSelector": {}, "podSelector": selector}}
        for peer in ({"namespaces": selector}, pods):
            yield f"subject-{name}-{next(iter(peer))}", usual | {"subject": peer}
            for direction, side in SIDES.items():
                rule = {"action": allow, side: [peer]}
                yield f"{direction}-{name}-{next(iter(peer))}", usual | {direction: [rule]}
    if kind != "BaselineAdminNetworkPolicy":
        for action in ("Deny", "Pass"):
            rule = {"action": action, "to": [{"domainNames": ["example.com"]}]}
            yield f"egress-domain-{action}", usual | {"egress": [rule]}
    if KINDS[kind] == "v1alpha1":
        for direction, side in SIDES.items():
            for word in ("ICMP", "tcp", ""):
                item = {"portNumber": {"protocol": word, "port": 80}}
                yield f"{direction}-{word}", usual | {direction: [{"action": allow, side: [ALL], "ports": [item]}]}
            item = {"portRange": {"start": 90, "end": 80}}
            yield f"{direction}-range", usual | {direction: [{"action": allow, side: [ALL], "ports": [item]}]}


BLIND = {kind: {name: policy(kind, spec) for name, spec in blind_specs(kind)} for kind in KINDS}
CASES = {kind: {name: policy(kind, spec) for name, spec in specs(kind)} for kind in KINDS}
CASES["BaselineAdminNetworkPolicy"]["other-name"] = policy("BaselineAdminNetworkPolicy", {"subject": ALL}, "other")


def crd(kind: str) -> Object | None:
    """The schema of a kind, of the channel with more fields; None where no folder has it."""
    name = f"{GROUP}_{by_api_kind()[GROUP, kind].resource}.yaml"
    found = (folder / name for folder in FOLDERS)
    text = next((path.read_text("utf-8") for path in found if path.exists()), None)
    definition: Object | None = yaml.safe_load(text) if text else None
    return definition


@pytest.fixture(scope="module")
def served(api_server: ApiServer) -> Iterator[frozenset[str]]:
    """The kinds whose schemas are at hand; the server has them while they are tested."""
    found = {kind: definition for kind in KINDS if (definition := crd(kind)) is not None}
    api_server.apply(found.values())

    def ready() -> bool:
        folders = (f"{group_path(f'{GROUP}/{KINDS[kind]}')}/{by_api_kind()[GROUP, kind].resource}" for kind in found)
        return all(api_server.request("GET", folder).status == 200 for folder in folders)

    try:
        wait_until(ready, "policies of the tiers to be served", [])
        yield frozenset(found)
    finally:
        for definition in found.values():
            path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"
            api_server.request("DELETE", path).expect(200)


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest, served: frozenset[str]) -> str:
    found: str = request.param
    if found not in served:
        pytest.skip(f"no CRD of {found}: set KUBEAUDIT_CORPORA, or run `{build.COMMAND}`")
    return found


@pytest.fixture(scope="module")
def said(kind: str, api_server: ApiServer) -> dict[str, Said]:
    with api_server.session() as session:
        return asked(session, CASES[kind])


def test_what_is_reported_of_a_tier_policy_is_what_its_schema_refuses(kind: str, said: dict[str, Said]) -> None:
    assert disagreements(CASES[kind], said, WORLD) == {}


def test_a_tier_policy_means_in_a_file_what_it_means_on_the_server(kind: str, said: dict[str, Said]) -> None:
    """CHK-13."""
    assert changed(CASES[kind], said, WORLD) == {}


def test_what_no_implementation_can_evaluate_is_reported_though_the_schema_takes_it(
    kind: str, api_server: ApiServer
) -> None:
    """NET-20, NET-89, NET-91."""
    with api_server.session() as session:
        said = asked(session, BLIND[kind])
    assert {name: answer.refusal for name, answer in said.items() if answer.refusal} == {}
    assert [name for name, item in BLIND[kind].items() if not reported(item, WORLD)] == []
