"""Judging classes is judging every pod alone (EXP-07): the same cluster as it is, and with every pod a workload."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from factory import Object, service, slice_of, snapshot
from hypothesis import given, settings
from hypothesis import strategies as st
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
        if draw(st.booleans()):
            item["status"]["addresses"].append({"type": "ExternalIP", "address": "203.0.113.77"})
    if draw(st.booleans()):
        _alike(made.pods)
    objects = [*made.namespaces, *nodes, *made.pods, *made.policies]
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
