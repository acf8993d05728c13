"""Which host endpoint judges what of a node's traffic (NET-125).

An interface has the first host endpoint by name that names it or, without a name, expects one of its addresses; an
interface without one has that of all interfaces. Which interface carries a packet is known by the node's address alone.
Traffic with pods of the node crosses none of these (felix/rules/static.go, dispatch.go), that of the node with itself
only the interface for loopback.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from kubeaudit.model.nodes import parse
from kubeaudit.model.objects.calico import HostEndpoint
from kubeaudit.network.calico.fields import RefusedError, protocol
from kubeaudit.network.nodes.policies import PLACE, UNPLACED, Ways
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS, Interval
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact

ALL = "*"
Listed = Sequence[tuple[str, ObjectRef, HostEndpoint]]
"""Host endpoints: resource, object, value."""


class Faces(Struct, frozen=True):
    """A face for every host endpoint by its place, one for an interface without any, and one that nothing judges."""

    endpoints: Listed

    @property
    def bare(self) -> int:
        """The face of an interface without host endpoint, as far as these were read."""
        return len(self.endpoints)

    @property
    def free(self) -> int:
        """The face of traffic that crosses no interface with a host endpoint."""
        return len(self.endpoints) + 1

    @property
    def size(self) -> int:
        """The number of faces."""
        return len(self.endpoints) + 2

    def ways(self, nodes: Iterable[tuple[str, tuple[str, ...]]], ebpf: Fact) -> dict[str, Ways]:
        """The ways of nodes, given by name and addresses."""
        of_node: dict[str, list[int]] = {}
        for number, (_, _, endpoint) in sorted(enumerate(self.endpoints), key=lambda item: item[1][1].name):
            of_node.setdefault(endpoint.spec.node, []).append(number)
        found = {name: self._of(of_node.get(name, []), addresses, ebpf) for name, addresses in nodes}
        every, free = (*range(len(self.endpoints)), self.bare), (self.free,)
        found[UNPLACED] = Ways({}, every, free, every, doubt=PLACE)
        return found

    def _of(self, mine: list[int], addresses: tuple[str, ...], ebpf: Fact) -> Ways:
        """The ways of a node with some host endpoints, in the order of their names."""
        specs = {number: self.endpoints[number][2].spec for number in mine}
        named = [number for number in mine if specs[number].interface_name != ALL]
        named = [number for number in named if specs[number].interface_name or specs[number].expected_ips]
        rest = next((number for number in mine if specs[number].interface_name == ALL), self.bare)
        by_address = {}
        for address in addresses:
            holding = [n for n in named if any(parse(ip) == parse(address) for ip in specs[n].expected_ips)]
            if holding:
                before = named[: named.index(holding[0])]
                by_address[address] = (*(n for n in before if not specs[n].expected_ips), holding[0])
        # A host endpoint of all interfaces judges the loopback one with iptables, and does not with eBPF.
        itself = {Fact.NO: (rest,), Fact.YES: (self.free,), Fact.UNKNOWN: (rest, self.free)}[ebpf]
        # With eBPF, and defaultEndpointToHostAction Return, releases differ on whether it judges pods of the node.
        pods = (self.free,) if ebpf is Fact.NO else (rest, self.free)
        return Ways(by_address, (*named, rest), pods, itself, tunnel=(*named, rest))


def ports(listed: Listed) -> frozenset[Interval]:
    """The ports that host endpoints name."""
    found = (of_port(port.protocol, port.port) for _, _, endpoint in listed for port in endpoint.spec.ports)
    return frozenset((name, number, number) for name, number in found if name)


def named(listed: Listed) -> dict[tuple[str, str], dict[int, int]]:
    """Numbers of port names with their faces, by name and protocol."""
    found: dict[tuple[str, str], dict[int, int]] = {}
    for face, (_, _, endpoint) in enumerate(listed):
        for port in endpoint.spec.ports:
            name, number = of_port(port.protocol, port.port)
            if name:
                numbers = found.setdefault((port.name, name), {})
                numbers[number] = numbers.get(number, 0) | 1 << face
    return found


def of_port(text: int | str, number: int) -> tuple[str, int]:
    """A protocol with ports and a port of it; "" where it is none."""
    try:
        name = protocol((), text.upper() if isinstance(text, str) else text)
    except RefusedError:
        return "", 0
    return (name, number) if name in PROTOCOLS and FIRST <= number <= LAST else ("", 0)
