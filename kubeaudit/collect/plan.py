"""What to list, decided from discovery alone, and what is known without asking."""

from collections.abc import Iterable

from msgspec import Struct

from kubeaudit.collect.discovery import Served
from kubeaudit.kinds import KINDS, Kind, by_key
from kubeaudit.snapshot import Outcome, Read

SLICES = "endpointslices.discovery.k8s.io"
ENDPOINTS = "endpoints"
CALICO_STORED, CALICO = "crd.projectcalico.org", "projectcalico.org"
_FIRST = ("pods", "replicasets.apps", SLICES, "jobs.batch", "serviceaccounts", "services")
"""The kinds that are usually the longest: begun first, so that none of them is read alone at the end."""


class Want(Struct, frozen=True):
    """A list to read: a kind in a scope ("" = everywhere), and the versions to try, best first.

    ``seen``: discovery saw the kind; else asking for it shows whether it is there.
    """

    kind: Kind
    versions: tuple[str, ...]
    scope: str = ""
    seen: bool = True

    @property
    def rank(self) -> int:
        """Lists of a smaller rank are read first."""
        return _FIRST.index(self.kind.key) if self.kind.key in _FIRST else len(_FIRST)


def plan(served: Served) -> tuple[tuple[Want, ...], tuple[Read, ...]]:
    """The lists to read, and reads of kinds that need no question, both in the order of the kinds table.

    Of the two Calico groups one is read (NET-131). ``endpoints`` shows what EndpointSlices show, so it is asked for
    only where those are not served; :mod:`kubeaudit.collect.lists` adds it where they are refused.
    """
    wants: list[Want] = []
    known: list[Read] = []
    for kind in KINDS:
        decided = _decide(kind, served)
        if isinstance(decided, Read):
            known.append(decided)
        elif decided is not None:
            wants.append(decided)
    return tuple(wants), tuple(known)


def endpoints(served: Served, scope: str) -> Want:
    """The list of Endpoints that stands in for refused EndpointSlices."""
    kind = by_key()[ENDPOINTS]
    return Want(kind, served.versions.get(ENDPOINTS, kind.versions), scope)


def instead_of_endpoints(reads: Iterable[Read]) -> tuple[Read, ...]:
    """The read of ``endpoints`` where none was made: EndpointSlices show the same, as far as they were read."""
    found = {read.resource: read for read in reads}
    if ENDPOINTS in found or SLICES not in found:
        return ()
    whole = found[SLICES].outcome is Outcome.COMPLETE
    outcome = Outcome.NOT_SERVED if whole else found[SLICES].outcome
    return (Read(ENDPOINTS, "", outcome, detail=f"read only where {SLICES} is not served or refused"),)


def places() -> dict[str, int]:
    """The place of each resource in the kinds table."""
    return {kind.key: number for number, kind in enumerate(KINDS)}


def in_order(reads: Iterable[Read]) -> tuple[Read, ...]:
    """Reads in the order of the kinds table; those of one kind keep theirs."""
    table = places()
    return tuple(sorted(reads, key=lambda read: table[read.resource]))


def _decide(kind: Kind, served: Served) -> Want | Read | None:
    if kind.key == ENDPOINTS and _candidates(by_key()[SLICES], served):
        return None
    if kind.group == CALICO and any(_group(key) == CALICO_STORED for key in served.versions):
        return Read(
            kind.key, "", Outcome.NOT_SERVED, detail=f"the same objects are read from {CALICO_STORED} (NET-131)"
        )
    candidates = _candidates(kind, served)
    if candidates:
        stale = served.unsure.get(kind.group, ())
        return Want(kind, candidates, seen=candidates[0] not in stale)
    elsewhere = served.versions.get(kind.key, ()) or served.unsure.get(kind.group, ())
    if elsewhere:
        told = f"served as {', '.join(elsewhere)}; understood: {', '.join(kind.versions)}"
        return Read(kind.key, "", Outcome.FAILED, detail=told)
    return Read(kind.key, "", Outcome.NOT_SERVED)


def _candidates(kind: Kind, served: Served) -> tuple[str, ...]:
    seen = (*served.versions.get(kind.key, ()), *served.unsure.get(kind.group, ()))
    return tuple(version for version in kind.versions if version in seen)


def _group(key: str) -> str:
    return key.partition(".")[2]
