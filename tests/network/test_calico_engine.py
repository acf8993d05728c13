"""Calico against the naive evaluator, and pairs against masks (network.md, 3.10; issue's proof)."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from kubeaudit.network.cni import profile
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.proof import State
from kubeaudit.settings import Fact

from .calico_worlds import worlds
from .clusters import cluster
from .naive_calico import Packet, World, judge
from .worlds import ADDRESSES, PORTS

CALICO = profile("calico")
thorough = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def load(world: World) -> Reach:
    plugin = structs.replace(CALICO, drops_to_own_node=Fact(world.drops_to_own_node))
    return assemble(cluster(*world.objects), plugin)


@thorough
@given(world=worlds(), at=st.sampled_from((*PORTS, ("ICMP", 0))))
def test_every_packet_is_judged_as_the_naive_evaluator_judges_it(world: World, at: tuple[str, int]) -> None:
    """NET-120..128 with NetworkPolicies among Calico's, both families, host-network pods and waiting ones."""
    reach = load(world)
    for family in ("IPv4", "IPv6"):
        outside = [a for a in ADDRESSES if (":" in a) == (family == "IPv6")]
        for number, pod in enumerate(world.pods):
            ends = [*enumerate(world.pods), *((address, address) for address in outside)]
            for other, end in ends:
                for one, first, two, second in ((number, pod, other, end), (other, end, number, pod)):
                    expected = judge(world, Packet(first, second, *at, family))
                    assert reach.packet(one, two, *at, family).state == expected, (one, two, at, family)


@thorough
@given(world=worlds())
def test_masks_of_all_pairs_equal_the_pairs(world: World) -> None:
    reach = load(world)
    size = len(reach.cluster.classes)
    for family in ("IPv4", "IPv6"):
        for target in range(size):
            for at in (*PORTS[:4], ("ICMP", 0)):
                column = reach.matrix.sources(target, *at, family)
                for source in range(size):
                    state = reach.connect(source, target, *at, family).state
                    masked = (column.reachable >> source & 1, column.unknown >> source & 1)
                    assert masked == (state is State.YES, state is State.UNKNOWN), (source, target, at, family)
