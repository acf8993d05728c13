"""From a ServiceAccount to the identity of a cloud that its annotation names (EXP-401, 403, 405; RBAC-E52)."""

from collections.abc import Iterator

from kubeaudit.edges.context import Context
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.identity import account
from kubeaudit.edges.vocabulary import EXP_AWS_ROLE, EXP_AZURE_IDENTITY, EXP_GOOGLE_ACCOUNT
from kubeaudit.proof import Assumption, Confidence, State, field
from kubeaudit.refs import ObjectRef, Vertex, VertexKind

ANNOTATIONS = {
    "eks.amazonaws.com/role-arn": (EXP_AWS_ROLE, "aws"),
    "iam.gke.io/gcp-service-account": (EXP_GOOGLE_ACCOUNT, "gce"),
    "azure.workload.identity/client-id": (EXP_AZURE_IDENTITY, "azure"),
}
"""Annotation of a ServiceAccount: the row, and the provider whose identity it names."""
_TRUST = Assumption("cloud-trust-policy", "the cloud's trust policy admits the ServiceAccount to that identity")


def edges(context: Context) -> Iterator[Edge]:
    """One edge for each annotation that names an identity."""
    for item in context.cluster.service_accounts:
        for annotation, (row, provider) in ANNOTATIONS.items():
            name = item.metadata.annotations.get(annotation)
            if not name:
                continue
            ref = ObjectRef("ServiceAccount", item.metadata.namespace, item.metadata.name)
            shown = (field(ref, ("metadata", "annotations", annotation), name),)
            target = Vertex(VertexKind.CLOUD_IDENTITY, "", f"{provider}/{name}")
            sentence = f"{ref} is exchanged for the cloud identity {name}."
            source = account(item.metadata.namespace, item.metadata.name)
            fix = f"{ref}: remove annotation {annotation}, or give it an identity with fewer rights"
            yield Edge(
                row, source, target, State.YES, Confidence.ENV, 1, sentence, shown, (_TRUST,), (), fix
            )  # fmt: skip
