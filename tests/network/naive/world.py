"""The words of the naive evaluator: a cluster, its plugin, a packet, one side of it.

A comparison has three answers: True, False, and None where it is not known. What a dialect says of one side of a packet
is the set of what may become of it: it is allowed, denied, or passed on to whoever is asked next. An allow that holds
only under a condition is the name of the condition, such as ``l7``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

YES, NO, UNKNOWN, BLOCKED = "yes", "no", "unknown", "blocked"
ALLOW, DENY, PASS = "allow", "deny", "pass"

Object = dict[str, Any]
End = Object | str
"""A pod, or an address outside the pods."""
Outcomes = frozenset[str]

NETWORK_POLICY = "networking.k8s.io"
TIERS_1, TIERS_2 = "policy.networking.k8s.io/v1alpha1", "policy.networking.k8s.io/v1alpha2"
CALICO, CILIUM, ISTIO = "projectcalico.org", "cilium.io", "security.istio.io"
IMPLEMENTED = (TIERS_1, TIERS_2, CALICO, CILIUM)
"""What a plugin implements, or does not (NET-78)."""


@dataclass(frozen=True)
class Plugin:
    """What is known of the network plugin (table of 3.7); facts are ``yes``, ``no`` or ``unknown``.

    ``pods`` and ``nodes``: whether blocks are compared with their addresses. ``exempt_from`` and ``exempt_to``: whether
    traffic of a pod from and to its own node is left alone (NET-44, NET-46); ``drops_to``: whether that to it is
    dropped whatever policies say (NET-130).
    ``implements`` has a fact for each of ``IMPLEMENTED``. ``isolates_all``: NET-76.
    """

    name: str = "some"
    enforces: str = YES
    pods: str = YES
    nodes: str = YES
    exempt_from: bool = True
    exempt_to: bool = True
    drops_to: str = NO
    implements: tuple[str, str, str, str] = (NO, NO, NO, NO)
    isolates_all: bool = False


@dataclass(frozen=True)
class World:
    """``policies`` are all objects of all dialects, ``others`` what is neither policy nor listed before.

    ``api_server`` are the addresses of the API server.
    """

    plugin: Plugin
    namespaces: list[Object] = field(default_factory=list)
    nodes: list[Object] = field(default_factory=list)
    pods: list[Object] = field(default_factory=list)
    policies: list[Object] = field(default_factory=list)
    accounts: list[Object] = field(default_factory=list)
    others: list[Object] = field(default_factory=list)
    api_server: tuple[str, ...] = ()

    @property
    def objects(self) -> list[Object]:
        """Everything."""
        lists = (self.namespaces, self.nodes, self.accounts, self.pods, self.policies, self.others)
        return [found for some in lists for found in some]

    def of(self, group: str, *kinds: str) -> list[Object]:
        """Policies of an API group, or of one version of it, of some kinds, or of all."""
        return [found for found in self._by_group.get(group, ()) if not kinds or found["kind"] in kinds]

    @cached_property
    def _by_group(self) -> dict[str, list[Object]]:
        found: dict[str, list[Object]] = {}
        for policy in self.policies:
            version = policy["apiVersion"]
            for key in (version, version.partition("/")[0].removeprefix("crd.")):
                found.setdefault(key, []).append(policy)
        return found


@dataclass(frozen=True)
class Packet:
    """A packet that opens a connection. Of ICMP the port means nothing."""

    source: End
    target: End
    protocol: str
    port: int
    family: str

    def side(self, direction: str) -> "Side":
        """What the policies of one end see of it: those of the source ``egress``, those of the target ``ingress``."""
        ends = (self.source, self.target) if direction == "egress" else (self.target, self.source)
        return Side(self, direction, *ends)


@dataclass(frozen=True)
class Side:
    """A packet as the policies of the pod ``subject`` see it, which is an address where no policy sees it."""

    packet: Packet
    direction: str
    subject: Any
    peer: End

    @property
    def protocol(self) -> str:
        return self.packet.protocol

    @property
    def port(self) -> int:
        return self.packet.port

    @property
    def family(self) -> str:
        return self.packet.family


def any_of(found: Iterable[bool | None]) -> bool | None:
    """Whether one of several comparisons holds."""
    answers = set(found)
    return True if True in answers else None if None in answers else False


def all_of(found: Iterable[bool | None]) -> bool | None:
    """Whether all of several comparisons hold."""
    answers = set(found)
    return False if False in answers else None if None in answers else True


def opposite(found: bool | None) -> bool | None:
    """Whether a comparison does not hold."""
    return None if found is None else not found
