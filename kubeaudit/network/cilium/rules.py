"""The rules of one Cilium policy into entries (NET-101..113)."""

from collections.abc import Iterator

from msgspec import Struct, structs

from kubeaudit.model.objects.cilium import PortRule, Rule, Selector, items
from kubeaudit.network.cilium.fields import REQUIRES, condition, ports_of, selects_nothing, stated
from kubeaudit.network.cilium.peers import Peers, Where
from kubeaudit.network.cilium.places import PeerSet, Places
from kubeaudit.network.cilium.selectors import EndpointSelectors
from kubeaudit.network.cilium.switches import NO_REQUIRES, PORT_RANGES, CiliumSwitches
from kubeaudit.network.compiled import Entry
from kubeaudit.network.ipspace import FAMILIES
from kubeaudit.network.masks import Masks
from kubeaudit.network.verdicts import Action
from kubeaudit.proof import Path
from kubeaudit.settings import Fact

EMPTY_RULE = "cilium_empty_rule"


class Item(Struct, frozen=True):
    """Ports of a rule: ``within`` are the peers they hold for, ``doubt`` says why they are not certain."""

    ports: int
    names: tuple[tuple[str, str], ...] = ()
    within: int = -1
    condition: str = ""
    doubt: str = ""


class Rules:
    """Compiles rules of one cluster."""

    def __init__(self, masks: Masks, switches: CiliumSwitches, selectors: EndpointSelectors, places: Places) -> None:
        self._masks = masks
        self._universe = masks.universe
        self._switches = switches
        self._selectors = selectors
        self._of_peers = Peers(masks, switches, selectors, places)
        self.pods = places.pods

    def nodes(self, selector: Selector) -> frozenset[str]:
        """The names of the nodes that a selector matches."""
        return self._of_peers.nodes(selector)

    def entries(self, number: int, path: Path, rule: Rule, where: Where, required: PeerSet) -> Iterator[Entry]:
        """What one rule allows or denies. ``required`` are the pods that ``fromRequires`` leaves (NET-113)."""
        ports = tuple(self._items(rule, where.action))
        for place, found in self._peers(path, rule, where, required):
            for item in ports:
                peers, maybe = found.peers & item.within, found.maybe & item.within
                doubt = found.doubt
                if item.doubt:
                    peers, maybe, doubt = 0, peers | maybe, item.doubt
                asked = self._condition(place, rule, item, where.action)
                entry = Entry(found.subjects, peers, maybe, item.ports, number, place, where.action, doubt, asked)
                if item.ports and peers | maybe:
                    yield entry
                for name in item.names:
                    for subjects, sure, perhaps, one in self._masks.named(
                        name, where.direction, found.subjects, (peers, maybe)
                    ):
                        yield structs.replace(entry, subjects=subjects, peers=sure, maybe=perhaps, ports=one)

    def required(self, rules: tuple[Rule, ...], where: Where) -> PeerSet:
        """The pods that all ``fromRequires`` or ``toRequires`` of some rules leave: for certain, and perhaps."""
        attribute = REQUIRES[where.direction][1]
        listed = [selector for rule in rules for selector in items(getattr(rule, attribute))]
        dropped = self._switches.since(NO_REQUIRES)
        if not listed or dropped is Fact.YES:
            return PeerSet(where.selected, self.pods)
        sure = possible = self.pods
        for selector in listed:
            found = self._selectors.peers(selector, where.namespace)
            sure, possible = (
                sure & self._universe.both(found.sure),
                possible & self._universe.both(found.sure | found.perhaps),
            )
        return PeerSet(where.selected, sure, (self.pods if dropped is Fact.UNKNOWN else possible) & ~sure)

    def empty(self, number: int, path: Path, where: Where) -> Entry:
        """A rule, or a section, of which the sources disagree whether it means all peers or none (NET-103)."""
        everything, ports = self._universe.everything, self._masks.ports.everything
        return Entry(where.selected, 0, everything, ports, number, path, where.action, EMPTY_RULE)

    @staticmethod
    def _condition(place: Path, rule: Rule, item: Item, action: Action) -> str:
        if action is Action.DENY:
            return ""
        mode = rule.authentication.mode if rule.authentication else ""
        asked = (
            "fqdn" if "toFQDNs" in place else "",
            item.condition,
            "authentication" if mode not in ("", "disabled") else "",
        )
        return ", ".join(word for word in asked if word)

    def _items(self, rule: Rule, action: Action) -> Iterator[Item]:
        """The port items of a rule; without any it holds for all traffic (NET-106)."""
        space = self._masks.ports
        listed, types = items(rule.to_ports), items(rule.icmps)
        if not listed and not types:
            yield Item(space.everything)
        for found in listed:
            yield from self._port_items(found)
        for family in {field.family or "IPv4" for found in types for field in found.fields or ()}:
            # The types of ICMP are not told apart here: some pass, some are denied.
            asked, doubt = ("icmp_type", "") if action is Action.ALLOW else ("", "icmp_type")
            yield Item(space.icmp, within=self._of_family(family), condition=asked, doubt=doubt)

    def _port_items(self, found: PortRule) -> Iterator[Item]:
        space = self._masks.ports
        ports, portless, names = 0, 0, list[tuple[str, str]]()
        ranges = self._switches.since(PORT_RANGES) is not Fact.NO
        if not found.ports:
            yield Item(space.everything, doubt=EMPTY_RULE)
        for port in found.ports or ():
            read = ports_of(port, ranges)
            for interval in read.intervals:
                ports |= space.interval(*interval)
            names.extend(read.names)
            portless |= space.icmp if read.portless or (read.whole and not port.protocol) else 0
        asked = condition(found)
        if ports or names:
            yield Item(ports, tuple(names), condition=asked)
        if portless:
            yield Item(portless, doubt="icmp_type")

    def _of_family(self, family: str) -> int:
        universe = self._universe
        classes = universe.classes << (universe.size if family == "IPv6" else 0)
        return classes | universe.external(universe.space.family(FAMILIES[family]))

    def _peers(self, path: Path, rule: Rule, where: Where, required: PeerSet) -> Iterator[tuple[Path, PeerSet]]:
        found = stated(rule, where.direction)
        if selects_nothing(rule, where.direction):
            return
        if not any(found.values()):
            yield from self._without_peers(path, rule, where, required, bool(found))
        for name, listed in found.items():
            if name in ("fromEntities", "toEntities"):
                yield from self._of_peers.entities((*path, name), tuple(map(str, listed)), where)
            for position, one in enumerate(listed):
                place = (*path, name, position)
                for peers in self._of_peers.of(name, one, where, required):
                    yield place, peers

    def _without_peers(
        self, path: Path, rule: Rule, where: Where, required: PeerSet, listed: bool
    ) -> Iterator[tuple[Path, PeerSet]]:
        """A rule that names no peer: every peer on its ports (NET-106), nothing beside requirements (NET-113), and else
        what nobody agrees on (NET-103).
        """
        everything, selected = self._universe.everything, where.selected
        restricted = bool(items(getattr(rule, REQUIRES[where.direction][1])))
        no_ports = not items(rule.to_ports) and not items(rule.icmps)
        if no_ports and restricted and self._switches.since(NO_REQUIRES) is Fact.NO:
            return
        if no_ports or listed:
            yield path, PeerSet(selected, 0, everything, EMPTY_RULE)
        else:
            left_out = self.pods & ~required.peers
            yield path, PeerSet(selected, everything & ~left_out, left_out, "cilium_requires")
