"""The table of policy dialects. Each is one module that compiles its objects to the form of ``compiled``; nothing else
knows it.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct

from kubeaudit.model.cluster import Cluster
from kubeaudit.network import adminpolicy, networkpolicy
from kubeaudit.network.calico import compile as calico
from kubeaudit.network.cilium import compile as cilium
from kubeaudit.network.compiled import CompiledPolicy
from kubeaudit.network.cuts import Cuts
from kubeaudit.network.masks import Masks
from kubeaudit.network.mesh import istio


class Dialect(Struct, frozen=True):
    """``resources`` are the kinds it evaluates, by key. ``cuts`` is where its objects cut addresses and ports;
    ``compile`` turns them into policies.
    """

    resources: frozenset[str]
    cuts: Callable[[Cluster], Cuts]
    compile: Callable[[Masks], Iterator[CompiledPolicy]]


DIALECTS: tuple[Dialect, ...] = (
    Dialect(networkpolicy.RESOURCES, networkpolicy.cuts, networkpolicy.compile_all),
    Dialect(adminpolicy.RESOURCES, adminpolicy.cuts, adminpolicy.compile_all),
    Dialect(calico.RESOURCES, calico.cuts, calico.compile_all),
    Dialect(cilium.RESOURCES, cilium.cuts, cilium.compile_all),
)
"""One row a dialect."""

EVALUATED = istio.RESOURCES.union(*(dialect.resources for dialect in DIALECTS))
"""Every kind that is evaluated, by key; those of the mesh stand in rows of their own (``narrowing``)."""
