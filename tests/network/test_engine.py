"""The engine against the naive evaluator, pods judged alone, and pairs against masks (architecture.md)."""

import ipaddress
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubeaudit.model.cluster import Cluster
from kubeaudit.model.nodes import is_public
from kubeaudit.network.cni import CniProfile
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.proof import State
from kubeaudit.settings import Fact

from . import naive
from .clusters import Object, cluster
from .worlds import ADDRESSES, PORTS, worlds

FAMILIES = ("IPv4", "IPv6")
_ORDER = (State.YES, State.UNKNOWN, State.BLOCKED)
thorough = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def profile(plugin: naive.Plugin) -> CniProfile:
    return CniProfile(
        name="some" if plugin.named else "",
        enforces=Fact(plugin.enforces),
        ipblock_matches_pods=Fact(plugin.pods),
        ipblock_matches_nodes=Fact(plugin.nodes),
    )


def load(world: naive.World, pods: list[Object] | None = None) -> tuple[Cluster, Reach]:
    found = cluster(*world.namespaces, *world.nodes, *(pods or world.pods), *world.policies)
    return found, assemble(found, profile(world.plugin))


def packets(world: naive.World) -> Iterator[tuple[Any, Any, Any, Any, str]]:
    """Pairs of ends as (object, index or address), for both families."""
    pods = list(enumerate(world.pods))
    for family in FAMILIES:
        outside = [address for address in ADDRESSES if (":" in address) == (family == "IPv6")]
        for number, pod in pods:
            for other, target in pods:
                yield pod, number, target, other, family
            for address in outside:
                yield pod, number, address, address, family
                yield address, address, pod, number, family


@thorough
@given(world=worlds(), at=st.sampled_from(PORTS))
def test_every_packet_is_judged_as_the_naive_evaluator_judges_it(world: naive.World, at: tuple[str, int]) -> None:
    """NET-01..56, NET-70, NET-71, NET-73 on random clusters of both families."""
    _, reach = load(world)
    for source, one, target, other, family in packets(world):
        expected = naive.judge(world, source, target, *at, family)
        assert reach.packet(one, other, *at, family).state == expected, (one, other, at, family)


@thorough
@given(world=worlds(), at=st.sampled_from(PORTS))
def test_a_class_is_judged_as_its_pods_alone(world: naive.World, at: tuple[str, int]) -> None:
    """Pods without owner are a class each; sharing a class changes no verdict (EXP-07)."""
    alone = [
        pod | {"metadata": {k: v for k, v in pod["metadata"].items() if k != "ownerReferences"}} for pod in world.pods
    ]
    _, together = load(world)
    _, apart = load(world, alone)
    for _, one, _, other, family in packets(world):
        asked = (one, other, *at, family)
        assert together.packet(*asked).state == apart.packet(*asked).state, asked


@thorough
@given(world=worlds(), at=st.sampled_from(PORTS))
def test_a_pair_of_classes_is_open_when_some_pair_of_their_pods_is(world: naive.World, at: tuple[str, int]) -> None:
    found, reach = load(world)
    for family in FAMILIES:
        running = [cls for cls in found.classes if cls.pods]
        for source in running:
            for target in running:
                states = {reach.packet(p, q, *at, family).state for p in source.pods for q in target.pods}
                best = next(state for state in _ORDER if state in states)
                assert reach.connect(source.index, target.index, *at, family).state is best


@thorough
@given(world=worlds())
def test_masks_of_all_pairs_equal_the_pairs(world: naive.World) -> None:
    found, reach = load(world)
    for family in FAMILIES:
        for target in range(len(found.classes)):
            for at in (*PORTS, ("ICMP", 0)):
                column = reach.matrix.sources(target, *at, family)
                for source in range(len(found.classes)):
                    state = reach.connect(source, target, *at, family).state
                    masked = (column.reachable >> source & 1, column.unknown >> source & 1)
                    assert masked == (state is State.YES, state is State.UNKNOWN), (source, target, at, family)


@thorough
@given(world=worlds(), at=st.sampled_from(PORTS))
def test_open_to_the_internet_means_open_to_some_public_address(world: naive.World, at: tuple[str, int]) -> None:
    """An address of every atom is tried (EXP-01)."""
    found, reach = load(world)
    starts = reach.judge.universe.space.starts
    tried = [str(ipaddress.IPv4Address(start)) for start in starts[4]]
    tried += [str(ipaddress.IPv6Address(start)) for start in starts[6]]
    for cls in found.classes:
        families = cls.families or ("IPv4",)
        states = {
            reach.ingress(address, cls.index, *at).state
            for address in tried
            if is_public(address) and ("IPv6" if ":" in address else "IPv4") in families
        }
        assert reach.from_internet(cls.index, *at).state is next(state for state in _ORDER if state in states)
