"""Which kinds were read to their end, in which scope: absence is evidence only there (EXP-33, CHK-02)."""

from collections.abc import Iterable

from msgspec import Struct

from kubeaudit.kinds import CONFIGMAPS
from kubeaudit.snapshot import Gap, Outcome, Read, Snapshot

_ALWAYS_SERVED = frozenset(
    [
        "",
        "apps",
        "batch",
        "networking.k8s.io",
        "discovery.k8s.io",
        "rbac.authorization.k8s.io",
        "certificates.k8s.io",
        "storage.k8s.io",
        "admissionregistration.k8s.io",
    ]
)
"""Groups every supported API server serves: a kind of theirs without any read was not asked for."""


NAMED = "configmaps(named)"
"""How ``requires`` names the ConfigMaps of the default role; each is a read of its own."""


class Completeness(Struct, frozen=True):
    """The reads of a snapshot by kind and scope; ``scoped`` are kinds that were read in some namespaces, never as a
    whole.
    """

    reads: dict[tuple[str, str], Read]
    gaps: tuple[Gap, ...]
    scoped: frozenset[str] = frozenset()

    def gap(self, resource: str, namespace: str = "") -> Gap | None:
        """What is missing of a kind in a namespace ("" = in the whole cluster); None where the list is whole.

        A kind the server does not serve has no objects and no gap (CHK-05).
        """
        if resource == NAMED:
            return next((gap for gap in self.gaps if gap.resource == CONFIGMAPS), None)
        whole = self.reads.get((resource, ""))
        if whole is not None and whole.outcome in (Outcome.COMPLETE, Outcome.NOT_SERVED):
            return None
        part = self.reads.get((resource, namespace)) if namespace else None
        if part is not None and part.outcome is Outcome.COMPLETE:
            return None
        found = [gap for gap in self.gaps if gap.resource == resource and gap.scope in ("", namespace)]
        if found:
            return found[0]
        group = resource.partition(".")[2]
        if resource in self.scoped:
            return Gap(resource, namespace, "opt-in", detail="was read in other namespaces only")
        return Gap(resource, "", "opt-in", detail="was not asked for") if group in _ALWAYS_SERVED else None

    def first_gap(self, resources: Iterable[str], namespace: str = "") -> Gap | None:
        """The first of several kinds that is not whole in a namespace."""
        return next((gap for gap in (self.gap(key, namespace) for key in resources) if gap), None)

    def served(self, resource: str) -> bool:
        """Whether the server serves the kind, as far as was seen."""
        read = self.reads.get((resource, ""))
        return read is not None and read.outcome is not Outcome.NOT_SERVED


def completeness(snapshot: Snapshot) -> Completeness:
    """The reads of a snapshot, indexed."""
    reads = {(read.resource, read.scope): read for read in snapshot.reads}
    scoped = frozenset(resource for resource, scope in reads if scope and (resource, "") not in reads)
    return Completeness(reads, snapshot.gaps(), scoped)
