"""Rows where policies only allow are made from the rules as written; they are those that the stages come to (A-9)."""

from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.network.compiled import NETWORK_POLICY, Entry
from kubeaudit.network.rows import Frame, Rows, partition
from kubeaudit.network.stages import Asked, Stage

PORTS, ICMP, EVERYTHING = (1 << 6) - 1, 1 << 5, (1 << 10) - 1
FRAME = Frame(4, PORTS, ICMP, EVERYTHING, default_allow=True, settles_icmp=False)
PEERS = st.integers(0, EVERYTHING)
RULES = st.lists(st.tuples(PEERS, PEERS, st.integers(1, PORTS)), max_size=5)


@given(RULES, st.integers(1, 3), st.booleans())
def test_the_short_way_to_a_row_is_the_long_one(rules: list[tuple[int, int, int]], step: int, icmp: bool) -> None:
    """A second reading that is equal to the first changes nothing, but keeps the short way from being taken."""
    entries = [Entry(1, peers, maybe, ports, number, ()) for number, (peers, maybe, ports) in enumerate(rules)]
    policies = [Asked(first, tuple(entries[first : first + step])) for first in range(0, len(entries), step)]
    stage = Stage(NETWORK_POLICY, (tuple(policies),), (0,), icmp_undefined=icmp)
    row = Rows(FRAME).row([stage])
    assert row == Rows(FRAME).row([stage], [[stage]])
    covered = partition(((part.ports, part.peers, part.maybe) for part in Rows(FRAME).cover(stage)), PORTS)
    assert set(covered) == set(row)
