"""Questions by name: pods as namespace/name, everything else as an address."""

import ipaddress
from typing import Any

from kubeaudit.network.plugin.cni import CniProfile, profile
from kubeaudit.network.reach import Reach, ReachVerdict, Row, assemble
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


def row_state(rows: list[Row], source: str, target: str, protocol: str, port: int) -> State:
    """What the flat relation says of two ends: names of classes, or an address."""
    found = {
        row.state
        for row in rows
        if row.protocol == protocol
        and row.first <= port <= row.last
        and is_end(row.source, source)
        and is_end(row.target, target)
    }
    assert len(found) <= 1
    return found.pop() if found else State.BLOCKED


def is_end(end: str, asked: str) -> bool:
    """Whether an end of a row is what is asked: the name of a class, or an address in a range."""
    if end == asked:
        return True
    if "/" in asked or ("/" in end and not end[0].isdigit() and ":" not in end):
        return False
    address = ipaddress.ip_address(asked)
    if "/" in end:
        return address in ipaddress.ip_network(end)
    first, _, last = end.partition("-")
    low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
    return low.version == address.version and int(low) <= int(address) <= int(high)
