"""The metadata services of a pod's cloud as destinations: policies, and what stands beside them (network.md, 3.12)."""

from collections.abc import Iterator, Sequence

from msgspec import Struct, structs

from kubeaudit.edges import metadata
from kubeaudit.edges.context import Context
from kubeaudit.edges.metadata import Passage
from kubeaudit.edges.tables import MetadataAddress
from kubeaudit.errors import UsageError
from kubeaudit.model.nodes import family_of
from kubeaudit.network.ports import Interval
from kubeaudit.queries.pairs import Piece, Unit, families

__all__ = ["Call", "Passage", "calls"]


class Call(Struct, frozen=True):
    """One address of one metadata service: what policies say, and what pods meet beside them."""

    text: str
    address: str
    piece: Piece
    passage: Passage


def calls(context: Context, source: Unit, ports: Sequence[Interval], family: str) -> Iterator[Call]:
    """Every metadata address of the clouds that the source may run in, on the service's own port or on those asked for.

    Raises :class:`UsageError` where there is none.
    """
    if source.cls < 0:
        raise UsageError(f"{source.label} has finished", "choose a running pod")
    cls = context.cluster.classes[source.cls]
    having = families(context.reach, source)
    found = False
    for target in metadata.targets(context, cls, context.cluster.node_pools()):
        for address in target.row.addresses:
            version = family_of(address.ip)
            if version not in having or family not in ("", version):
                continue
            for port in [first for protocol, first, _ in ports if protocol == "TCP"] or [address.port]:
                found = True
                asked = structs.replace(address, port=port)
                passage = metadata.passage_of(context, cls.shape.host_network, target, address)
                verdict = metadata.policies_on(context, cls, target, asked)
                yield Call(_text(target, address), address.ip, Piece(version, ("TCP", port, port), verdict), passage)
    if not found:
        raise UsageError(
            f"no metadata service is known for the nodes of {source.label}", "give its address as the destination"
        )


def _text(target: metadata.Target, address: MetadataAddress) -> str:
    pool = f", node pool {target.pool}" if target.pool else ""
    return f"{target.row.name} at {address.ip}{pool}"
