"""The engine against the naive evaluator, all dialects mixed, and classes against their pods (network.md, 3)."""

import ipaddress
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.model.nodes import is_public
from kubeaudit.proof import State

from .clusters import Object
from .loading import FAMILIES, alone, ends, examples, load, packets
from .mixed_worlds import MIXED
from .naive.combine import judge
from .naive.ends import node_of, on_host
from .naive.world import End, Packet, World
from .worlds import PACKETS

PROFILES = pytest.mark.parametrize("profile", MIXED)
_BY_NODE = ("cilium", "unknown plugin")
"""Where rules of Cilium may hold, which tell the node of a pod from others (NET-108)."""
_ORDER = (State.YES, State.UNKNOWN, State.BLOCKED)
_ports = st.sampled_from(PACKETS)


@PROFILES
@examples(35)
@given(data=st.data(), at=_ports, together=st.booleans())
def test_every_packet_is_judged_as_the_naive_evaluator_judges_it(
    profile: str, data: st.DataObject, at: tuple[str, int], together: bool
) -> None:
    """NET-01..56, NET-70..141 on random clusters of both families.

    Where a node matters and does not show in a class, a class of several pods is less sure than each of them.
    """
    world = data.draw(MIXED[profile]())
    pods = world.pods if together else alone(world.pods)
    reach = load(world, pods)
    for source, target, packet in packets(pods, at):
        state, conditions = judge(world, packet)
        found, asked = reach.packet(source, target, *at, packet.family), (source, target, at, packet.family)
        less_sure = found.state is State.UNKNOWN and together and profile in _BY_NODE
        assert found.state == state or less_sure, asked
        if state == found.state == State.YES:
            assert {word for listed in found.conditions for word in listed.split(", ")} == conditions, asked


@PROFILES
@examples(8)
@given(data=st.data(), at=_ports)
def test_v_5_every_unknown_says_what_would_settle_it(profile: str, data: st.DataObject, at: tuple[str, int]) -> None:
    """And every verdict has a basis; what is reachable or blocked by policies has a proof."""
    world = data.draw(MIXED[profile]())
    reach = load(world)
    for source, target, packet in packets(world.pods, at):
        verdict, asked = reach.packet(source, target, *at, packet.family), (source, target, at, packet.family)
        assert verdict.basis, asked
        assert bool(verdict.settle_by) == bool(verdict.unseen) == (verdict.state is State.UNKNOWN), asked
        assert verdict.state is State.UNKNOWN or reach.proof(verdict), asked


@PROFILES
@examples(20)
@given(data=st.data(), at=_ports)
def test_pods_of_one_class_have_the_same_naive_verdicts(profile: str, data: st.DataObject, at: tuple[str, int]) -> None:
    """EXP-07, A-2. Only of nodes and what runs on them may two pods of a class say different things, as their own node
    is another one (NET-44).
    """
    world = data.draw(MIXED[profile]())
    held = [(pod, found.cls) for pod, found in zip(world.pods, load(world).cluster.pods, strict=True) if found.cls >= 0]
    for (one, of_one), (other, of_other) in combinations(held, 2):
        if of_one == of_other:
            for family in FAMILIES:
                for end in _ends_alike(world, one, other, family):
                    for first, second in ((one, end), (end, one)):
                        swapped = Packet(*(other if e is one else e for e in (first, second)), *at, family)
                        assert judge(world, Packet(first, second, *at, family)) == judge(world, swapped), (at, family)


def _ends_alike(world: World, one: Object, other: Object, family: str) -> list[End]:
    """The ends that are neither of two pods and, unless both run on one node, nothing that may have to do with theirs:
    no node, no pod on the host network, and, if they are on it themselves, no pod of either's node.
    """
    nodes = {pod["spec"].get("nodeName") for pod in (one, other)}
    every = [end for _, end in ends(world.pods, family) if end is not one and end is not other]
    if len(nodes) == 1 and None not in nodes:
        return every
    return [end for end in every if node_of(world, end) is None and not (on_host(one) and _placed(end) in nodes)]


def _placed(end: End) -> str | None:
    return None if isinstance(end, str) else end["spec"].get("nodeName", "")


@PROFILES
@examples(15)
@given(data=st.data())
def test_masks_of_all_pairs_equal_the_pairs(profile: str, data: st.DataObject) -> None:
    reach = load(data.draw(MIXED[profile]()))
    size = len(reach.cluster.classes)
    for family in FAMILIES:
        for target in range(size):
            for at in PACKETS:
                column = reach.matrix.sources(target, *at, family)
                for source in range(size):
                    state = reach.connect(source, target, *at, family).state
                    masked = (column.reachable >> source & 1, column.unknown >> source & 1)
                    assert masked == (state is State.YES, state is State.UNKNOWN), (source, target, at, family)


@PROFILES
@examples(20)
@given(data=st.data(), at=_ports)
def test_a_pair_of_classes_is_open_when_some_pair_of_their_pods_is(
    profile: str, data: st.DataObject, at: tuple[str, int]
) -> None:
    reach = load(data.draw(MIXED[profile]()))
    running = [cls for cls in reach.cluster.classes if cls.pods]
    for family in FAMILIES:
        for source in running:
            for target in running:
                states = {reach.packet(p, q, *at, family).state for p in source.pods for q in target.pods}
                best = next(state for state in _ORDER if state in states)
                assert reach.connect(source.index, target.index, *at, family).state is best


@PROFILES
@examples(20)
@given(data=st.data(), at=_ports)
def test_open_to_the_internet_means_open_to_some_public_address(
    profile: str, data: st.DataObject, at: tuple[str, int]
) -> None:
    """An address of every atom is tried (EXP-01)."""
    reach = load(data.draw(MIXED[profile]()))
    starts = reach.judge.universe.space.starts
    tried = [str(ipaddress.IPv4Address(start)) for start in starts[4]]
    tried += [str(ipaddress.IPv6Address(start)) for start in starts[6]]
    public = [address for address in tried if is_public(address)]
    for cls in reach.cluster.classes:
        families = cls.families or ("IPv4",)
        of_families = [address for address in public if ("IPv6" if ":" in address else "IPv4") in families]
        states = {reach.ingress(address, cls.index, *at).state for address in of_families}
        assert reach.from_internet(cls.index, *at).state is next(state for state in _ORDER if state in states)
