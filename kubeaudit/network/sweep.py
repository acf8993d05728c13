"""Many overlapping sets at once: by a sweep over the places where any of them begins or ends."""

from collections.abc import Iterable

from kubeaudit.model.selectors import bits_of


def swept(sets: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Bits of masks, grouped by what holds them: the labels of the masks around a bit, joined by exclusive or.

    ``sets`` are (mask, label) pairs. The cost grows with the number of runs of set bits, not with pairs of masks.
    """
    edges: dict[int, int] = {}
    for mask, label in sets:
        for place in bits_of(mask ^ mask << 1):
            edges[place] = edges.get(place, 0) ^ label
    found: dict[int, int] = {}
    held = start = 0
    for place in sorted(edges):
        if held:
            found[held] = found.get(held, 0) | (1 << place) - (1 << start)
        held ^= edges[place]
        start = place
    return found
