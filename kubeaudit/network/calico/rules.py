"""Calico's rules into entries (NET-120, NET-121, NET-127, NET-128).

A rule compares both ends in both directions: of an ingress rule the destination is the selected pod. What it compares
beside the ends and the port of the destination is not known of a connection: the port of the source, the type of an
ICMP message; whether such a rule matches is undecided.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.model.objects.calico import EntityRule, Rule
from kubeaudit.network.calico.doubts import HTTP, ICMP_TYPE, SERVICE, SOURCE_PORT
from kubeaudit.network.calico.ends import is_open, peers
from kubeaudit.network.calico.fields import ICMP, ICMPV6, RefusedError, has_ports, port, protocol
from kubeaudit.network.calico.labels import Labels, Peers, family_masks
from kubeaudit.network.calico.refused import check, protocols_of_ports
from kubeaudit.network.calico.services import behind
from kubeaudit.network.compiled import Entry
from kubeaudit.network.masks import Masks
from kubeaudit.network.verdicts import Action, Direction
from kubeaudit.proof import Path

L7 = "l7"
ACTIONS = {"Allow": Action.ALLOW, "Deny": Action.DENY, "Pass": Action.PASS}
_LOG = "Log"
_VERSIONS = {ICMP: 4, ICMPV6: 6}


class _Piece(Struct, frozen=True):
    """A part of a rule: subjects, peers for certain and perhaps, ports."""

    subjects: int
    sure: int
    maybe: int
    ports: int


class Rules:
    """Compiles the rules of one policy, which stands in a namespace ("" = in none)."""

    def __init__(self, masks: Masks, labels: Labels, namespace: str) -> None:
        self._masks = masks
        self._labels = labels
        self._namespace = namespace
        everything = masks.universe.everything
        self._everything = Peers(everything, everything)
        self._families = family_masks(masks)

    def entries(self, direction: Direction, number: int, rule: Rule, selected: int) -> list[Entry]:
        """The entries of one rule. Raises :class:`RefusedError` for what Calico refuses."""
        path: Path = ("spec", str(direction), number)
        if rule.action == _LOG:
            return []
        action = ACTIONS.get(rule.action)
        if action is None:
            words = ", ".join((*ACTIONS, _LOG))
            raise RefusedError((*path, "action"), f"action {rule.action!r} is not one of {words}")
        check(path, direction, rule, self._namespace)
        near, far = ("destination", "source") if direction is Direction.INGRESS else ("source", "destination")
        subject, peer = (rule.destination, rule.source) if near == "destination" else (rule.source, rule.destination)
        found = peers(self._labels, (*path, far), peer, self._namespace, self._everything)
        whom = peers(self._labels, (*path, near), subject, self._namespace, self._everything)
        doubt = self._doubt(path, rule)
        condition = L7 if rule.http is not None and action is Action.ALLOW else ""
        place = path if is_open(peer) else (*path, far)
        pieces = self._pieces(direction, path, rule, (selected, whom, found), bool(doubt))
        unseen = SERVICE if rule.source.services or rule.destination.services else ""
        return [
            Entry(p.subjects, p.sure, p.maybe, p.ports, number, place, action, doubt or unseen, condition)
            for p in pieces
            if p.subjects and p.sure | p.maybe and p.ports
        ]

    def _pieces(
        self, direction: Direction, path: Path, rule: Rule, who: tuple[int, Peers, Peers], undecided: bool
    ) -> Iterator[_Piece]:
        selected, whom, found = who
        for ports, reached in self._traffic(path, rule).items():
            for here, subjects, perhaps in self._by_family(reached, whom, selected):
                sure, maybe = found.sure & here, found.possible & ~found.sure & here
                if undecided:
                    sure, maybe = 0, sure | maybe
                certain = _Piece(subjects, sure, maybe, ports)
                open_ = _Piece(perhaps, 0, sure | maybe, ports)
                for piece in (certain, open_):
                    if piece.subjects:
                        yield from self._on_services(direction, path, rule, piece)

    def _by_family(self, reached: int, whom: Peers, selected: int) -> Iterator[tuple[int, int, int]]:
        """Peers with the subjects a rule holds for in their family: for certain, and perhaps."""
        found = dict[tuple[int, int], int]()
        for version, family in self._families.items():
            name = f"IPv{version}"
            subjects, perhaps = self._masks.subjects(whom.sure, whom.possible, name)
            subjects, perhaps = subjects & selected, perhaps & selected
            found[subjects, perhaps] = found.get((subjects, perhaps), 0) | family & reached
        for (subjects, perhaps), here in found.items():
            if here:
                yield here, subjects, perhaps

    def _traffic(self, path: Path, rule: Rule) -> dict[int, int]:
        """What the protocol and the IP version of a rule leave of all traffic: peers by ports."""
        found: dict[int, int] = {}
        if rule.ip_version not in (None, *self._families):
            raise RefusedError((*path, "ipVersion"), f"ipVersion {rule.ip_version} is not 4 or 6")
        name = protocol((*path, "protocol"), rule.protocol) if rule.protocol is not None else ""
        other = protocol((*path, "notProtocol"), rule.not_protocol) if rule.not_protocol is not None else ""
        for version, family in self._families.items():
            if rule.ip_version in (None, version):
                ports = self._ports_of(name, version) if name else self._masks.ports.everything
                ports &= ~(self._ports_of(other, version) if other else 0)
                found[ports] = found.get(ports, 0) | family
        return found

    def _ports_of(self, name: str, version: int) -> int:
        """The ports of a protocol in a family; the bit without ports stands for ICMP of that family."""
        if has_ports(name):
            return self._masks.ports.whole(name)
        return self._masks.ports.icmp if _VERSIONS.get(name) == version else 0

    def _doubt(self, path: Path, rule: Rule) -> str:
        """What a rule compares that is not known of a connection."""
        if any(fields is not None and fields.type is not None for fields in (rule.icmp, rule.not_icmp)):
            return ICMP_TYPE
        if rule.http is not None and rule.action != "Allow":
            return HTTP
        source = rule.source
        for name in protocols_of_ports(path, rule) if source.ports or source.not_ports else ():
            plain, names = self._numbers(name, (*path, "source", "ports"), source.ports)
            less, not_names = self._numbers(name, (*path, "source", "notPorts"), source.not_ports)
            all_ports = not source.ports or (plain == self._masks.ports.whole(name) and not names)
            if less or not_names or not all_ports:
                return SOURCE_PORT
        return ""

    def _numbers(self, name: str, place: Path, items: Iterable[int | str]) -> tuple[int, list[str]]:
        """The numeric ports of a list as a mask, and its port names."""
        mask, names = 0, list[str]()
        for number, item in enumerate(items):
            found = port((*place, number), item)
            if isinstance(found, str):
                names.append(found)
            else:
                mask |= self._masks.ports.interval(name, *found)
        return mask, names

    def _on_services(self, direction: Direction, path: Path, rule: Rule, piece: _Piece) -> Iterator[_Piece]:
        peer = rule.source if direction is Direction.INGRESS else rule.destination
        if peer.services is None:
            yield from self._on_ports(direction, path, rule, piece)
            return
        for found in behind(self._masks, peer.services, direction, self._namespace):
            sure, maybe = found.sure & piece.sure, (found.sure | found.maybe) & (piece.sure | piece.maybe)
            yield _Piece(piece.subjects, sure, maybe & ~sure, piece.ports & found.ports)

    def _on_ports(self, direction: Direction, path: Path, rule: Rule, piece: _Piece) -> Iterator[_Piece]:
        """What ``ports`` and ``notPorts`` of the destination leave of a piece (NET-25..27 for names)."""
        end: EntityRule = rule.destination
        if not (end.ports or end.not_ports):
            yield piece
            return
        for name in protocols_of_ports(path, rule):
            own = piece.ports & self._masks.ports.whole(name)
            yield from self._on_protocol(
                direction, path, end, _Piece(piece.subjects, piece.sure, piece.maybe, own), name
            )
        if not end.ports and rule.protocol is None:
            yield _Piece(piece.subjects, piece.sure, piece.maybe, piece.ports & self._masks.ports.icmp)

    def _on_protocol(
        self, direction: Direction, path: Path, end: EntityRule, piece: _Piece, name: str
    ) -> Iterator[_Piece]:
        plain, names = self._numbers(name, (*path, "destination", "ports"), end.ports)
        less, not_names = self._numbers(name, (*path, "destination", "notPorts"), end.not_ports)
        found = [_Piece(piece.subjects, piece.sure, piece.maybe, piece.ports & (plain if end.ports else ~0) & ~less)]
        for named in names:
            parts = self._masks.named((named, name), direction, piece.subjects, (piece.sure, piece.maybe))
            found += [_Piece(s, sure, maybe, at & piece.ports & ~less) for s, sure, maybe, at in parts]
        for named in not_names:
            for number, holders in self._masks.holders((named, name), direction).items():
                atom = self._masks.ports.atom(name, number)
                found = [part for whole in found for part in self._less_named(direction, whole, holders, atom)]
        yield from found

    def _less_named(self, direction: Direction, piece: _Piece, holders: int, atom: int) -> Iterator[_Piece]:
        """A piece without one port on the destinations that hold a name for it."""
        if not piece.ports & atom:
            yield piece
            return
        s, sure, maybe, ports = piece.subjects, piece.sure, piece.maybe, piece.ports
        if direction is Direction.INGRESS:
            yield _Piece(s & holders, sure, maybe, ports & ~atom)
            yield _Piece(s & ~holders, sure, maybe, ports)
        else:
            on = self._masks.universe.both(holders)
            yield _Piece(s, sure & on, maybe & on, ports & ~atom)
            yield _Piece(s, sure & ~on, maybe & ~on, ports)
