"""What every policy dialect compiles to: whom a policy selects, in which tier, and what its rules do (A-8)."""

import math
from typing import Any

from msgspec import Struct

from kubeaudit.network.verdicts import Action, Direction
from kubeaudit.proof import Path
from kubeaudit.refs import ObjectRef


class Tier(Struct, frozen=True, order=True):
    """Policies that are asked together: tiers by ``rank`` and name, lowest first, until one decides.

    Ranks are Calico's tier orders, so that every dialect has its place on one scale. ``end`` is what becomes of traffic
    that no rule of the tier matched: DENY where a policy of the tier isolates the pod in the direction, or PASS.
    """

    rank: float
    name: str
    end: Action


ADMIN = Tier(1_000, "Admin", Action.PASS)
NETWORK_POLICY = Tier(1_000_000, "NetworkPolicy", Action.DENY)
BASELINE = Tier(10_000_000, "Baseline", Action.PASS)
END_PORT = "end_port"
"""Doubt of entries for the ports of a range behind the first one (NET-24)."""
LAST_RANK = math.inf
"""NET-80, NET-123; a tier without an order comes last."""


class Entry(Struct, frozen=True, gc=False):
    """What one peer of one rule does to the traffic it matches.

    ``subjects`` are the selected classes it holds for: all of them, or those whose port name stands for a number in
    ``ports`` (NET-25). ``peers`` match for certain; ``maybe`` match only if something undefined or unseen has it so,
    which ``doubt`` names (network.md, section 4, ``undefined``; "" for an ipBlock, whose doubt follows from the peer).
    ``condition`` is what a connection must fulfil above L4 (``l7``, ``fqdn``). ``path`` leads to the peer, or to the
    rule where that names none.
    """

    subjects: int
    peers: int
    maybe: int
    ports: int
    rule: int
    path: Path
    action: Action = Action.ALLOW
    doubt: str = ""
    condition: str = ""


class Half(Struct, frozen=True):
    """One direction of a policy, its entries in the order of its rules. ``unread`` are those for ports that the plugin
    does not read (NET-24).

    ``isolates``: the end of the tier holds for the pods it selects. ``namespace_labels``: entries depend on labels of
    namespaces; ``absent_labels``: some on their absence.
    """

    direction: Direction
    entries: tuple[Entry, ...]
    isolates: bool = True
    namespace_labels: bool = False
    absent_labels: bool = False
    unread: tuple[Entry, ...] = ()


class CompiledPolicy(Struct, frozen=True):
    """A policy as masks.

    ``order`` is its place in the tier, lowest first; of policies with equal orders and rules that contradict each other
    it is not defined which one decides (NET-86). ``source`` is the object, ``selector`` leads to what selects in it.
    ``selects_by_namespace``: ``selected`` depends on labels of namespaces. ``faulty`` are classes whose connections a
    part that could not be read may allow (section 1). ``inert`` names the kinds it belongs to where perhaps
    nothing implements them (NET-78), else "". ``ordered``: of its rules the first one that matches decides (NET-81,
    NET-120); else they decide together (NET-08).
    """

    ref: ObjectRef
    resource: str
    source: Any
    selected: int
    halves: tuple[Half, ...]
    tier: Tier = NETWORK_POLICY
    order: tuple[float, str] = (0.0, "")
    selector: Path = ("spec", "podSelector")
    selects_by_namespace: bool = False
    faulty: int = 0
    inert: str = ""
    ordered: bool = False

    def half(self, direction: Direction) -> Half | None:
        """What the policy says of a direction; None where it says nothing."""
        return next((half for half in self.halves if half.direction is direction), None)
