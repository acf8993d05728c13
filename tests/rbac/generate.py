"""Random RBAC objects, callers and requests from small pools, so that they meet; one seed gives one sequence.

The pools hold what the semantics turn on: case, ``*`` in every field, subresource patterns, empty names, stars at
the end of URLs.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from .objects import Manifest, aggregated, binding, role

VERBS = ("get", "list", "watch", "create", "deletecollection", "impersonate", "use", "*", "Get")
GROUPS = ("", "apps", "rbac.authorization.k8s.io", "example.com", "*")
RESOURCES = (
    *("pods", "secrets", "deployments", "namespaces", "nodes", "clusterroles", "Pods"),
    *("pods/log", "pods/exec", "deployments/scale", "*/scale", "pods/*", "*/*", "*"),
)
NAMES = ("", "a", "b", "shop", "*")
URLS = ("/healthz", "/healthz*", "/logs/**", "/logs/*", "*", "/api/*", "/metrics")
URL_VERBS = ("get", "post", "*")
PATHS = ("/healthz", "/healthzfoo", "/logs", "/logs/x", "/api/v1", "/metrics", "/")
NAMESPACES = ("shop", "other", "third")
ACCOUNTS = (("shop", "app"), ("other", "app"), ("shop", "job"))
ROLE_NAMES = ("r0", "r1", "r2", "r3")
CALLERS = (
    ("jane", ("system:authenticated",)),
    ("joe", ("dev", "system:authenticated")),
    ("system:anonymous", ("system:unauthenticated",)),
    ("system:node:n1", ("system:nodes", "system:authenticated")),
    *(
        (
            f"system:serviceaccount:{ns}:{name}",
            ("system:serviceaccounts", f"system:serviceaccounts:{ns}", "system:authenticated"),
        )
        for ns, name in ACCOUNTS
    ),
)
GROUPLESS = (
    *((user, ()) for user, _ in CALLERS),
    ("", ("dev",)),
    ("system:serviceaccount:shop:app", ("dev", "system:serviceaccounts:other")),
)
"""Callers whose groups are not those that the API server would give them: a review takes both as they come."""
FEEDS = ("red", "blue")
GROUP_NAMES = ("dev", "system:authenticated", "system:serviceaccounts:shop", "system:unauthenticated", "jane")


class Ask(NamedTuple):
    """Who asks for what; the request by the fields of a SubjectAccessReview."""

    user: str
    groups: tuple[str, ...]
    request: dict[str, str]


def objects(random: Random, *, valid: bool) -> list[Manifest]:
    """Roles and bindings of one cluster. ``valid``: only what the API server admits."""
    made: list[Manifest] = [role(name, *_rules(random, urls=True)) for name in ROLE_NAMES[: random.randint(1, 4)]]
    for namespace in NAMESPACES[:2]:
        made += [role(name, *_rules(random, urls=False), namespace=namespace) for name in random.sample(ROLE_NAMES, 2)]
    for number in range(random.randint(1, 3)):
        kind = "ClusterRole" if valid or random.random() < 0.8 else "Role"
        made.append(binding(f"c{number}", f"{kind}/{random.choice(ROLE_NAMES)}", *_subjects(random, valid, "")))
    for number in range(random.randint(1, 6)):
        target = f"{random.choice(('Role', 'ClusterRole'))}/{random.choice(ROLE_NAMES)}"
        namespace = random.choice(NAMESPACES)
        made.append(binding(f"n{number}", target, *_subjects(random, valid, namespace), namespace=namespace))
    return made


def with_aggregation(random: Random, objects: Sequence[Manifest]) -> list[Manifest]:
    """The objects, some ClusterRoles labelled, and aggregated roles that these feed, with bindings (RBAC-35, -37).

    Aggregated roles may feed each other, in a cycle too. Their rules are left to the controller.
    """
    made = [_labelled(random, item) if item["kind"] == "ClusterRole" else item for item in objects]
    for number in range(random.randint(1, 3)):
        selectors = [_selector(random) for _ in range(random.randint(1, 2))]
        role_ = _labelled(random, aggregated(f"sum{number}", *selectors))
        del role_["rules"]
        namespace = random.choice(("", *NAMESPACES))
        subjects = _subjects(random, True, namespace)
        made += [role_, binding(f"s{number}", f"ClusterRole/sum{number}", *subjects, namespace=namespace)]
    return made


def _labelled(random: Random, item: Manifest) -> Manifest:
    feed = random.choice((*FEEDS, ""))
    return {**item, "metadata": {**item["metadata"], "labels": {"feed": feed}}} if feed else item


def _selector(random: Random) -> Manifest:
    """Of roles with the label ``feed`` only: the server's own roles stay outside."""
    feeds = random.sample(FEEDS, random.randint(1, 2))
    there = {"key": "feed", "operator": "Exists"}
    return random.choice(
        (
            {"matchLabels": {"feed": feeds[0]}},
            {"matchExpressions": [there]},
            {"matchExpressions": [{"key": "feed", "operator": "In", "values": feeds}]},
            {"matchExpressions": [there, {"key": "feed", "operator": "NotIn", "values": feeds[:1]}]},
            {"matchLabels": {"feed": feeds[0]}, "matchExpressions": [{"key": "no", "operator": "DoesNotExist"}]},
        )
    )


def ask(random: Random, objects: Sequence[Manifest], callers: Sequence[tuple[str, tuple[str, ...]]] = CALLERS) -> Ask:
    """A caller and a request: half of them whatever comes, half made from some rule, so that enough is allowed."""
    user, groups = random.choice(callers)
    request = _any_resource(random) if random.random() < 0.85 else _any_url(random)
    ruled = [item for item in objects if item.get("rules")]
    if ruled and random.random() < 0.5:
        source = random.choice(ruled)
        request = _matching(random, random.choice(source["rules"]))
    return Ask(user, groups, request)


def _any_url(random: Random) -> dict[str, str]:
    return {"verb": random.choice(("get", "post", "put")), "path": random.choice(PATHS)}


def _any_resource(random: Random) -> dict[str, str]:
    named = [text for text in RESOURCES if "*" not in text]
    resource, _, subresource = random.choice([*named, "services", "widgets/scale"]).partition("/")
    return {
        "verb": random.choice((*(verb for verb in VERBS if verb != "*"), "frobnicate")),
        "group": random.choice((*(group for group in GROUPS if group != "*"), "batch")),
        "resource": resource,
        "subresource": subresource,
        "namespace": random.choice(("", *NAMESPACES)),
        "name": random.choice(NAMES),
    }


def _matching(random: Random, rule: dict[str, list[str]]) -> dict[str, str]:
    """A request that the rule names, with something arbitrary where the rule has a star or no name."""

    def pick(field: str, otherwise: str) -> str:
        value = random.choice(rule.get(field) or ["*"])
        return otherwise if value == "*" else value

    if "nonResourceURLs" in rule:
        return {"verb": pick("verbs", "get"), "path": pick("nonResourceURLs", "/x").rstrip("*")}
    other = _any_resource(random)
    resource, _, subresource = pick("resources", "widgets").partition("/")
    return other | {
        "verb": pick("verbs", other["verb"]),
        "group": pick("apiGroups", other["group"]),
        "resource": "widgets" if resource == "*" else resource,
        "subresource": "log" if subresource == "*" else subresource,
        "name": pick("resourceNames", other["name"]),
    }


def _rules(random: Random, *, urls: bool) -> list[dict[str, list[str]]]:
    return [_rule(random, urls=urls and random.random() < 0.25) for _ in range(random.randint(1, 4))]


def _rule(random: Random, *, urls: bool) -> dict[str, list[str]]:
    if urls:
        return {"verbs": _some(random, URL_VERBS), "nonResourceURLs": _some(random, URLS)}
    made = {"verbs": _some(random, VERBS), "apiGroups": _some(random, GROUPS), "resources": _some(random, RESOURCES)}
    return made | ({"resourceNames": _some(random, NAMES)} if random.random() < 0.3 else {})


def _subjects(random: Random, valid: bool, namespace: str) -> list[str]:
    account = "/".join(random.choice(ACCOUNTS))
    kinds = ["ServiceAccount:app"] if namespace else []
    kinds += [f"User:{random.choice(CALLERS)[0]}", f"Group:{random.choice(GROUP_NAMES)}", f"ServiceAccount:{account}"]
    if not valid:
        kinds += ["user:jane", "Robot:jane", "ServiceAccount:app"]
    return random.sample(kinds, random.randint(1, 2))


def _some(random: Random, pool: tuple[str, ...]) -> list[str]:
    return random.sample(pool, random.randint(1, 3))
