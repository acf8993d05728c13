"""Felix's failsafe ports: what a host endpoint takes and opens whatever policies say (NET-125).

The environment of calico-node comes before FelixConfiguration objects, that of a node before the one of the cluster.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from kubeaudit.model.calico_looks import GROUPS
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.calico import FelixConfiguration, ProtoPort
from kubeaudit.model.objects.meta import Metadata
from kubeaudit.network.calico import felix
from kubeaudit.network.calico.doubts import FAILSAFE
from kubeaudit.network.calico.fields import RefusedError, network
from kubeaudit.network.calico.labels import Labels, Peers
from kubeaudit.network.calico.objects import FELIX, every
from kubeaudit.network.compiled import CompiledPolicy, Entry, Half, Tier
from kubeaudit.network.cuts import Cuts
from kubeaudit.network.masks import Masks
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS
from kubeaudit.network.verdicts import Action, Direction
from kubeaudit.proof import Path
from kubeaudit.refs import ObjectRef

_STATED = Tier(-math.inf, "failsafe ports", Action.PASS)
_BY_DEFAULT = Tier(-math.inf, "default failsafe ports", Action.PASS)


def _ports(protocol: str, *numbers: int) -> tuple[ProtoPort, ...]:
    return tuple(ProtoPort(protocol, number) for number in numbers)


_SHARED = _ports("tcp", 179, 2379, 2380, 5473, 6443, 6666, 6667)
DEFAULTS = {
    Direction.INGRESS: (*_ports("tcp", 22), *_ports("udp", 68), *_SHARED),
    Direction.EGRESS: (*_ports("udp", 53, 67), *_SHARED),
}
"""What Felix takes where nothing is set (felix/config/config_params.go)."""
_FIELDS = {
    Direction.INGRESS: ("failsafeInboundHostPorts", "failsafe_inbound_host_ports"),
    Direction.EGRESS: ("failsafeOutboundHostPorts", "failsafe_outbound_host_ports"),
}
_ITEM = re.compile(r"(?:(?P<protocol>[a-z]+):)?(?:\[?(?P<net>[0-9a-fA-F.:]+/\d+)\]?:)?(?P<port>\d+)", re.IGNORECASE)


class Setting(Struct, frozen=True):
    """Ports, where they stand, and the object for proofs. ``listed``: each port has a place of its own there."""

    ref: ObjectRef
    source: Any
    path: Path
    ports: tuple[ProtoPort, ...]
    listed: bool = False


def settings(cluster: Cluster, direction: Direction, nodes: Iterable[str]) -> dict[str, Setting]:
    """The failsafe ports of every node."""
    name, attribute = _FIELDS[direction]
    for ref, path, value in felix.variables(cluster, f"FELIX_{name.upper()}"):
        ports = tuple(_written(value))
        return {node: Setting(ref, _nested(path, value), path, ports) for node in nodes}
    listed = every(cluster.held, FELIX, "FelixConfiguration", FelixConfiguration)
    objects = {ref.name: (ref, found) for _, ref, found in listed}
    default = ObjectRef("FelixConfiguration", "", "default", listed[0][1].group if listed else GROUPS[-1])
    base = objects.get("default", (default, FelixConfiguration(Metadata("default"))))
    result = {}
    for node in nodes:
        places = [objects[f"node.{node}"], base] if f"node.{node}" in objects else [base]
        ref, found = next((place for place in places if getattr(place[1].spec, attribute) is not None), base)
        ports = getattr(found.spec, attribute)
        stated = ports is not None
        result[node] = Setting(ref, found, ("spec", name), ports if stated else DEFAULTS[direction], stated)
    return result


def cuts(cluster: Cluster) -> Cuts:
    """Where failsafe ports cut ports and addresses."""
    listed = [port for ports in DEFAULTS.values() for port in ports]
    for name, attribute in _FIELDS.values():
        for _, _, value in felix.variables(cluster, f"FELIX_{name.upper()}"):
            listed += _written(value)
        for _, _, found in every(cluster.held, FELIX, "FelixConfiguration", FelixConfiguration):
            listed += getattr(found.spec, attribute) or ()
    networks = {str(found) for port in listed if (found := _network(port)) is not None}
    return Cuts(frozenset(networks), frozenset(), frozenset((p, n, n) for p, n in map(_of, listed) if p))


def policies(masks: Masks, labels: Labels, faces: Mapping[str, int], resource: str) -> Iterator[CompiledPolicy]:
    """The failsafe ports of nodes with their faces, as a policy that is asked first."""
    sure = not felix.unread(masks.cluster)
    for direction in Direction:
        groups: dict[tuple[ObjectRef, Path], tuple[Setting, int]] = {}
        for node, setting in settings(masks.cluster, direction, faces).items():
            key = (setting.ref, setting.path)
            groups[key] = (setting, groups.get(key, (setting, 0))[1] | faces[node])
        for setting, mask in groups.values():
            half = Half(direction, tuple(_entries(masks, labels, setting, mask, sure)), isolates=False)
            default = setting.ports is DEFAULTS[direction]
            tier, order = (_BY_DEFAULT if default else _STATED), (0.0, str(setting.ref))
            yield CompiledPolicy(setting.ref, resource, setting.source, mask, (half,), tier, order, setting.path)


def _entries(masks: Masks, labels: Labels, setting: Setting, faces: int, sure: bool) -> Iterator[Entry]:
    everyone = Peers(masks.universe.everything, masks.universe.everything)
    for number, port in enumerate(setting.ports):
        protocol, wanted = _of(port)
        if not protocol or (port.net and _network(port) is None):
            continue
        peers = labels.block((), port.net) if port.net else everyone
        found = peers if sure else Peers(0, peers.possible)
        path = (*setting.path, number) if setting.listed else setting.path
        ports, doubt = masks.ports.atom(protocol, wanted), "" if sure else FAILSAFE
        yield Entry(faces, found.sure, found.possible & ~found.sure, ports, number, path, doubt=doubt)


def _of(port: ProtoPort) -> tuple[str, int]:
    """Protocol and number; "" for what Felix does not take."""
    protocol = port.protocol.upper() or "TCP"
    return (protocol, port.port) if protocol in PROTOCOLS and FIRST <= port.port <= LAST else ("", 0)


def _network(port: ProtoPort) -> Any:
    try:
        return network((), port.net) if port.net else None
    except RefusedError:
        return None


def _written(text: str) -> Iterator[ProtoPort]:
    """A list as the environment has it: ``tcp:22,udp:68``, or ``none``."""
    for item in text.split(","):
        found = _ITEM.fullmatch(item.strip())
        if found is not None:
            yield ProtoPort(found["protocol"] or "tcp", int(found["port"]), found["net"] or "")


def _nested(path: Path, value: str) -> Any:
    """An object that has just a value at a path."""
    found: Any = value
    for step in reversed(path):
        found = [*([{}] * step), found] if isinstance(step, int) else {step: found}
    return found
