"""network-policy-api: upstream's conformance checks as steps on one evolving state (network.md, 8.3)."""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from network.clusters import cluster, node

from conformance.netpol.corpora import CORPORA, absent, manifests
from kubeaudit.documents import Document, parse
from kubeaudit.model.cluster import Cluster
from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.proof import State

_ROOT = CORPORA / "network-policy-api"
_FILE = _ROOT / "cases.json"
_CASES: list[dict[str, Any]] = json.loads(_FILE.read_text()) if _FILE.exists() else []
_EXAMPLES = sorted(_ROOT.joinpath("site-src").rglob("*.yaml"))
_NAME = "network-policy-api, expectations"
_CRD = "config/crd/experimental/policy.networking.k8s.io_clusternetworkpolicies.yaml"
_NODE_LABEL = {"kubernetes.io/os": "linux"}
Object = dict[str, Any]

pytestmark = pytest.mark.skipif(not _CASES, reason=absent(_FILE))


class _World:
    """The objects of a case, changed by its steps."""

    def __init__(self, names: list[str]) -> None:
        objects = [copy.deepcopy(found) for name in names for found in manifests(_ROOT / name)]
        self._objects = [found for found in objects if found["kind"] != "StatefulSet"]
        self._objects += [made for found in objects if found["kind"] == "StatefulSet" for made in _replicas(found)]
        self._placed()

    def _placed(self) -> None:
        """Pods get addresses of their own, host-network pods those of nodes of their own."""
        for number, pod in enumerate([found for found in self._objects if found["kind"] == "Pod"]):
            on_host = pod["spec"].get("hostNetwork", False)
            address = f"172.18.0.{number + 2}" if on_host else f"10.244.0.{number + 2}"
            pod["status"] = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
            if on_host:
                pod["spec"]["nodeName"] = f"node-{number}"
                made = node(f"node-{number}", address)
                made["metadata"]["labels"] = dict(_NODE_LABEL)
                self._objects.append(made)

    def load(self) -> Reach:
        return assemble(cluster(*self._objects), profile("kube-network-policies"))

    def apply(self, step: Object) -> None:
        change = {
            "swap": self._swap,
            "priority": lambda one: self._spec(one).update(priority=one["value"]),
            "set_action": lambda one: self._rule(one).update(action=one["action"]),
            "set_protocols": lambda one: self._rule(one).update(protocols=one["protocols"]),
            "set_namespace_labels": self._label,
            "delete": self._delete,
        }
        change[step["op"]](step)

    def _spec(self, step: Object) -> Object:
        policies = (found for found in self._objects if found["kind"] == "ClusterNetworkPolicy")
        return next(found["spec"] for found in policies if found["metadata"]["name"] == step["policy"])

    def _rule(self, step: Object) -> Object:
        return self._spec(step)[step["direction"]][step["index"]]

    def _swap(self, step: Object) -> None:
        rules = self._spec(step)[step["direction"]]
        rules[step["a"]], rules[step["b"]] = rules[step["b"]], rules[step["a"]]

    def _label(self, step: Object) -> None:
        for found in self._objects:
            if (found["kind"], found["metadata"]["name"]) == ("Namespace", step["namespace"]):
                found["metadata"]["labels"] = {"kubernetes.io/metadata.name": step["namespace"]} | step["labels"]

    def _delete(self, step: Object) -> None:
        gone = (step["kind"], step.get("namespace", ""), step["name"])
        left = [found for found in self._objects if _identity(found) != gone]
        assert len(left) < len(self._objects)
        self._objects = left


def _identity(found: Object) -> tuple[str, str, str]:
    return found["kind"], found["metadata"].get("namespace", ""), found["metadata"]["name"]


def _replicas(found: Object) -> Iterator[Object]:
    """The pods of a StatefulSet, named as its controller names them."""
    meta, template = found["metadata"], found["spec"]["template"]
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": meta["name"], "uid": "u", "controller": True}
    for number in range(found["spec"]["replicas"]):
        metadata = {
            "name": f"{meta['name']}-{number}",
            "namespace": meta["namespace"],
            "labels": template["metadata"]["labels"],
            "ownerReferences": [owner],
        }
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": copy.deepcopy(template["spec"])}


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["id"])
def test_every_expectation_of_a_case_holds_in_order(case: Object, tally: Counter[tuple[str, str]]) -> None:
    world, asked, wrong = _World(case["manifests"]), 0, []
    reach = world.load()
    assert reach.problems == () and reach.cluster.bad == ()
    for subtest in case["subtests"]:
        for step in subtest["steps"]:
            if step["op"] != "expect":
                world.apply(step)
                reach = world.load()
                continue
            asked += 1
            ends = [_pod(reach.cluster, *step[end]) for end in ("from", "to")]
            found = reach.packet(*ends, step["protocol"], step["port"]).state
            if found is not (State.YES if step["allowed"] else State.BLOCKED):
                wrong.append((subtest["index"], step, found))
    tally[_NAME, "agreed"] += asked - len(wrong)
    tally[_NAME, "differs"] += len(wrong)
    assert asked
    assert wrong == []


def _pod(found: Cluster, namespace: str, name: str) -> int:
    return next(n for n, pod in enumerate(found.pods) if (pod.namespace, pod.name) == (namespace, name))


@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: path.stem)
def test_user_stories_are_read_or_named(path: Any) -> None:
    """Parse examples without expectation: a policy that cannot be used is reported, and nothing is raised."""
    reach = assemble(cluster(*manifests(path)), profile("kube-network-policies"))
    compiled = {policy.ref.name for policy in reach.judge.policies}
    unusable = {bad.object.name for bad in reach.cluster.bad if bad.object}
    stated = {found["metadata"]["name"] for found in manifests(path)}
    broken = [found for found in parse(path.read_bytes(), path.name) if not isinstance(found, Document)]
    assert stated or broken
    assert compiled | unusable == stated


_ALL = {"namespaces": {}}
_PEERS = [{"networks": ["10.0.0.0/8"]}, {"nodes": {}}, {"domainNames": ["example.com"]}, _ALL]


def _spec(**change: Any) -> Object:
    return {"tier": "Admin", "priority": 1, "subject": _ALL} | change


def _egress(**change: Any) -> Object:
    return _spec(egress=[{"action": "Accept", "to": [_ALL]} | change])


def _protocol(**item: Any) -> Object:
    return _egress(protocols=[item])


@pytest.mark.parametrize(
    "spec",
    [
        _spec(),
        *(_egress(to=[peer]) for peer in _PEERS),
        _egress(to=[]),
        _egress(to=[{}]),
        _egress(to=[{"newer": {}}]),
        _egress(to=[_PEERS[0] | _ALL]),
        _egress(to=[_ALL] * 25),
        _egress(to=[_ALL] * 26),
        _egress(to=[{"networks": []}]),
        _egress(to=[{"networks": [f"10.0.0.{n}/32" for n in range(26)]}]),
        _egress(to=[{"domainNames": []}]),
        _egress(to=[{"pods": {"podSelector": {}}}]),
        _egress(action="Allow"),
        _egress(action="Pass"),
        _spec(egress=[{"action": "Deny"}]),
        _spec(egress=[{"to": [_ALL]}]),
        _spec(ingress=[{"action": "Deny", "from": [_PEERS[0]]}]),
        _spec(ingress=[{"action": "Deny", "from": [_ALL]}] * 25),
        _spec(ingress=[{"action": "Deny", "from": [_ALL]}] * 26),
        _protocol(tcp={"destinationPort": {"number": 80}}),
        _protocol(tcp={"destinationPort": {"number": 0}}),
        _protocol(tcp={"destinationPort": {"number": 65536}}),
        _protocol(udp={"destinationPort": {"range": {"start": 1, "end": 2}}}),
        _protocol(udp={"destinationPort": {"range": {"start": 1}}}),
        _protocol(udp={"destinationPort": {}}),
        _protocol(tcp={"destinationPort": {"number": 80}}, sctp={"destinationPort": {"number": 80}}),
        _protocol(destinationNamedPort="http"),
        _protocol(),
        _spec(priority=1000),
        _spec(priority=1001),
        _spec(priority=-1),
        _spec(tier="Middle"),
        _spec(subject={}),
        _spec(subject=_ALL | {"pods": {"podSelector": {}}}),
        {"tier": "Admin", "subject": _ALL},
        {"priority": 1, "subject": _ALL},
    ],
    ids=lambda spec: json.dumps(spec)[:90],
)
def test_what_is_reported_is_what_the_schema_of_the_kind_refuses(spec: Object) -> None:
    """NET-90, NET-93, NET-96 and section 1, but for the rules of the schema that are CEL."""
    (definition,) = parse((_ROOT / _CRD).read_bytes(), _CRD)
    assert isinstance(definition, Document)
    (version,) = definition.value["spec"]["versions"]
    policy = {"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy"}
    policy |= {"metadata": {"name": "cnp"}, "spec": spec}
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    refused = list(Draft202012Validator(schema).iter_errors(_pruned(spec, schema)))
    reach = assemble(cluster(policy), profile("kube-network-policies"))
    assert bool(reach.problems) == bool(refused), refused


def _pruned(value: Any, schema: Object) -> Any:
    """The API server drops fields that a schema does not know before it checks the rest."""
    if isinstance(value, list):
        return [_pruned(item, schema["items"]) for item in value]
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        return {key: _pruned(item, known[key]) for key, item in value.items() if key in known}
    return value
