"""Whom a source of an AuthorizationPolicy matches, by identity and by address (NET-140)."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.model.objects.istio import Source
from kubeaudit.model.selectors import mask_of
from kubeaudit.network.masks import Masks
from kubeaudit.network.mesh.membership import Mesh
from kubeaudit.settings import Fact

_TRUST_DOMAIN = "cluster.local"
_FIELDS = ("principals", "namespaces", "service_accounts", "ip_blocks")
_HTTP_FIELDS = ("request_principals", "not_request_principals", "remote_ip_blocks", "not_remote_ip_blocks")


class Peers(Struct, frozen=True):
    """Peers that match for certain, and that may; the first are among the second."""

    sure: int
    possible: int

    def __and__(self, other: "Peers") -> "Peers":
        return Peers(self.sure & other.sure, self.possible & other.possible)

    def __or__(self, other: "Peers") -> "Peers":
        return Peers(self.sure | other.sure, self.possible | other.possible)

    def __invert__(self) -> "Peers":
        return Peers(~self.possible, ~self.sure)


NOBODY = Peers(0, 0)


class Sources:
    """Matches sources for workloads that learn the identity of a caller, or (``with_identity`` false) do not."""

    def __init__(self, masks: Masks, mesh: Mesh, namespace: str, with_identity: bool, doubtful: int = 0) -> None:
        """``namespace`` is that of the policy; ``doubtful`` are classes that perhaps send no certificate."""
        self._masks = masks
        self._mesh = mesh
        self._namespace = namespace
        self._with_identity = with_identity
        self._certain = mesh.inside & ~doubtful

    def matching(self, source: Source) -> Peers:
        """The peers a source matches, as far as TCP tells. Raises ``InvalidFieldError`` for what is no CIDR."""
        everything = self._masks.universe.everything
        found = Peers(everything, everything)
        for name in _FIELDS:
            if values := getattr(source, name):
                found &= self.any_of(name, values)
            if values := getattr(source, f"not_{name}"):
                found &= ~self.any_of(name, values)
        return Peers(found.sure & everything, found.possible & everything)

    def needs_http(self, source: Source) -> bool:
        """Whether a source looks at what only HTTP has."""
        return any(getattr(source, name) for name in _HTTP_FIELDS)

    def any_of(self, name: str, values: tuple[str, ...]) -> Peers:
        """The peers that one of the values of a field matches."""
        found = NOBODY
        for value in values:
            found |= self._block(value) if name == "ip_blocks" else self._by_identity(name, value)
        return found

    def _block(self, text: str) -> Peers:
        whole = self._masks.network(cidr(text))
        sure, maybe = self._masks.block(whole, (), Fact.YES, Fact.YES)
        return Peers(sure, sure | maybe)

    def _by_identity(self, name: str, pattern: str) -> Peers:
        """Pods whose certificate says so: those of the mesh, if the workload asks for certificates."""
        if not self._with_identity:
            return NOBODY
        classes = mask_of(self._carrying(name, pattern))
        both = self._masks.universe.both
        return Peers(both(classes & self._certain), both(classes & (self._mesh.inside | self._mesh.perhaps)))

    def _carrying(self, name: str, pattern: str) -> Iterator[int]:
        for cls in self._masks.cluster.classes:
            account = f"{cls.namespace}/{cls.shape.identity}"
            if name == "namespaces":
                carried = cls.namespace
            elif name == "service_accounts":
                carried = account
                pattern = pattern if "/" in pattern else f"{self._namespace}/{pattern}"
            else:
                carried = f"{_TRUST_DOMAIN}/ns/{cls.namespace}/sa/{cls.shape.identity}"
            if _fits(pattern, carried):
                yield cls.index


def cidr(text: str) -> str:
    """A block as a CIDR; a bare address stands for itself."""
    return text if "/" in text else f"{text}/{128 if ':' in text else 32}"


def _fits(pattern: str, value: str) -> bool:
    """Istio's string match: exact, ``prefix*``, ``*suffix``, or ``*`` for anything present."""
    if pattern == "*":
        return bool(value)
    if pattern.startswith("*"):
        return value.endswith(pattern[1:])
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1])
    return value == pattern
