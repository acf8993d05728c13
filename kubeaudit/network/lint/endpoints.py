"""Lint about addresses that somebody wrote into EndpointSlices: their Service lends its clients the way (NET-60)."""

from collections.abc import Iterator

from kubeaudit.model.nodes import parse
from kubeaudit.network.lint.contract import Lint
from kubeaudit.network.reach import Reach
from kubeaudit.proof import field
from kubeaudit.refs import ObjectRef

_METADATA = ("fd00:ec2::254", "100.100.100.200")
"""Metadata services outside the link-local range, which the API server refuses."""
_SERVICE_NAME = "kubernetes.io/service-name"
_API_SERVER = ("default", "kubernetes")
"""The slice that the API server writes itself, with its own addresses."""


def foreign_endpoint(reach: Reach) -> Iterator[Lint]:
    """An endpoint that names no pod and has the address of a node, a Service, a pod of another namespace or a metadata
    service.
    """
    owners = _owners(reach)
    for item in reach.cluster.endpoint_slices:
        space, service = item.metadata.namespace, item.metadata.labels.get(_SERVICE_NAME, "")
        if (space, service) == _API_SERVER:
            continue
        ref = ObjectRef("EndpointSlice", space, item.metadata.name, "discovery.k8s.io")
        for number, endpoint in enumerate(item.endpoints):
            if endpoint.target_ref is not None and endpoint.target_ref.kind == "Pod":
                continue
            for place, address in enumerate(endpoint.addresses):
                owner = owners.get(str(parse(address)))
                if owner is None or (owner.kind == "Pod" and owner.namespace == space):
                    continue
                whose = str(owner) if owner.kind else "a metadata service"
                text = f"Service {space}/{service} leads to {address}, the address of {whose}."
                shown = (field(ref, ("endpoints", number, "addresses", place), address),)
                yield Lint("foreign-endpoint", ref, text, "NET-60", shown)


def _owners(reach: Reach) -> dict[str, ObjectRef]:
    """Who has an address; host-network pods have that of their node."""
    cluster = reach.cluster
    found = {str(parse(address)): ObjectRef("", "", "") for address in _METADATA}
    for service in cluster.services:
        found[service.spec.cluster_ip] = ObjectRef("Service", service.metadata.namespace, service.metadata.name)
    for pod in cluster.pods:
        if pod.cls >= 0:
            found |= {str(parse(address)): pod.ref for address in pod.addresses}
    for node in cluster.nodes:
        found |= {str(parse(address)): node.ref for address in node.addresses}
    return found
