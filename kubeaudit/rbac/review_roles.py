"""The RBAC policies that look beyond the rules of a binding: aggregated roles, and the ConfigMap of EKS."""

from collections.abc import Iterator

import msgspec
from msgspec import structs

from kubeaudit.findings import Verdict
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.rbac import Role
from kubeaudit.proof import Evidence, field
from kubeaudit.rbac.access import Access
from kubeaudit.rbac.dangers import danger
from kubeaudit.rbac.grants import Grant, gap_of
from kubeaudit.rbac.names import ref
from kubeaudit.rbac.review_dangers import having
from kubeaudit.rbac.reviewing import SHOWN, Review, adds, judge, matching

_SHIPPED = ("admin", "edit", "view")
"""The aggregated ClusterRoles of every API server."""
_AWS_AUTH = ("kube-system", "aws-auth")


def aggregation_hijack(access: Access) -> Iterator[Review]:
    """rbac-aggregation-hijack: who may write ClusterRoles may label one, so that its rules join an aggregated role.

    The guards ask for cover of the rules of the labelled role, never for the right to change the one that they join
    (RBAC-37, -38).
    """
    fed = {role.metadata.name: role for role in access.cluster.cluster_roles if role.aggregation_rule}
    # Files need not show the aggregated roles that every API server creates; a server that was asked shows its own.
    names = sorted(fed.keys() | set(() if access.cluster.version() else _SHIPPED))
    writes = danger("roles-write").rules
    shown = tuple(_rule(fed[name]) for name in sorted(fed)[:SHOWN])

    def feeds(grant: Grant) -> tuple[int, ...]:
        return writes(grant) if names else ()

    for grant in access.grants:
        found = judge(grant, matching(grant, adds), feeds, "the right to write ClusterRoles", by_role=True)
        yield _told(found, names, shown) if found.verdict is Verdict.FAIL else found


def _told(found: Review, names: list[str], shown: tuple[Evidence, ...]) -> Review:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    text = f"{found.message}; by a label they join {', '.join(names[:SHOWN])}{more}"
    return structs.replace(found, message=text, evidence=found.evidence + shown)


def _rule(role: Role) -> Evidence:
    rule = msgspec.to_builtins(role.aggregation_rule)
    selectors = [{key: value for key, value in each.items() if value} for each in rule["clusterRoleSelectors"]]
    return field(ref("ClusterRole", role.metadata), ("aggregationRule", "clusterRoleSelectors"), selectors)


def aws_auth_write(access: Access) -> Iterator[Review]:
    """rbac-aws-auth-write: the right counts on EKS alone; without nodes to tell, it is not known whether it does."""
    on_aws = _on_aws(access.cluster)
    gap = gap_of(access.cluster, "nodes", "")
    for found in having(access, "aws-auth-write"):
        if on_aws or (found.verdict is not Verdict.FAIL and gap):
            yield found
        elif gap:
            yield structs.replace(found, verdict=Verdict.NOT_EVALUATED, unseen=(gap,))
        else:
            yield structs.replace(found, verdict=Verdict.NOT_APPLICABLE)


def _on_aws(cluster: Cluster) -> bool:
    """Whether anything shows that the cluster runs on AWS: its version, a node, or the ConfigMap itself."""
    nodes = any(node.pool.provider == "aws" for node in cluster.nodes)
    return nodes or "-eks-" in cluster.header.server_version or _AWS_AUTH in cluster.config_maps
