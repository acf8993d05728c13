"""The switch of Felix for traffic from pods to their own node (NET-130).

Felix asks the egress policies of the pod first; what they let pass is then accepted, returned to the rules of the node,
or dropped, which is its own default. The environment of calico-node comes before FelixConfiguration objects.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Struct, structs

from kubeaudit.model.calico_looks import GROUPS
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.calico import FelixConfiguration
from kubeaudit.network.calico import objects
from kubeaudit.network.calico.objects import FELIX, every
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.proof import Evidence, Path, field
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact

_VARIABLE = "FELIX_DEFAULTENDPOINTTOHOSTACTION"
_DAEMONSETS = ("calico-node", "canal", "rke2-canal")
_FIELD = ("spec", "defaultEndpointToHostAction")
_TRUTH = {"true": Fact.YES, "1": Fact.YES, "false": Fact.NO, "0": Fact.NO}
_DROPS = {"drop": Fact.YES, "return": Fact.NO, "accept": Fact.NO}


class _Variable(Struct, frozen=True):
    name: str = ""
    value: str = ""


class _Container(Struct, frozen=True):
    env: tuple[_Variable, ...] = ()


class _PodSpec(Struct, frozen=True):
    containers: tuple[_Container, ...] = ()


class _Set(Struct, frozen=True):
    drops: Fact
    evidence: Evidence


def switched(cluster: Cluster, found: CniProfile) -> CniProfile:
    """The plugin with what is known of the switch; unknown where neither place could be read, or nodes differ."""
    stated = list(_in_environment(cluster)) or list(_configured(cluster))
    drops = {one.drops for one in stated}
    if not stated:
        unread = [
            cluster.complete.gap("daemonsets.apps"),
            *(cluster.complete.gap(f"{FELIX}.{g}") for g in _groups(cluster)),
        ]
        drops = {Fact.UNKNOWN if any(unread) else Fact.YES}
    fact = drops.pop() if len(drops) == 1 else Fact.UNKNOWN
    return structs.replace(found, drops_to_own_node=fact, evidence=(*found.evidence, *(one.evidence for one in stated)))


def _groups(cluster: Cluster) -> Iterator[str]:
    return (group for group in GROUPS if cluster.complete.served(f"{FELIX}.{group}"))


def _in_environment(cluster: Cluster) -> Iterator[_Set]:
    for ref, path, value in variables(cluster, _VARIABLE):
        yield _Set(_DROPS.get(value.lower(), Fact.UNKNOWN), field(ref, path, value))


def variables(cluster: Cluster, name: str) -> Iterator[tuple[ObjectRef, Path, str]]:
    """A variable in the environment of calico-node: the DaemonSet, the path and the value."""
    for cls in cluster.classes:
        workload = cluster.workloads[cls.workload]
        if workload.ref.kind != "DaemonSet" or workload.ref.name not in _DAEMONSETS:
            continue
        spec = msgspec.json.decode(cluster.specs[cls.spec], type=_PodSpec)
        for number, container in enumerate(spec.containers):
            for place, variable in enumerate(container.env):
                if variable.name == name:
                    path: Path = (*workload.template_path, "containers", number, "env", place, "value")
                    yield workload.ref, path, variable.value


def unread(cluster: Cluster) -> bool:
    """Whether a place that sets Felix may not have been read."""
    return bool(cluster.complete.gap("daemonsets.apps") or objects.unread(cluster, FELIX))


def ebpf(cluster: Cluster) -> Fact:
    """Whether Felix uses its eBPF dataplane; it does not by default."""
    said = [value.lower() for _, _, value in variables(cluster, "FELIX_BPFENABLED")]
    if not said:
        found = every(cluster.held, FELIX, "FelixConfiguration", FelixConfiguration)
        stated = [one.spec.bpf_enabled for _, _, one in found if one.spec.bpf_enabled is not None]
        said = [str(value).lower() for value in stated]
    if not said:
        return Fact.UNKNOWN if unread(cluster) else Fact.NO
    facts = {_TRUTH.get(value, Fact.UNKNOWN) for value in said}
    return facts.pop() if len(facts) == 1 else Fact.UNKNOWN


def _configured(cluster: Cluster) -> Iterator[_Set]:
    """The object for all nodes, and those for one node that say otherwise."""
    for _, ref, found in every(cluster.held, FELIX, "FelixConfiguration", FelixConfiguration):
        action = found.spec.default_endpoint_to_host_action
        if action and (ref.name == "default" or ref.name.startswith("node.")):
            yield _Set(_DROPS.get(action.lower(), Fact.UNKNOWN), field(ref, _FIELD, action))
