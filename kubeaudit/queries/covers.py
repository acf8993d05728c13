"""Sets of workload classes in few words: all pods of a namespace, all with a label, else names (AGG-2)."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from kubeaudit.model.cluster import Cluster
from kubeaudit.model.selectors import bits_of, mask_of
from kubeaudit.queries.names import parts, unit

ALL = "all pods"


class Covers(Struct, frozen=True):
    """Masks of classes that have a name of their own, largest first, and the name of every class.

    ``sizes`` are those of ``larger``, negative, to find where to begin. ``known`` remembers covers: few masks stand in
    many groups.
    """

    names: tuple[str, ...]
    exact: dict[int, str]
    larger: tuple[tuple[int, str], ...]
    sizes: tuple[int, ...]
    known: dict[int, tuple[str, ...]]

    def of(self, mask: int) -> tuple[str, ...]:
        """The shortest cover found: the set's own name; else the largest named sets inside, and names for the rest."""
        if mask not in self.known:
            self.known[mask] = tuple(self._cover(mask))
        return self.known[mask]

    def _cover(self, mask: int) -> Iterable[str]:
        if mask in self.exact:
            return [self.exact[mask]]
        found, left, size = [], mask, mask.bit_count()
        for inside, name in self.larger[bisect_left(self.sizes, -size) :] if size > 1 else ():
            if inside & mask == inside and (inside & left).bit_count() > 1:
                found.append(name)
                left &= ~inside
                if left.bit_count() < 2:
                    break
        return [*found, *sorted(self.names[cls] for cls in bits_of(left))]


def covers(cluster: Cluster) -> Covers:
    """The named sets of a cluster: namespaces, labels that selectors use, and those labels inside a namespace."""
    members: dict[str, list[int]] = {}
    tell = parts(cluster)
    for cls in cluster.classes:
        space = cls.namespace
        for name in (ALL, of_namespace(space)):
            members.setdefault(name, []).append(cls.index)
        for key, value in cls.labels:
            members.setdefault(f"all pods with {key}={value}", []).append(cls.index)
            members.setdefault(f"{of_namespace(space)} with {key}={value}", []).append(cls.index)
    return named(tuple(unit(cls, tell[cls.index]) for cls in cluster.classes), members)


def named(names: tuple[str, ...], members: Mapping[str, Sequence[int]]) -> Covers:
    """Covers of things with names, by sets of them that have names; the first name of a set is used."""
    exact: dict[int, str] = {}
    for name, found in members.items():
        if len(found) > 1:
            exact.setdefault(mask_of(found), name)
    larger = sorted(exact.items(), key=lambda item: (-item[0].bit_count(), item[1]))
    return Covers(names, exact, tuple(larger), tuple(-mask.bit_count() for mask, _ in larger), {})


def of_namespace(name: str) -> str:
    """How the pods of a namespace are called."""
    return f"all pods of namespace {name}"
