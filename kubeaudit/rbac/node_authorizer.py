"""What the Node authorizer, which is asked before RBAC, allows a kubelet: the blast radius of its node (RBAC-50..53).

Source: kubernetes/kubernetes ``plugin/pkg/auth/authorizer/node/{node_authorizer,graph}.go``. Writes are narrowed
further by the admission plugin NodeRestriction, which no object shows (RBAC-52).
"""

from collections.abc import Set
from functools import cached_property

from msgspec import Struct

from kubeaudit.model.cluster import Cluster
from kubeaudit.rbac.baseline import default_cluster_roles
from kubeaudit.rbac.identities import NODE_PREFIX, NODES, Identity
from kubeaudit.rbac.references import References, references
from kubeaudit.rbac.rules import Request, first_allowing

Named = Set[tuple[str, str]]
"""Namespace and name of objects."""
Version = tuple[int, int]

_SELECTORS: Version = (1, 32)
"""AuthorizeNodeWithSelectors is on: own Node and own pods only (RBAC-51)."""
_ACCOUNTS: Version = (1, 34)
"""KubeletServiceAccountTokenForCredentialProviders is on: ServiceAccounts of own pods may be read."""
_OLD: Version = (1, 31)
_LEASES = "kube-node-lease"
_READS, _WRITES = ("get", "list", "watch"), ("create", "update", "patch")
_OWN = ("get", "create", "update", "patch", "delete")
_UNREAD = {("storage.k8s.io", "volumeattachments"), ("resource.k8s.io", "resourceclaims")}


class Word(Struct, frozen=True):
    """The Node authorizer's word: it never denies, it only allows or says nothing; None where that is not known."""

    allowed: bool | None
    reason: str


class Reach(Struct, frozen=True):
    """What the pods of a node refer to; ``claims`` are PersistentVolumeClaims, ``illegible`` pods that do not tell."""

    pods: set[tuple[str, str]] = set()
    accounts: set[tuple[str, str]] = set()
    secrets: set[tuple[str, str]] = set()
    config_maps: set[tuple[str, str]] = set()
    claims: set[tuple[str, str]] = set()
    illegible: set[tuple[str, str]] = set()


class NodeAuthorizer:
    """The Node authorizer of a cluster. Pods are gone through when the first question comes."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def authorize(self, identity: Identity, request: Request) -> Word:
        """Its word on a request of a node. It knows a node by its user name and its group."""
        node = identity.user.removeprefix(NODE_PREFIX)
        if not identity.user.startswith(NODE_PREFIX) or NODES not in identity.groups or not node:
            return Word(False, "the Node authorizer knows no such node")
        version = self._cluster.version()
        # The rules changed at two versions, each for other requests: before both and after both shows every case.
        words = [self._decide(node, request, minor) for minor in ([version] if version else [_OLD, _ACCOUNTS])]
        if len({word.allowed for word in words}) > 1:
            return Word(None, "the Node authorizer's word depends on the version of the server, which is not known")
        return words[0]

    def reach(self, node: str) -> Reach:
        """What the pods of a node refer to: what its kubelet may read, and whose tokens it may ask for (RBAC-53)."""
        return self._reaches.get(node, Reach())

    def _decide(self, node: str, request: Request, version: Version) -> Word:
        reach = self.reach(node)
        match request.group, request.resource:
            case "", "secrets":
                return self._read(node, request, reach.secrets, doubt=self._volumes(reach))
            case "", "configmaps":
                return self._read(node, request, reach.config_maps)
            case "", "serviceaccounts" if request.verb == "get" and not request.subresource and version >= _ACCOUNTS:
                return self._read(node, request, reach.accounts)
            case "", "serviceaccounts":
                token = (request.verb, request.subresource) == ("create", "token")
                return self._related(node, request, reach.accounts) if token else _no("tokens of its pods only")
            case "", "persistentvolumeclaims":
                status = request.subresource == "status" and request.verb in ("update", "patch")
                plain = request.verb == "get" and not request.subresource
                return self._related(node, request, reach.claims) if status or plain else _no("single claims only")
            case "", "persistentvolumes":
                plain = request.verb == "get" and not request.subresource
                doubt = "which PersistentVolumes are bound to claims of its pods" if reach.claims else ""
                return self._related(node, request, frozenset(), doubt) if plain else _no("single volumes only")
            case "", "nodes" if version >= _SELECTORS:
                return _own_node(node, request)
            case "", "pods" if version >= _SELECTORS:
                return self._pods(node, request, reach)
            case "coordination.k8s.io", "leases":
                return _owned(node, request, request.namespace == _LEASES)
            case "storage.k8s.io", "csinodes":
                return _owned(node, request, not request.subresource)
            case "resource.k8s.io", "resourceslices":
                return self._slices(node, request, version)
            case "certificates.k8s.io", "podcertificaterequests":
                return _no("PodCertificateRequests are off by default")
            case place if place in _UNREAD:
                plain = request.verb == "get" and not request.subresource
                doubt = f"{request.resource} that belong to it, which are not read"
                return self._related(node, request, frozenset(), doubt) if plain else _no("single objects only")
        return _by_rules(request)

    def _read(self, node: str, request: Request, names: Named, doubt: str = "") -> Word:
        if request.verb not in _READS or request.subresource or not request.namespace:
            return _no("reads of single objects only")
        return self._related(node, request, names, doubt)

    def _related(self, node: str, request: Request, names: Named, doubt: str = "") -> Word:
        """By name only; ``doubt`` says what would have to be known to be sure that there is no relation."""
        if not request.name:
            return _no("objects by name only")
        if (request.namespace, request.name) in names:
            return Word(True, f"a pod on node {node} refers to it")
        if self.reach(node).illegible or self._cluster.complete.gap("pods") is not None:
            return Word(None, f"not every pod of node {node} could be read")
        if doubt:
            return Word(None, f"the Node authorizer's word depends on {doubt}")
        return _no(f"no pod on node {node} refers to it")

    def _volumes(self, reach: Reach) -> str:
        """Whether a PersistentVolume may lead from the pods of the node to a Secret."""
        key = "persistentvolumes"
        if not reach.claims or (self._cluster.complete.gap(key) is None and not self._cluster.counts.get(key)):
            return ""
        return "PersistentVolumes of its pods, which may refer to the Secret"

    def _pods(self, node: str, request: Request, reach: Reach) -> Word:
        match request.subresource, request.verb:
            case "", "get":
                return self._related(node, request, reach.pods)
            case "", "list" | "watch":
                selector = f"with the field selector spec.nodeName={node}"
                return self._related(node, request, reach.pods) if request.name else _no(f"pods only {selector}")
            case ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create"):
                return _yes()
        return _no("its own pods only")

    def _slices(self, node: str, request: Request, version: Version) -> Word:
        if request.subresource:
            return _no("no subresources")
        if request.verb == "create":
            return _yes()
        if request.verb in ("get", "update", "patch", "delete"):
            return self._related(node, request, frozenset(), "ResourceSlices that belong to it, which are not read")
        if request.verb in ("list", "watch", "deletecollection"):
            return _no(f"only with the field selector spec.nodeName={node}") if version >= _SELECTORS else _yes()
        return _no("no other verb")

    @cached_property
    def _reaches(self) -> dict[str, Reach]:
        known: dict[int, References | None] = {}
        found: dict[str, Reach] = {}
        for pod in self._cluster.pods:
            if not pod.node:
                continue
            if pod.spec not in known:
                known[pod.spec] = references(self._cluster.specs[pod.spec])
            reach, refers = found.setdefault(pod.node, Reach()), known[pod.spec]
            reach.pods.add((pod.namespace, pod.name))
            if refers is None:
                reach.illegible.add((pod.namespace, pod.name))
                continue
            # Mirror pods give a node nothing, and refer to nothing: NodeRestriction admits no other (RBAC-52).
            reach.accounts.update((pod.namespace, name) for name in refers.accounts)
            reach.secrets.update((pod.namespace, name) for name in refers.secrets)
            reach.config_maps.update((pod.namespace, name) for name in refers.config_maps)
            reach.claims.update((pod.namespace, name) for name in refers.claims_of(pod.name))
        return found


def _own_node(node: str, request: Request) -> Word:
    if request.subresource == "status":
        return _yes() if request.verb in ("update", "patch") else _no("only writes of its status")
    if request.subresource or request.verb not in (*_READS, *_WRITES):
        return _no("its own Node only")
    return _yes() if request.verb in _WRITES or request.name == node else _no("its own Node only")


def _owned(node: str, request: Request, in_place: bool) -> Word:
    """Objects that are named like their node; a create carries no name, which NodeRestriction sees to."""
    named = request.verb == "create" or request.name == node
    return _yes() if request.verb in _OWN and in_place and named else _no("its own object only")


def _by_rules(request: Request) -> Word:
    """The rules that are the same for every node; ClusterRole system:node shows them."""
    allowed = first_allowing(default_cluster_roles()["system:node"].rules, request) is not None
    return _yes() if allowed else _no("no rule of system:node allows it")


def _yes() -> Word:
    return Word(True, "the Node authorizer allows it to every node; NodeRestriction, if on, narrows writes")


def _no(why: str) -> Word:
    return Word(False, f"the Node authorizer does not allow it: {why}")
