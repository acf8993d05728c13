"""PeerAuthentication: which workloads of the mesh take plaintext, and which never learn an identity (NET-140)."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.model.objects.istio import PeerAuthentication
from kubeaudit.network.compiled import CompiledPolicy, Entry, Half, Tier
from kubeaudit.network.masks import Masks
from kubeaudit.network.mesh.membership import AUTHENTICATION, GROUP, Mesh
from kubeaudit.network.ports import FIRST, LAST
from kubeaudit.network.verdicts import Action, Direction
from kubeaudit.proof import Path
from kubeaudit.refs import ObjectRef

MUTUAL_TLS = Tier(0.5, "mesh mutual TLS", Action.PASS)
_MODES = ("UNSET", "DISABLE", "PERMISSIVE", "STRICT")


class _Ruling(Struct, frozen=True):
    """The policy that rules some workloads: with a selector, of the namespace, or of the mesh, in this order."""

    policy: PeerAuthentication
    classes: int
    inherited: str


class Modes:
    """The modes of all workloads of the mesh, port by port."""

    def __init__(self, masks: Masks, mesh: Mesh) -> None:
        self._masks = masks
        self._mesh = mesh
        self._rulings = tuple((ruling, tuple(self._ports(ruling))) for ruling in self._ruled())

    def identities(self, selected: int) -> Iterator[tuple[int, int, bool]]:
        """Some classes in parts: with the ports on which they ask callers for a certificate, and those where they do
        not.
        """
        tcp = self._masks.ports.whole("TCP")
        for ruling, held in self._rulings:
            nameless = 0
            for ports, _, mode in held:
                nameless |= ports if mode == "DISABLE" else 0
            classes = selected & ruling.classes
            if classes and nameless:
                selected &= ~classes
                yield classes, nameless, False
                if tcp & ~nameless:
                    yield classes, tcp & ~nameless, True
        if selected:
            yield selected, tcp, True

    def strict(self) -> Iterator[CompiledPolicy]:
        """STRICT as a rule that denies callers without a certificate, on the ports it holds for."""
        universe = self._masks.universe
        strangers = universe.everything & ~universe.both(self._mesh.inside | self._mesh.perhaps)
        for ruling, held in self._rulings:
            ref = _ref(ruling)
            entries = tuple(
                Entry(
                    classes, strangers, universe.both(self._mesh.perhaps | doubtful), ports, 0, path, Action.DENY, doubt
                )
                for ports, path, mode in held
                for classes, doubtful, doubt in self._mesh.by_callers(ruling.classes)
                if ports and mode == "STRICT"
            )
            if entries:
                half = Half(Direction.INGRESS, entries, isolates=False)
                selector: Path = ("spec", "selector")
                yield CompiledPolicy(
                    ref, AUTHENTICATION, ruling.policy, ruling.classes, (half,), MUTUAL_TLS, selector=selector
                )

    def _ports(self, ruling: _Ruling) -> Iterator[tuple[int, Path, str]]:
        """Every port once, with the field that rules it and the mode."""
        rest = self._masks.ports.whole("TCP")
        for text, mtls in ruling.policy.spec.port_level_mtls.items():
            path: Path = ("spec", "portLevelMtls", text)
            if not (text.isdecimal() and FIRST <= int(text) <= LAST):
                self._masks.report(_ref(ruling), path, f"port {text!r} is no number from {FIRST} to {LAST}")
                continue
            port = self._masks.ports.interval("TCP", int(text), int(text))
            rest &= ~port
            yield port, path, mtls.mode if mtls.mode != "UNSET" else _mode(ruling)
        yield rest, ("spec", "mtls"), _mode(ruling)

    def _ruled(self) -> Iterator[_Ruling]:
        """Every workload once, by the most specific policy; of several the oldest (as Istio does)."""
        every = self._masks.cluster.held(AUTHENTICATION, PeerAuthentication)
        by_age = sorted(every, key=lambda p: (p.metadata.creation_timestamp or "", p.metadata.name))
        universe, left = self._masks.universe, (self._mesh.inside | self._mesh.perhaps) & ~self._masks.universe.host
        wide = {p.metadata.namespace: _own_mode(p) for p in reversed(by_age) if not _labels(p)}
        of_mesh = wide.get(self._mesh.root, "UNSET")
        for rank in range(3):
            for policy in by_age:
                namespace, labels = policy.metadata.namespace, _labels(policy)
                is_root = namespace == self._mesh.root
                if rank != (0 if labels else 2 if is_root else 1):
                    continue
                classes = left if rank == 2 else left & universe.members.get(namespace, 0)
                for pair in labels.items():
                    classes &= universe.labels.labels.get(pair, 0)
                if classes:
                    left &= ~classes
                    around = wide.get(namespace, "UNSET") if rank == 0 else "UNSET"
                    yield _Ruling(policy, classes, around if around != "UNSET" else of_mesh)


def _ref(ruling: _Ruling) -> ObjectRef:
    meta = ruling.policy.metadata
    return ObjectRef("PeerAuthentication", meta.namespace, meta.name, GROUP)


def _labels(policy: PeerAuthentication) -> dict[str, str]:
    return policy.spec.selector.match_labels if policy.spec.selector else {}


def _own_mode(policy: PeerAuthentication) -> str:
    return policy.spec.mtls.mode or "UNSET"


def _mode(ruling: _Ruling) -> str:
    """The mode of a ruling; what it leaves open it inherits, PERMISSIVE at the end."""
    own = _own_mode(ruling.policy)
    found = own if own != "UNSET" else ruling.inherited
    return found if found in _MODES and found != "UNSET" else "PERMISSIVE"
