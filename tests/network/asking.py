"""Questions by name: pods as namespace/name, everything else as an address."""

from typing import Any

from kubeaudit.network.cni import CniProfile, profile
from kubeaudit.network.reach import Reach, ReachVerdict, assemble
from kubeaudit.proof import State
from kubeaudit.snapshot import Outcome

from .clusters import Object, cluster

KNP = profile("kube-network-policies")
R, U, B = State.YES, State.UNKNOWN, State.BLOCKED


def engine(*objects: Object, plugin: CniProfile = KNP, unread: dict[str, Outcome] | None = None) -> Reach:
    return assemble(cluster(*objects, unread=unread), plugin)


def ask(
    reach: Reach, source: str, target: str, protocol: str = "TCP", port: int = 80, family: str = "IPv4"
) -> ReachVerdict:
    return reach.packet(_end(reach, source), _end(reach, target), protocol, port, family)


def state(reach: Reach, source: str, target: str, *at: Any) -> State:
    return ask(reach, source, target, *at).state


def cls(reach: Reach, name: str) -> int:
    """The class of a pod."""
    end = _end(reach, name)
    assert isinstance(end, int)
    return reach.cluster.pods[end].cls


def _end(reach: Reach, name: str) -> int | str:
    if "/" not in name:
        return name
    return next(n for n, pod in enumerate(reach.cluster.pods) if f"{pod.namespace}/{pod.name}" == name)
