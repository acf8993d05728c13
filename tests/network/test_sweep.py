"""Overlapping sets by a sweep, against the same bit by bit."""

from collections.abc import Iterable
from functools import reduce
from operator import xor

from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.network.relation import turned
from kubeaudit.network.rows import partition
from kubeaudit.network.sweep import swept

MASKS = st.integers(0, (1 << 12) - 1)


@given(st.lists(st.tuples(MASKS, MASKS), max_size=6))
def test_every_bit_is_under_the_labels_of_the_masks_around_it(sets: list[tuple[int, int]]) -> None:
    wanted: dict[int, int] = {}
    for bit in range(12):
        label = reduce(xor, (label for mask, label in sets if mask >> bit & 1), 0)
        if label:
            wanted[label] = wanted.get(label, 0) | 1 << bit
    assert swept(sets) == wanted


@given(st.lists(st.tuples(MASKS, MASKS, MASKS), max_size=6), MASKS)
def test_partition_unites_the_peers_of_every_port(parts: list[tuple[int, int, int]], ports: int) -> None:
    segments = partition(parts, ports)
    for bit in range(12):
        found = [segment for segment in segments if segment.ports >> bit & 1]
        assert len(found) == ports >> bit & 1
        for segment in found:
            peers = _united(peers for where, peers, _ in parts if where >> bit & 1)
            maybe = _united(maybe for where, _, maybe in parts if where >> bit & 1)
            assert (segment.peers, segment.maybe) == (peers, maybe & ~peers)


def test_many_parts_are_turned_as_few_are() -> None:
    """A policy of a thousand rules, each for a port and a range of addresses of its own."""
    parts = [(1 << port, 0b11 << port) for port in range(100)]
    wanted = {1 << peer: (0b11 << peer >> 1) & (1 << 100) - 1 for peer in range(101)}
    assert dict(turned(parts)) == wanted
    assert dict(turned(parts[:3])) == {0b1: 0b1, 0b10: 0b11, 0b100: 0b110, 0b1000: 0b100}


def _united(masks: Iterable[int]) -> int:
    return reduce(lambda one, other: one | other, masks, 0)
