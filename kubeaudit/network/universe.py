"""Everything a policy can select or name as a peer, one bit each (network.md, A-3, A-5, A-6).

A peer mask has three parts: the classes as seen in IPv4, the classes as seen in IPv6, and the atoms of external
addresses. A class has two bits because an ipBlock matches it by one of its addresses (NET-42). A mask of subjects has
one bit per class.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec import Struct

from kubeaudit.model.cluster import Cluster
from kubeaudit.model.nodes import parse
from kubeaudit.model.objects.meta import LabelSelector
from kubeaudit.model.objects.pods import ContainerPort, PodSpec
from kubeaudit.model.selectors import LabelIndex, bits_of, index, mask_of
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.ipspace import IPSpace, Network
from kubeaudit.network.ports import FIRST, LAST
from kubeaudit.network.verdicts import PolicyProblem

NamedPorts = dict[tuple[str, str], dict[int, int]]
"""Number to the mask of classes that declare it, by port name and protocol (NET-25..31)."""


class Located(Struct, frozen=True):
    """Classes by the address atom they lie in; ``below[i]`` are those in the first ``i`` atoms of ``atoms``."""

    atoms: tuple[int, ...]
    below: tuple[int, ...]

    def within(self, low: int, high: int) -> int:
        """Classes whose address lies in the atoms from ``low`` to before ``high``."""
        return self.below[bisect_left(self.atoms, high)] & ~self.below[bisect_left(self.atoms, low)]


class Universe(Struct, frozen=True, dict=True):
    """Masks of the classes of a cluster and of the address space around them.

    ``size`` is the number of classes, ``host`` the host-network ones, ``unaddressed`` those whose address is not known
    (a manifest, a pod that waits). ``members`` has the classes of every namespace, ``names`` the namespaces in the
    order of ``spaces``.
    """

    size: int
    host: int
    unaddressed: int
    labels: LabelIndex
    spaces: LabelIndex
    names: tuple[str, ...]
    members: dict[str, int]
    located: Located
    space: IPSpace
    named: NamedPorts

    @cached_property
    def classes(self) -> int:
        """Every class."""
        return (1 << self.size) - 1

    @property
    def everything(self) -> int:
        """Every peer: all classes in both families and all addresses (NET-13)."""
        return (1 << 2 * self.size + self.space.size) - 1

    def both(self, classes: int) -> int:
        """The peer mask of classes in both families."""
        return classes | classes << self.size

    def peer_bit(self, cls: int, family: str) -> int:
        """The peer mask of one class in one family (``IPv4`` or ``IPv6``)."""
        return 1 << cls + (self.size if family == "IPv6" else 0)

    def address_bit(self, address: str) -> int:
        """The peer mask of an external address. Raises ``ValueError`` where the text is none."""
        atom = self.space.atom(address)
        if atom is None:
            raise ValueError(f"{address!r} is no IPv4 or IPv6 address")
        return 1 << 2 * self.size + atom

    def external(self, atoms: int) -> int:
        """The peer mask of address atoms."""
        return atoms << 2 * self.size

    def atoms_of(self, peers: int) -> int:
        """The address atoms of a peer mask."""
        return peers >> 2 * self.size

    def seen_in(self, peers: int, family: str) -> int:
        """The classes of a peer mask in one family."""
        return (peers >> self.size if family == "IPv6" else peers) & self.classes

    def in_namespaces(self, selector: LabelSelector) -> int:
        """Classes of the namespaces a selector matches. Raises ``InvalidSelectorError``."""
        mask = 0
        for position in bits_of(self.spaces.select(selector)):
            mask |= self.members.get(self.names[position], 0)
        return mask

    def in_network(self, network: Network) -> tuple[int, int]:
        """What a network holds: the peer mask of classes by their addresses, and that of external atoms."""
        low, high = self.space.span(network)
        return self.located.within(low, high), self.external((1 << high) - (1 << low))


def universe(cluster: Cluster, space: IPSpace, port_names: frozenset[str]) -> Universe:
    """Index a cluster. ``port_names`` are those that some policy uses."""
    classes = cluster.classes
    size = len(classes)
    nodes = {node.ref.name: node.addresses for node in cluster.nodes}
    addresses = [_addresses(cls, nodes) for cls in classes]
    names = tuple(cluster.namespaces)
    return Universe(
        size=size,
        host=mask_of(c.index for c in classes if c.shape.host_network),
        unaddressed=mask_of(c.index for c in classes if not addresses[c.index]),
        labels=index([dict(c.labels) for c in classes]),
        spaces=index([cluster.namespaces[name] for name in names]),
        names=names,
        members=_by_namespace(classes),
        located=_locate(addresses, space, size),
        space=space,
        named=named_ports(classes, port_names),
    )


def _addresses(cls: WorkloadClass, nodes: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The addresses of a class; a host-network pod without any of its own has those of its node."""
    if cls.addresses or not cls.shape.host_network or len(cls.nodes) != 1:
        return cls.addresses
    return nodes.get(cls.nodes[0], ())


def _by_namespace(classes: Iterable[WorkloadClass]) -> dict[str, int]:
    members: dict[str, list[int]] = {}
    for cls in classes:
        members.setdefault(cls.namespace, []).append(cls.index)
    return {name: mask_of(found) for name, found in members.items()}


def _locate(addresses: list[tuple[str, ...]], space: IPSpace, size: int) -> Located:
    by_atom: dict[int, list[int]] = {}
    for cls, listed in enumerate(addresses):
        for address in listed:
            atom, found = space.atom(address), parse(address)
            if atom is not None and found is not None:
                by_atom.setdefault(atom, []).append(cls + (size if found.version == 6 else 0))
    atoms = tuple(sorted(by_atom))
    below = [0]
    for atom in atoms:
        below.append(below[-1] | mask_of(by_atom[atom]))
    return Located(atoms, tuple(below))


def named_ports(classes: Iterable[WorkloadClass], names: frozenset[str]) -> NamedPorts:
    """The numbers that classes declare for the given port names, per protocol."""
    found: dict[tuple[str, str], dict[int, list[int]]] = {}
    for cls in classes:
        for port in declared(cls.shape):
            if port.name in names and FIRST <= port.container_port <= LAST:
                found.setdefault((port.name, port.protocol), {}).setdefault(port.container_port, []).append(cls.index)
    return {key: {number: mask_of(held) for number, held in numbers.items()} for key, numbers in found.items()}


def declared(shape: PodSpec) -> Iterator[ContainerPort]:
    """Ports of the containers that run while the pod does: the ordinary ones and sidecars (NET-30)."""
    for container in shape.containers:
        yield from container.ports
    for container in shape.init_containers:
        if container.restart_policy == "Always":
            yield from container.ports


def declared_twice(cluster: Cluster, names: frozenset[str]) -> Iterator[PolicyProblem]:
    """Pods of which two containers declare a port name that some policy uses with different numbers (NET-31)."""
    seen: set[int] = set()
    for cls in cluster.classes:
        numbers: dict[tuple[str, str], set[int]] = {}
        for port in declared(cls.shape):
            numbers.setdefault((port.name, port.protocol), set()).add(port.container_port)
        for (name, protocol), found in numbers.items():
            if name in names and len(found) > 1 and cls.workload not in seen:
                seen.add(cls.workload)
                workload = cluster.workloads[cls.workload]
                listed = ", ".join(map(str, sorted(found)))
                reason = f"port name {name} ({protocol}) is declared as {listed}; a policy that names it allows all"
                yield PolicyProblem(workload.ref, (*workload.template_path, "containers"), reason, harmless=True)
