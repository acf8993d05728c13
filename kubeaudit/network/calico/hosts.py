"""Host endpoints and the switches of Felix (NET-125, NET-126, NET-130)."""

from collections.abc import Iterator

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.calico_selector import Node, select
from kubeaudit.model.objects.calico import HostEndpoint
from kubeaudit.model.selectors import index, mask_of
from kubeaudit.network.calico.objects import HOSTS, every
from kubeaudit.network.doubts import Doubt
from kubeaudit.network.masks import Masks
from kubeaudit.network.verdicts import Basis, Direction

_ALLOWS = "projectcalico-default-allow"
"""The profile of host endpoints that Calico makes itself: it allows everything."""


def doubts(masks: Masks, selectors: list[Node]) -> Iterator[Doubt]:
    """Host-network pods on nodes that a host endpoint protects; ``selectors`` are those of the global policies.

    A host endpoint with the profile that allows everything changes nothing until a policy selects it.
    """
    found = every(masks.held, HOSTS, "HostEndpoint", HostEndpoint)
    labels = index([host.metadata.labels for _, _, host in found])
    chosen = 0
    for selector in selectors:
        chosen |= select(selector, labels)
    for number, (key, ref, host) in enumerate(found):
        if _ALLOWS in host.spec.profiles and not chosen >> number & 1:
            continue
        unseen = Unseen(Reason.UNKNOWN_IMPLEMENTATION, key, detail=f"{ref}: host policies are not evaluated")
        classes = _on_node(masks, host.spec.node)
        both = (Direction.INGRESS, Direction.EGRESS)
        if classes:
            yield Doubt(
                Basis.KIND_NOT_EVALUATED, classes, both, True, True, f"evaluation of the policies of {ref}", unseen
            )


def _on_node(masks: Masks, node: str) -> int:
    """Host-network classes with a pod on a node, or with none placed yet."""
    classes = masks.cluster.classes
    return masks.universe.host & mask_of(c.index for c in classes if node in c.nodes or not c.nodes)
