"""What a verdict needs to know of the network plugin in use (network.md, 3.7)."""

from msgspec import Struct

from kubeaudit.errors import UsageError
from kubeaudit.findings import Unseen
from kubeaudit.network.plugin.profiles import Profile, by_name
from kubeaudit.proof import Evidence
from kubeaudit.settings import Fact

_WHATEVER_PLUGIN = ("networking.k8s.io", "security.istio.io")
"""Groups whose policies do not depend on the plugin's row (NetworkPolicy: NET-71) or on any plugin (the mesh)."""


class CniProfile(Struct, frozen=True, kw_only=True):
    """The network plugin in use. ``name`` is "" where none was recognised.

    ``enforces``: whether NetworkPolicy has effect. ``isolates_all``: pods without any policy are isolated too (NET-76).
    ``networks_match_pods``: whether ``networks`` of the Admin and Baseline tiers are compared with addresses of pods,
    as their API has it (NET-41). ``drops_to_own_node``: whether what policies let pods open to their node is dropped
    all the same (NET-130). ``exceptions_hold``: whether what an ``except`` leaves out stays out (NET-149). The
    other switches are those of :class:`~kubeaudit.network.profiles.Profile`. ``text`` is one sentence for readers.
    """

    name: str
    enforces: Fact
    ipblock_matches_pods: Fact
    ipblock_matches_nodes: Fact = Fact.YES
    node_reaches_own_pod: Fact = Fact.YES
    pod_reaches_own_node: Fact = Fact.YES
    drops_to_own_node: Fact = Fact.NO
    exceptions_hold: Fact = Fact.YES
    end_port: Fact = Fact.YES
    host_network_label: str = ""
    implements: tuple[str, ...] = ()
    may_implement: tuple[str, ...] = ()
    networks_match_pods: Fact = Fact.YES
    isolates_all: bool = False
    evidence: tuple[Evidence, ...] = ()
    text: str = ""
    unseen: tuple[Unseen, ...] = ()

    @property
    def settles_icmp(self) -> bool:
        """Whether it is documented what a rule with ports means for ICMP: Cilium blocks it (NET-34)."""
        return self.name == "cilium"

    def effect(self, resource: str) -> Fact:
        """Whether policies of a kind have effect with this plugin (NET-78).

        Of a plugin that was not recognised it is not known, unless the user says that it enforces policies: then all
        kinds count.
        """
        group = resource.partition(".")[2]
        if group in _WHATEVER_PLUGIN or resource in self.implements or group in self.implements:
            return Fact.YES
        if resource in self.may_implement or group in self.may_implement:
            return Fact.UNKNOWN
        if self.name:
            return Fact.NO
        return Fact.YES if self.enforces is Fact.YES else Fact.UNKNOWN

    def has_effect(self, resource: str) -> bool:
        """Whether policies of a kind can have effect with this plugin."""
        return self.effect(resource) is not Fact.NO


def profile(name: str, enforces: Fact | None = None) -> CniProfile:
    """The profile of a row of the table, as a user names it (NET-77).

    Raises ``UsageError`` for a name that is no row.
    """
    row = by_name().get(name)
    if row is None:
        raise UsageError(f"unknown network plugin profile {name!r}", f"known are: {', '.join(sorted(by_name()))}")
    return as_profile(row, enforces or _given(row), (), f"network plugin {name} (given by the user)")


def _given(row: Profile) -> Fact:
    """Naming a profile that may enforce says that it does; one that never does stays so."""
    return Fact.NO if row.enforces is Fact.NO else Fact.YES


def as_profile(
    row: Profile, enforces: Fact, evidence: tuple[Evidence, ...], text: str, unseen: tuple[Unseen, ...] = ()
) -> CniProfile:
    """A row of the table with what was found out about this cluster."""
    return CniProfile(
        name=row.name,
        enforces=enforces,
        ipblock_matches_pods=row.ipblock_matches_pods,
        ipblock_matches_nodes=row.ipblock_matches_nodes,
        node_reaches_own_pod=row.node_reaches_own_pod,
        pod_reaches_own_node=row.pod_reaches_own_node,
        drops_to_own_node=row.drops_to_own_node,
        end_port=row.end_port,
        host_network_label=row.host_network_label,
        implements=row.implements,
        may_implement=row.may_implement,
        evidence=evidence,
        text=text,
        unseen=unseen,
    )
