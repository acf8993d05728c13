"""Where the answer of RBAC is not the whole answer: version, features and other authorizers (RBAC-48..66)."""

from collections.abc import Iterator

from kubeaudit.model.cluster import Cluster
from kubeaudit.rbac.identities import SERVICE_ACCOUNTS, Identity
from kubeaudit.rbac.rules import Request

_STREAMS = ("exec", "attach", "portforward")
_CREATE_CHECK = (1, 35)
_CONSTRAINED = (1, 35)
_OUTSIDE = {
    "aws": "EKS access entries (RBAC-60)",
    "gce": "GKE's IAM roles (RBAC-61)",
    "azure": "Azure RBAC and Entra groups (RBAC-62)",
}


def depends(cluster: Cluster, identity: Identity, request: Request, *, allowed: bool) -> tuple[str, ...]:
    """What else decides whether the request goes through, one sentence each; nothing where RBAC alone does."""
    return tuple(_depends(cluster, identity, request, allowed))


def _depends(cluster: Cluster, identity: Identity, request: Request, allowed: bool) -> Iterator[str]:
    version = cluster.version()
    known = "the version of the server is not known" if version is None else f"the server is {version[0]}.{version[1]}"
    stream = (request.group, request.resource) == ("", "pods") and request.subresource in _STREAMS
    if allowed and stream and request.verb == "get" and (version is None or version >= _CREATE_CHECK):
        yield f"from 1.35 pods/{request.subresource} by get needs create as well (RBAC-54); {known}"
    if allowed and request.verb.startswith(("impersonate:", "impersonate-on:")):
        if version is not None and version < _CONSTRAINED:
            yield f"constrained impersonation has no effect before 1.35 (RBAC-49); {known}"
        elif version is None or version == _CONSTRAINED:
            yield f"constrained impersonation is off by default in 1.35 and on from 1.36 (RBAC-49); {known}"
    if not allowed:
        yield from outside(cluster, identity)


def outside(cluster: Cluster, identity: Identity) -> tuple[str, ...]:
    """The authorizers of the cluster's platform that may allow people more than RBAC shows, one sentence each."""
    if SERVICE_ACCOUNTS in identity.groups:
        return ()
    providers = {node.pool.provider for node in cluster.nodes} & _OUTSIDE.keys()
    return tuple(f"RBAC objects do not show {_OUTSIDE[name]}, which may allow more" for name in sorted(providers))
