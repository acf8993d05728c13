"""What is wrong with policies that say what nobody meant: parts without effect, traffic that breaks, gaps.

A lint is no verdict: connections are judged as the policies say (``network.reach``). Each shows the field that decides.
"""

from collections.abc import Callable, Iterable, Iterator

from kubeaudit.network.lint import endpoints, mesh, policies, port_names, services, superfluous, traffic
from kubeaudit.network.lint.contract import Lint
from kubeaudit.network.reach import Reach

__all__ = ["LINTS", "Lint", "lints"]

LINTS: tuple[Callable[[Reach], Iterator[Lint]], ...] = (
    policies.inert_rules,
    policies.selects_nothing,
    policies.selector_split,
    policies.without_implementer,
    policies.empty_rule,
    policies.equal_priority,
    port_names.unknown,
    port_names.of_addresses,
    superfluous.rules,
    superfluous.policies,
    services.service_port,
    services.cluster_ip_range,
    endpoints.foreign_endpoint,
    traffic.dns_blocked,
    traffic.ipv6_gap,
    mesh.bypass,
)
"""One function a lint."""


def lints(reach: Reach, which: Iterable[str] = ()) -> tuple[Lint, ...]:
    """Every lint of a cluster, by name, object and place; only those named in ``which`` if any are."""
    wanted = frozenset(which)
    found = {lint for check in LINTS for lint in check(reach)}
    return tuple(sorted(lint for lint in found if not wanted or lint.name in wanted))
