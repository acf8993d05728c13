"""sa-workload-admin and sa-daemonset-rights: what the tokens in pods lead to (rbac.md section 6.3, RBAC-76)."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.edges.context import workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.vocabulary import EXP_TOKEN
from kubeaudit.findings import Subject, Verdict
from kubeaudit.graph.present import label
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import beyond_limit, classes_by_workload, members, unseen_of, workload_subject
from kubeaudit.policy.predicates.ways import Ways, nodes, reached, towards
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import State
from kubeaudit.rbac.access import Held, rule_evidence, subject_evidence
from kubeaudit.rbac.dangers import Danger, danger
from kubeaudit.rbac.identities import service_account
from kubeaudit.refs import CLUSTER_ADMIN, Facet
from kubeaudit.world import World

_CLUSTER_RIGHTS = (
    *("pods-create", "pods-exec", "ephemeral-containers", "impersonate", "escalate-bind", "create-bindings"),
    *("node-proxy", "webhooks", "token-create", "pv-create", "network-write"),
)
"""Rights whose own policies are high or critical: held in the whole cluster, they come with every node."""


class _Token(Struct, frozen=True):
    """A workload class whose pods hold a token, or may, and the edge that says so."""

    cls: WorkloadClass
    edge: Edge


def workload_admin(world: World, _policy: Policy) -> Iterator[Judgement]:
    """Judge every workload: whether its token leads to cluster-admin or to control over a node."""
    up = towards(world, (CLUSTER_ADMIN, *nodes(world)))
    for index, classes in classes_by_workload(world):
        yield _leading(world, workload_subject(world, index), _tokens(world, classes), up)


def _tokens(world: World, classes: list[WorkloadClass]) -> list[_Token]:
    found = ((cls, edge) for cls in classes for edge in world.graph.out_edges(workload(cls, Facet.CTL)))
    return [_Token(cls, edge) for cls, edge in found if edge.row == EXP_TOKEN and edge.state is not State.BLOCKED]


def _leading(world: World, who: Subject, tokens: list[_Token], up: Ways) -> Judgement:
    leading = [token for token in tokens if up.state(token.edge.target) is not None]
    certain = [t for t in leading if t.edge.state is State.YES and up.state(t.edge.target) is State.YES]
    if certain:
        edges = (certain[0].edge, *up.path(certain[0].edge.target))
        count, pods = members(world, [token.cls for token in certain])
        return reached(who, edges, f"The token of {who.object} leads to {label(edges[-1].target)}", count, pods)
    if leading:
        edges = (leading[0].edge, *up.path(leading[0].edge.target))
        return Judgement(who, Verdict.NOT_EVALUATED, unseen=unseen_of(edges))
    limit = beyond_limit(up.any) if tokens else ()
    return Judgement(who, Verdict.NOT_EVALUATED if limit else Verdict.PASS, unseen=limit)


def daemonset_rights(world: World, _policy: Policy) -> Iterator[Judgement]:
    """Judge every DaemonSet as any workload, and by dangerous rights in the whole cluster: one node has them all."""
    up = towards(world, (CLUSTER_ADMIN, *nodes(world)))
    rights = [danger(name) for name in _CLUSTER_RIGHTS]
    for index, classes in classes_by_workload(world):
        who = workload_subject(world, index)
        if who.object.kind != "DaemonSet":
            continue
        tokens = _tokens(world, classes)
        said = _leading(world, who, tokens, up)
        sure = [token for token in tokens if token.edge.state is State.YES]
        carried = (found for token in sure if (found := _carried(world, who, token, rights)) is not None)
        yield said if said.verdict is Verdict.FAIL else next(carried, said)


def _carried(world: World, who: Subject, token: _Token, rights: list[Danger]) -> Judgement | None:
    """A DaemonSet whose ServiceAccount holds a dangerous right, or reads Secrets, in the whole cluster."""
    cls = token.cls
    for held in world.context.access.of(service_account(cls.namespace, cls.shape.identity)):
        what, rules = _cluster_wide(held, rights)
        if not rules:
            continue
        count, pods = members(world, [cls])
        grant = held.grant
        text = f"Every node with a pod of {who.object} has the rights of {label(token.edge.target)}"
        evidence = (
            *token.edge.evidence,
            *subject_evidence(grant, held.subject),
            *(rule_evidence(grant, rule) for rule in rules),
        )
        message = f"{text}: {grant.binding} gives it {what} in the whole cluster."
        return Judgement(who, Verdict.FAIL, message, evidence, instances=count, pods=pods)
    return None


def _cluster_wide(held: Held, rights: list[Danger]) -> tuple[str, tuple[int, ...]]:
    """What a grant gives in the whole cluster, and by which rules; no rules where it gives nothing of it."""
    grant = held.grant
    if grant.scope:
        return "", ()
    found = ((right.what, rules) for right in rights if (rules := right.rules(grant)))
    reads = tuple(read.rule for read in grant.powers.secrets if not read.names)
    return next(found, ("read access to Secrets", reads))
