"""Policies of the tiers and NetworkPolicies against the naive evaluator, and pairs against masks (network.md, 3.8)."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from kubeaudit.network.profiles import ADMIN, CLUSTER
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.proof import State

from . import naive_tiers
from .clusters import cluster
from .naive import UNKNOWN, YES
from .naive_tiers import TierWorld
from .test_engine import FAMILIES, packets, profile
from .tier_worlds import tier_worlds
from .worlds import PORTS

thorough = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def load(world: TierWorld) -> Reach:
    kinds = tuple(zip((ADMIN, CLUSTER), world.implemented, strict=True))
    plugin = structs.replace(
        profile(world.plugin),
        implements=tuple(kind for found, fact in kinds if world.plugin.named and fact == YES for kind in found),
        may_implement=tuple(kind for found, fact in kinds if world.plugin.named and fact == UNKNOWN for kind in found),
    )
    return assemble(cluster(*world.namespaces, *world.nodes, *world.pods, *world.policies, *world.tiers), plugin)


@thorough
@given(world=tier_worlds(), at=st.sampled_from(PORTS))
def test_every_packet_is_judged_as_the_naive_evaluator_judges_it(world: TierWorld, at: tuple[str, int]) -> None:
    """NET-80..92, NET-95, NET-99 on random clusters of both families."""
    reach = load(world)
    for source, one, target, other, family in packets(world):
        expected = naive_tiers.judge(world, source, target, *at, family)
        assert reach.packet(one, other, *at, family).state == expected, (one, other, at, family)


@thorough
@given(world=tier_worlds())
def test_masks_of_all_pairs_equal_the_pairs(world: TierWorld) -> None:
    reach = load(world)
    for family in FAMILIES:
        for target in range(len(reach.cluster.classes)):
            for at in (*PORTS, ("ICMP", 0)):
                column = reach.matrix.sources(target, *at, family)
                for source in range(len(reach.cluster.classes)):
                    state = reach.connect(source, target, *at, family).state
                    masked = (column.reachable >> source & 1, column.unknown >> source & 1)
                    assert masked == (state is State.YES, state is State.UNKNOWN), (source, target, at, family)
