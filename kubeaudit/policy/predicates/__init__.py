"""Graph predicates: what CEL cannot ask, one name each. A policy names one and gives its parameters."""

from kubeaudit.policy.predicates import apiservers, entries, networks, workloads
from kubeaudit.policy.predicates.base import Predicate
from kubeaudit.policy.predicates.grants import grants

PREDICATES: dict[str, Predicate] = {
    "token-automounted": Predicate(frozenset(), workloads.token_automounted),
    "metadata-reach": Predicate(frozenset(["network"]), workloads.metadata_reach),
    "path": Predicate(frozenset(["from", "through", "to"]), workloads.path_through),
    "namespace-without-policy": Predicate(frozenset(), networks.namespace_without_policy),
    "pod-not-isolated": Predicate(frozenset(), networks.pod_not_isolated),
    "policy-allows-all": Predicate(frozenset(), networks.policy_allows_all),
    "entry-point": Predicate(frozenset(["type"]), entries.entry),
    "node-port-on-public-node": Predicate(frozenset(), entries.on_public_node),
    "scheme-unknown": Predicate(frozenset(), entries.scheme_unknown),
    "api-server-public-address": Predicate(frozenset(), apiservers.public_address),
    "api-server-fronted": Predicate(frozenset(), apiservers.fronted),
    "grants": Predicate(frozenset(["of", "to"]), grants),
}
"""The registry. Adding a predicate is one function and one line here."""
