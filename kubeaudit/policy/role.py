"""The least role for a selection of policies, and what a caller who lacks some of its rules loses (LP-01, -06, -07).

Everything follows from the kinds table and from ``requires`` of the policies; deploy/rbac.yaml is the role of a scan
that selects nothing (LP-11).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from kubeaudit.kinds import CONFIGMAPS, KINDS, NAMED_CONFIGMAPS, WORKLOADS, by_key, expand
from kubeaudit.model.completeness import NAMED
from kubeaudit.policy.schema import Default, Policy

API = "rbac.authorization.k8s.io/v1"
_LABELS = {"app.kubernetes.io/name": "kubeaudit"}
_READER, _CONFIGMAPS = "kubeaudit-reader", "kubeaudit-configmaps"
_ALWAYS = ("namespaces",)
"""Read by every scan: the cluster's id, and whether the namespaces of -n exist."""
_NARROW = frozenset(["account-holds-roles", "dashboard", "grants", "token-automounted"])
"""Predicates that ask the permission model or the pods alone. The others ask the graph."""
_GRAPH = (
    *("@rbac", "@policy", "@expose", "nodes", "serviceaccounts", "endpointslices.discovery.k8s.io", *WORKLOADS),
    *("ingressclasses.networking.k8s.io", "networks.config.openshift.io", "ec2nodeclasses.karpenter.k8s.aws", NAMED),
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
)
"""What says which traffic passes and where it leads: without one of these the graph's answers are unknown."""


class Need(Struct, frozen=True, order=True):
    """One request that a scan makes: the attributes that are authorized. ``namespace`` "" is the whole cluster."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        """The resource as the kinds table and ``requires`` name it."""
        if self.resource == CONFIGMAPS:
            return NAMED
        return f"{self.resource}.{self.group}" if self.group else self.resource

    def __str__(self) -> str:
        """In kubectl's words, as ``kubectl auth can-i`` takes them."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        name = f"/{self.name}" if self.name else ""
        return f"{self.verb} {resource}{name}" + (f" -n {self.namespace}" if self.namespace else "")


class Missing(Struct, frozen=True):
    """A request that is refused, the ``policies`` that need it, and those that lack nothing else (``enables``)."""

    need: Need
    policies: tuple[str, ...]
    enables: tuple[str, ...]


def resources(policy: Policy) -> frozenset[str]:
    """Keys of every resource that verdicts of this policy rest on."""
    words = policy.requires
    if policy.on_workloads:
        words += WORKLOADS
    if policy.predicate and policy.predicate.name not in _NARROW:
        words += _GRAPH
    return frozenset(expand(words))


def needs(known: Iterable[Policy], chosen: Sequence[Policy], namespaces: Sequence[str] = ()) -> tuple[Need, ...]:
    """The requests of a scan of the ``chosen`` ones of the ``known`` policies, in the order of the kinds table.

    A choice that leaves out none of those that run by default needs every kind of the table: paths, coverage and the
    verdict on what is unknown rest on all of them. With ``namespaces`` only what a Role can give (LP-07).
    """
    names = {policy.id for policy in chosen}
    whole = all(policy.id in names for policy in known if policy.default is Default.ON)
    wanted = {*by_key(), NAMED} if whole else {*_ALWAYS, *(key for policy in chosen for key in resources(policy))}
    lists = [kind for kind in KINDS if kind.key in wanted and (kind.namespaced or not namespaces)]
    maps = NAMED_CONFIGMAPS if NAMED in wanted else ()
    return (
        *(Need("list", kind.group, kind.resource, space) for space in namespaces or ("",) for kind in lists),
        *(Need("get", "", CONFIGMAPS, *place) for place in maps if not namespaces or place[0] in namespaces),
    )


def beyond(chosen: Iterable[Policy]) -> tuple[str, ...]:
    """Ids of policies that no Role of a namespace is enough for: they need kinds that belong to the whole cluster."""
    cluster = {kind.key for kind in KINDS if not kind.namespaced}
    return tuple(policy.id for policy in chosen if not cluster.isdisjoint(resources(policy)))


def roles(wanted: Iterable[Need]) -> tuple[dict[str, object], ...]:
    """ClusterRole and Roles that allow these requests and nothing else, as kubectl applies them."""
    by_place: dict[tuple[str, str], list[Need]] = {}
    for need in wanted:
        name = _CONFIGMAPS if need.name else _READER
        by_place.setdefault((need.namespace, name), []).append(need)
    return tuple(_role(place, found) for place, found in by_place.items())


def missing(refused: Collection[Need], chosen: Sequence[Policy]) -> tuple[Missing, ...]:
    """What each refused request costs."""
    wanted = {policy.id: resources(policy) for policy in chosen}
    lacks = {name: {need for need in refused if need.key in keys} for name, keys in wanted.items()}
    return tuple(_missing(need, lacks) for need in refused)


def _missing(need: Need, lacks: Mapping[str, set[Need]]) -> Missing:
    hit = tuple(name for name, lack in lacks.items() if need in lack)
    return Missing(need, hit, tuple(name for name in hit if lacks[name] == {need}))


def _role(place: tuple[str, str], wanted: Iterable[Need]) -> dict[str, object]:
    namespace, name = place
    scope = {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": API,
        "kind": "Role" if namespace else "ClusterRole",
        "metadata": {"name": name, **scope, "labels": _LABELS},
        "rules": list(_rules(wanted)),
    }


def _rules(wanted: Iterable[Need]) -> Iterator[dict[str, list[str]]]:
    """One rule for each verb and group; groups with the same resources share theirs."""
    resources: dict[tuple[str, str], dict[str, None]] = {}
    names: dict[tuple[str, str], dict[str, None]] = {}
    for need in wanted:
        resources.setdefault((need.verb, need.group), {})[need.resource] = None
        if need.name:
            names.setdefault((need.verb, need.group), {})[need.name] = None
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (verb, group), found in resources.items():
        groups.setdefault((verb, tuple(found), tuple(names.get((verb, group), ()))), []).append(group)
    for (verb, found_resources, found_names), shared in groups.items():
        rule = {"apiGroups": shared, "verbs": [verb], "resources": list(found_resources)}
        yield rule | ({"resourceNames": list(found_names)} if found_names else {})
