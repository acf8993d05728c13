"""The table of policy dialects. Each is one module that compiles its objects to the form of ``compiled``; nothing else
knows it.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct, structs

from kubeaudit.model.cluster import Cluster
from kubeaudit.network import networkpolicy
from kubeaudit.network.admin import compile as adminpolicy
from kubeaudit.network.calico import compile as calico
from kubeaudit.network.calico import hosts as calico_hosts
from kubeaudit.network.cilium import compile as cilium
from kubeaudit.network.cilium import hosts as cilium_hosts
from kubeaudit.network.compiled import CompiledPolicy
from kubeaudit.network.cuts import Cuts
from kubeaudit.network.inert import marked
from kubeaudit.network.masks import Masks
from kubeaudit.network.mesh import istio
from kubeaudit.network.nodes.policies import HostPolicies
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.settings import Fact


class Dialect(Struct, frozen=True):
    """``resources`` are the kinds it evaluates, by key. ``cuts`` is where its objects cut addresses and ports;
    ``compile`` turns them into policies of pods, ``hosts`` into policies of nodes, where it has any.
    """

    resources: frozenset[str]
    cuts: Callable[[Cluster], Cuts]
    compile: Callable[[Masks], Iterator[CompiledPolicy]]
    hosts: Callable[[Masks], HostPolicies | None] | None = None


DIALECTS: tuple[Dialect, ...] = (
    Dialect(networkpolicy.RESOURCES, networkpolicy.cuts, networkpolicy.compile_all),
    Dialect(adminpolicy.RESOURCES, adminpolicy.cuts, adminpolicy.compile_all),
    Dialect(calico.RESOURCES, calico.cuts, calico.compile_all, calico_hosts.compile_all),
    Dialect(cilium.RESOURCES, cilium.cuts, cilium.compile_all, cilium_hosts.compile_all),
)
"""One row a dialect."""

EVALUATED = istio.RESOURCES.union(*(dialect.resources for dialect in DIALECTS))
"""Every kind that is evaluated, by key; those of the mesh stand in rows of their own (``narrowing``)."""


def of_hosts(masks: Masks, cni: CniProfile) -> Iterator[HostPolicies]:
    """The policies of nodes of every dialect; none where nothing enforces policies."""
    for dialect in DIALECTS if cni.enforces is not Fact.NO else ():
        found = dialect.hosts(masks) if dialect.hosts else None
        if found is not None:
            yield structs.replace(found, policies=tuple(marked(found.policies, cni)))
