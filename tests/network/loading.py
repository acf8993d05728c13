"""Random worlds put to the engine, and the packets that are asked of both it and the naive evaluator."""

import os
from collections.abc import Iterator

from hypothesis import HealthCheck, settings
from msgspec import structs

from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.plugin.cni import profile as profile_of
from kubeaudit.network.plugin.profiles import ADMIN, CALICO, CLUSTER, by_name
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.proof import field
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact

from .clusters import Object, cluster
from .naive.world import UNKNOWN, YES, End, Packet, Plugin, World
from .worlds import ADDRESSES

FAMILIES = ("IPv4", "IPv6")
_KINDS = (ADMIN, CLUSTER, CALICO, ("cilium.io",))
_GONE = ("spec", "tier")
_ALWAYS = field(ObjectRef("ConfigMap", "kube-system", "cilium-config"), ("data", "enable-policy"), "always")
_EXAMPLES = os.environ.get("KUBEAUDIT_EXAMPLES")


def examples(number: int) -> settings:
    """How many random clusters a test looks at; KUBEAUDIT_EXAMPLES says it for all of them."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=int(_EXAMPLES or number), deadline=None, suppress_health_check=checks)


def profile(plugin: Plugin) -> CniProfile:
    """The row of the plugin with the switches of this cluster; a row of its own where the table has none."""
    facts = tuple(zip(_KINDS, plugin.implements, strict=True))
    switches = {
        "ipblock_matches_nodes": Fact(plugin.nodes),
        "node_reaches_own_pod": Fact.YES if plugin.exempt_from else Fact.NO,
        "drops_to_own_node": Fact(plugin.drops_to),
        "isolates_all": plugin.isolates_all,
        "evidence": (_ALWAYS,) if plugin.isolates_all else (),
        "end_port": Fact.YES,
        "implements": tuple(kind for kinds, fact in facts for kind in kinds if plugin.name and fact == YES),
        "may_implement": tuple(kind for kinds, fact in facts for kind in kinds if plugin.name and fact == UNKNOWN),
    }
    if plugin.name in by_name():
        return structs.replace(profile_of(plugin.name), **switches)
    return CniProfile(
        name=plugin.name, enforces=Fact(plugin.enforces), ipblock_matches_pods=Fact(plugin.pods), **switches
    )


def load(world: World, pods: list[Object] | None = None) -> Reach:
    """The engine's answers, with other pods if they are given. Of these objects the API servers take all, but
    for policies of Calico in a tier that is gone.
    """
    objects = [*world.namespaces, *world.nodes, *world.accounts, *(pods or world.pods), *world.policies, *world.others]
    found = assemble(cluster(*objects), profile(world.plugin))
    assert all(problem.harmless or problem.path == _GONE for problem in found.problems)
    return found


def alone(pods: list[Object]) -> list[Object]:
    """The pods without owners, so that each is a class."""
    return [pod | {"metadata": {k: v for k, v in pod["metadata"].items() if k != "ownerReferences"}} for pod in pods]


def ends(pods: list[Object], family: str) -> Iterator[tuple[int | str, End]]:
    """Pods and addresses, each as the engine names it and as the naive evaluator does."""
    yield from enumerate(pods)
    yield from ((address, address) for address in ADDRESSES if (":" in address) == (family == "IPv6"))


def packets(pods: list[Object], at: tuple[str, int]) -> Iterator[tuple[int | str, int | str, Packet]]:
    """Every packet on one port with a pod at one end at least."""
    for family in FAMILIES:
        every = list(ends(pods, family))
        for source, one in every:
            for target, other in every:
                if not (isinstance(source, str) and isinstance(target, str)):
                    yield source, target, Packet(one, other, *at, family)
