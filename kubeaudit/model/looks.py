"""What policies tell pods apart by: only this may split the pods of a workload into classes."""

from msgspec import Struct


class Looks(Struct, frozen=True):
    """Keys of pod labels that are compared, edges of networks (CIDR texts; what is none cuts nothing), and, where
    ``nodes`` is set, the addresses of nodes, which host-network pods have too.
    """

    labels: frozenset[str] = frozenset()
    networks: frozenset[str] = frozenset()
    nodes: bool = False
