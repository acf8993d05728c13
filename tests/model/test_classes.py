"""Judging classes is judging every pod alone (EXP-07): the same cluster as it is, and with every pod a workload."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from factory import Object, service, slice_of, snapshot
from hypothesis import given, settings
from hypothesis import strategies as st
from network import clusters
from network.worlds import worlds

from kubeaudit.edges.context import workload
from kubeaudit.proof import State
from kubeaudit.refs import Facet
from kubeaudit.settings import Fact, Facts, Settings
from kubeaudit.world import World, build

OUTSIDE = ("203.0.113.1", "203.0.113.200", "169.254.169.254", "8.8.8.8", "fd00:ec2::254")
PORTS = (("TCP", 80), ("TCP", 8080), ("UDP", 53))
PROVIDERS = ("aws:///a/i", "gce://p/z/n", "hcloud://1", "kind://n", "scaleway://i", "")
STATES = (State.YES, State.UNKNOWN, None)


@st.composite
def _clusters(draw: st.DrawFn) -> list[Object]:
    made = draw(worlds())
    nodes = deepcopy(made.nodes)
    for item in nodes:
        item["spec"] = {"providerID": draw(st.sampled_from(PROVIDERS))}
        item["metadata"]["labels"] = {"zone": draw(st.sampled_from("ab"))}
        if draw(st.booleans()):
            item["status"]["addresses"].append({"type": "ExternalIP", "address": "203.0.113.77"})
    if draw(st.booleans()):
        _alike(made.pods)
    objects = [*made.namespaces, *nodes, *made.pods, *made.policies]
    if draw(st.booleans()):
        _flatten(made.pods)
        objects.append(_of_nodes(draw(st.sampled_from(({}, {"matchLabels": {"zone": "a"}})))))
    for space in {pod["metadata"]["namespace"] for pod in made.pods}:
        names = [pod["metadata"]["name"] for pod in made.pods if pod["metadata"]["namespace"] == space]
        ready = draw(st.lists(st.sampled_from(names), unique=True))
        kind = draw(st.sampled_from(("ClusterIP", "NodePort", "LoadBalancer")))
        policy = draw(st.sampled_from(("Local", "Cluster")))
        objects.append(
            service("front", kind, space, status=[{"ip": "203.0.113.9"}], externalTrafficPolicy=policy, selector={})
        )
        objects.append(slice_of("front", *ready, space=space, port=draw(st.sampled_from((80, 8080)))))
    return objects


def _of_nodes(selector: Object) -> Object:
    """A policy with nodes as peers."""
    rules = [{"action": "Deny", "to": [{"nodes": selector}]}]
    spec = {"priority": 1, "subject": {"namespaces": {}}, "egress": rules}
    version = "policy.networking.k8s.io/v1alpha1"
    return {"apiVersion": version, "kind": "AdminNetworkPolicy", "metadata": {"name": "nodes"}, "spec": spec}


def _flatten(pods: list[Object]) -> None:
    """Addresses of pods before, between and behind those of the nodes."""
    beside = {"10.1.0.1": "172.18.0.1", "10.1.0.2": "172.18.0.9"}
    for found in pods:
        for entry in found["status"].get("podIPs", ()):
            entry["ip"] = beside.get(entry["ip"], entry["ip"])


def _alike(pods: list[Object]) -> None:
    """Pods of one workload that differ in their node and addresses only."""
    first = pods[0]
    for pod in pods:
        place = {"nodeName": pod["spec"]["nodeName"]} if "nodeName" in pod["spec"] else {}
        spec = {key: value for key, value in first["spec"].items() if key != "nodeName"}
        pod["spec"] = {**spec, **place}
        pod["metadata"] |= {"namespace": first["metadata"]["namespace"], "labels": first["metadata"]["labels"]}
        reference = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "set", "uid": "set", "controller": True}
        pod["metadata"]["ownerReferences"] = [reference]


def _alone(objects: list[Object]) -> list[Object]:
    """Every pod a workload of its own."""
    found = deepcopy(objects)
    for item in found:
        if item["kind"] == "Pod":
            item["metadata"].pop("ownerReferences", None)
    return found


def _classes(made: World) -> dict[tuple[str, str], int]:
    return {(pod.namespace, pod.name): pod.cls for pod in made.cluster.pods if pod.cls >= 0}


def _calls(made: World, cls: int) -> Mapping[str, Any]:
    edges = made.graph.out_edges(workload(made.cluster.classes[cls], Facet.CTL))
    return {
        f"{edge.row} {edge.target}": (edge.state, edge.assumptions) for edge in edges if edge.target.kind == "metadata"
    }


def _reached(made: World, cls: int) -> State | None:
    return made.searches["internet"].state(workload(made.cluster.classes[cls], Facet.NET))


@settings(max_examples=120, deadline=None)
@given(_clusters(), st.sampled_from(tuple(Fact)))
def test_exp_07_judging_classes_is_judging_every_pod_alone(objects: list[Object], enforces: Fact) -> None:
    asked = Settings(facts=Facts(cni_enforces=enforces))
    together, apart = (build(snapshot(found), asked) for found in (objects, _alone(objects)))
    ours, theirs = _classes(together), _classes(apart)
    assert ours.keys() == theirs.keys()
    for pod, cls in ours.items():
        one, other = together.context.reach, apart.context.reach
        for protocol, port in PORTS:
            for address in OUTSIDE:
                assert (
                    one.egress(cls, address, protocol, port).state
                    is other.egress(theirs[pod], address, protocol, port).state
                )
                assert (
                    one.ingress(address, cls, protocol, port).state
                    is other.ingress(address, theirs[pod], protocol, port).state
                )
            assert (
                one.from_internet(cls, protocol, port).state is other.from_internet(theirs[pod], protocol, port).state
            )
        assert _calls(together, cls) == _calls(apart, theirs[pod])
    for cls in set(ours.values()):
        members = [theirs[pod] for pod, found in ours.items() if found == cls]
        assert _reached(together, cls) == min((_reached(apart, member) for member in members), key=STATES.index)


@settings(max_examples=60, deadline=None)
@given(_clusters(), st.sampled_from(tuple(Fact)))
def test_exp_07_pairs_of_pods_do_not_depend_on_classes(objects: list[Object], enforces: Fact) -> None:
    asked = Settings(facts=Facts(cni_enforces=enforces))
    together, apart = (build(snapshot(found), asked) for found in (objects, _alone(objects)))
    count = len(together.cluster.pods)
    for source in range(count):
        for target in range(count):
            for family in ("IPv4", "IPv6"):
                first, second = (w.context.reach.packet(source, target, "TCP", 80, family) for w in (together, apart))
                assert first.state is second.state


def test_nodes_as_peers_split_host_network_pods_alone() -> None:
    """In a flat network, addresses of pods lie between those of nodes; policies compare no pod with them (NET-49)."""
    objects: list[Object] = [_of_nodes({"matchLabels": {"zone": "a"}})]
    for number in range(12):
        name = f"n{number}"
        placed = clusters.node(name, f"10.0.{number}.1")
        placed["metadata"]["labels"] = {"zone": "ab"[number % 2]}
        objects.append(placed)
        objects.append(clusters.pod(f"app-{number}", ips=(f"10.0.{number}.9",), on=name, owner="app"))
        objects.append(clusters.pod(f"agent-{number}", ips=(f"10.0.{number}.1",), on=name, host=True, owner="agent"))
    found = build(snapshot(objects), Settings(cni_profile="kube-network-policies"))
    sets = [found.cluster.workloads[cls.workload].ref.name for cls in found.cluster.classes]
    assert (sets.count("app"), sets.count("agent")) == (1, 12)
    named = {pod.name: place for place, pod in enumerate(found.cluster.pods)}
    states = [
        found.context.reach.packet(named["app-0"], named[f"agent-{number}"], "TCP", 80).state for number in range(4)
    ]
    assert states == [State.YES, State.YES, State.BLOCKED, State.YES]
