"""Policies of nodes, as a dialect hands them over: what is asked of traffic of a node's own network (section 2).

A node and its host-network pods have one network, so they are judged alike. Its traffic is judged at faces, one for
each set of policies that may apply to it: an interface that is protected, or all of them. In these policies a mask of
subjects has one bit per face, and peers are as everywhere else.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.nodes import family_of
from kubeaudit.network.compiled import CompiledPolicy
from kubeaudit.network.doubts import Doubt
from kubeaudit.network.ipspace import FAMILIES
from kubeaudit.network.masks import Masks
from kubeaudit.network.verdicts import Basis, Direction
from kubeaudit.proof import Evidence

INTERFACE, FIREWALL, PLACE = "host_interface", "host_firewall", "host_node"
"""Why it is not known which of several faces traffic takes: which interface carries it, whether policies of nodes are
in force, on which node a pod will run."""
TRANSLATED = "snat"
"""Whether a node sees the address of a pod on another node, or that of the other node."""
FORWARDED = "host_forward"
"""Traffic that a node forwards to or from its pods, which policies of nodes may deny."""
SWITCHED_OFF = "host_policies_off"
UNPLACED = ""
"""The name of the node of pods that are on none yet."""


class Ways(Struct, frozen=True):
    """The faces that traffic of a node takes, by the other end and by the node's own address.

    ``addresses`` has those of traffic of an address of the node, ``others`` those where the address is not among them;
    ``tunnel`` those of traffic to pods of other nodes where it may go through a tunnel; ``pods`` those of traffic with
    pods of the node, ``itself`` those of the node with itself. Where there are several, ``doubt`` says why. ``off``
    shows what keeps policies that select the node without effect.
    """

    addresses: dict[str, tuple[int, ...]]
    others: tuple[int, ...]
    pods: tuple[int, ...]
    itself: tuple[int, ...]
    tunnel: tuple[int, ...] = ()
    doubt: str = INTERFACE
    off: tuple[Evidence, ...] = ()


class HostPolicies(Struct, frozen=True):
    """The policies of nodes of one dialect.

    ``ways`` has the nodes by name that they may concern; traffic of other nodes is open. ``size`` is the number of
    faces. ``forwarded`` are policies of pods: what those of their node may do to traffic that it forwards to them.
    """

    size: int
    ways: dict[str, Ways]
    policies: tuple[CompiledPolicy, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    forwarded: tuple[CompiledPolicy, ...] = ()


class HostMasks(Masks):
    """Masks for policies whose subjects are faces; problems and doubts are noted apart.

    ``addresses`` are those of every face, ``named`` the numbers of its port names by name and protocol, each with a
    mask of faces.
    """

    def __init__(
        self,
        masks: Masks,
        addresses: Sequence[Sequence[str]],
        named: Mapping[tuple[str, str], dict[int, int]] | None = None,
    ) -> None:
        self.__dict__.update(copy.copy(masks).__dict__)
        self.problems, self.doubts = [], []
        self._faces = [self._by_family(found) for found in addresses]
        self._named_on_faces = named or {}

    def holders(self, name: tuple[str, str], direction: Direction) -> dict[int, int]:
        """The faces (ingress) or destinations that declare a port name, by number."""
        return super().holders(name, direction) if direction is Direction.EGRESS else self._named_on_faces.get(name, {})

    def subjects(self, sure: int, possible: int, family: str) -> tuple[int, int]:
        """The faces all of whose addresses of a family are among some peers for certain, and the other ones of which
        some address may be.
        """
        found = perhaps = 0
        for number, addresses in enumerate(self._faces):
            mine = addresses.get(family) or self.universe.external(self.universe.space.family(FAMILIES[family]))
            found |= 1 << number if not mine & ~sure else 0
            perhaps |= 1 << number if mine & possible else 0
        return found, perhaps & ~found

    def _by_family(self, addresses: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for address in addresses:
            family = family_of(address)
            found[family] = found.get(family, 0) | self.universe.address_bit(address)
        return found


def of_policies(cluster: Cluster, policies: Sequence[CompiledPolicy]) -> Iterator[Doubt]:
    """What leaves policies of nodes open: faulty parts, and labels of namespaces that were not read."""
    both, gap = (Direction.INGRESS, Direction.EGRESS), cluster.complete.gap("namespaces")
    for policy in policies:
        if policy.faulty:
            unseen = Unseen(Reason.EVALUATION_ERROR, policy.resource, policy.ref.namespace, f"{policy.ref} is faulty")
            settle_by = f"a correction of {policy.ref}"
            yield Doubt(Basis.INPUT_INCOMPLETE, policy.faulty, both, False, True, settle_by, unseen)
        for half in policy.halves if gap else ():
            if half.namespace_labels and gap:
                unseen = Unseen(Reason(gap.reason), gap.resource, gap.scope, gap.detail)
                directions = (half.direction,)
                yield Doubt(Basis.INPUT_INCOMPLETE, policy.selected, directions, True, True, "list namespaces", unseen)
