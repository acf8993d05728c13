"""PeerAuthentication: which workloads of the mesh take plaintext, and which never learn an identity (NET-140)."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.model.objects.istio import PeerAuthentication
from kubeaudit.network.compiled import CompiledPolicy, Entry, Half, Tier
from kubeaudit.network.masks import Masks
from kubeaudit.network.mesh.membership import Mesh
from kubeaudit.network.ports import FIRST, LAST
from kubeaudit.network.verdicts import Action, Direction
from kubeaudit.proof import Path
from kubeaudit.refs import ObjectRef

GROUP = "security.istio.io"
AUTHENTICATION = f"peerauthentications.{GROUP}"
MUTUAL_TLS = Tier(0.5, "mesh mutual TLS", Action.PASS)
_MODES = ("UNSET", "DISABLE", "PERMISSIVE", "STRICT")


class _Ruling(Struct, frozen=True):
    """The policy that rules some workloads: with a selector, of the namespace, or of the mesh, in this order."""

    policy: PeerAuthentication
    classes: int
    inherited: str


class Modes:
    """The modes of all workloads of the mesh. ``without_identity`` are those that take no certificates on any port."""

    def __init__(self, masks: Masks, mesh: Mesh) -> None:
        self._masks = masks
        self._mesh = mesh
        self._rulings = tuple(self._ruled())
        self.without_identity = 0
        for ruling in self._rulings:
            if _mode(ruling) == "DISABLE":
                self.without_identity |= ruling.classes

    def strict(self) -> Iterator[CompiledPolicy]:
        """STRICT as a rule that denies callers without a certificate, on the ports it holds for."""
        universe = self._masks.universe
        strangers = universe.everything & ~universe.both(self._mesh.inside | self._mesh.perhaps)
        maybe = universe.both(self._mesh.perhaps)
        for ruling in self._rulings:
            meta = ruling.policy.metadata
            ref = ObjectRef("PeerAuthentication", meta.namespace, meta.name, GROUP)
            entries = tuple(
                Entry(ruling.classes, strangers, maybe, ports, 0, path, Action.DENY, "mesh_identity")
                for ports, path in self._strict_ports(ruling, ref)
                if ports
            )
            if entries:
                half = Half(Direction.INGRESS, entries, isolates=False)
                selector: Path = ("spec", "selector")
                yield CompiledPolicy(
                    ref, AUTHENTICATION, ruling.policy, ruling.classes, (half,), MUTUAL_TLS, selector=selector
                )

    def _strict_ports(self, ruling: _Ruling, ref: ObjectRef) -> Iterator[tuple[int, Path]]:
        rest = self._masks.ports.whole("TCP")
        for text, mtls in ruling.policy.spec.port_level_mtls.items():
            path: Path = ("spec", "portLevelMtls", text)
            if not (text.isdecimal() and FIRST <= int(text) <= LAST):
                self._masks.report(ref, path, f"port {text!r} is no number from {FIRST} to {LAST}")
                continue
            port = self._masks.ports.interval("TCP", int(text), int(text))
            rest &= ~port
            mode = mtls.mode if mtls.mode != "UNSET" else _mode(ruling)
            if mode == "STRICT":
                yield port, path
        if _mode(ruling) == "STRICT":
            yield rest, ("spec", "mtls")

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


def _labels(policy: PeerAuthentication) -> dict[str, str]:
    return policy.spec.selector.match_labels if policy.spec.selector else {}


def _own_mode(policy: PeerAuthentication) -> str:
    return policy.spec.mtls.mode or "UNSET"


def _mode(ruling: _Ruling) -> str:
    """The mode of a ruling; what it leaves open it inherits, PERMISSIVE at the end."""
    own = _own_mode(ruling.policy)
    found = own if own != "UNSET" else ruling.inherited
    return found if found in _MODES and found != "UNSET" else "PERMISSIVE"
