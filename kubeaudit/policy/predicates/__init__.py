"""Graph predicates: what CEL cannot ask, one name each. A policy names one and gives its parameters."""

from kubeaudit.policy.predicates import apiservers, egress, entries, networks, policies, workloads
from kubeaudit.policy.predicates.aws_auth import aws_auth_mapping
from kubeaudit.policy.predicates.base import Predicate
from kubeaudit.policy.predicates.dashboard import dashboard
from kubeaudit.policy.predicates.escalation import confused_deputy, escalation_path
from kubeaudit.policy.predicates.grants import grants, inventory
from kubeaudit.policy.predicates.token_rights import daemonset_rights, workload_admin

PREDICATES: dict[str, Predicate] = {
    "token-automounted": Predicate(frozenset(), workloads.token_automounted),
    "metadata-reach": Predicate(frozenset(["network"]), workloads.metadata_reach),
    "path": Predicate(frozenset(["from", "through", "to"]), workloads.path_through),
    "namespace-without-policy": Predicate(frozenset(), networks.namespace_without_policy),
    "pod-not-isolated": Predicate(frozenset(), networks.pod_not_isolated),
    "policy-allows-all": Predicate(frozenset(), networks.policy_allows_all),
    "no-default-deny": Predicate(frozenset(), policies.no_default_deny),
    "cni-enforces": Predicate(frozenset(), policies.cni_enforces),
    "policy-across-namespaces": Predicate(frozenset(), policies.cross_namespace),
    "policy-selects-nothing": Predicate(frozenset(), policies.dangling_policy),
    "node-port-reached": Predicate(frozenset(["ports"]), egress.node_port_reached),
    "without-workload-identity": Predicate(frozenset(), egress.without_workload_identity),
    "entry-point": Predicate(frozenset(["type"]), entries.entry),
    "node-port-on-public-node": Predicate(frozenset(), entries.on_public_node),
    "scheme-unknown": Predicate(frozenset(), entries.scheme_unknown),
    "api-server-public-address": Predicate(frozenset(), apiservers.public_address),
    "api-server-fronted": Predicate(frozenset(), apiservers.fronted),
    "grants": Predicate(frozenset(["of", "to"]), grants),
    "account-holds-roles": Predicate(frozenset(), inventory),
    "escalation-path": Predicate(frozenset(), escalation_path),
    "confused-deputy": Predicate(frozenset(), confused_deputy),
    "token-leads-to-admin": Predicate(frozenset(), workload_admin),
    "token-on-every-node": Predicate(frozenset(), daemonset_rights),
    "dashboard": Predicate(frozenset(), dashboard),
    "aws-auth-mapping": Predicate(frozenset(), aws_auth_mapping),
}
"""The registry. Adding a predicate is one function and one line here."""
