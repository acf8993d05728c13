"""Random writers of roles and bindings, and writes for them, from small pools, so that they meet (RBAC-38..43).

A writer may send every write; whether the guards let it pass depends on the rules it holds.
"""

from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any, NamedTuple

from .objects import API, Manifest, aggregated, binding, role, rule

SPACE = "shop"
VERBS = ("get", "list", "update", "*")
GROUPS = ("core", "apps", "*")
RESOURCES = ("pods", "pods/log", "deployments", "deployments/scale", "*/scale", "*", "*/*")
NAMES = ("a", "b", "*")
URLS = ("/healthz", "/healthz*", "/metrics", "*")
RBAC = "rbac.authorization.k8s.io"
KINDS = "roles clusterroles rolebindings clusterrolebindings"
POWERS = ("power-0", "power-1", "power-2")
MERGE = "application/merge-patch+json"


class Write(NamedTuple):
    """A write as it is sent, and ``body``, the object as it would be."""

    method: str
    path: str
    sent: Manifest
    body: Manifest
    content_type: str = "application/json"


def writer(random: Random, name: str) -> list[Manifest]:
    """The rules of a writer, in the cluster and in one namespace."""
    base = rule("create update patch get", KINDS, RBAC)
    wide = [base, *(_held(random) for _ in range(random.randint(0, 2)))]
    if random.random() < 0.3:
        wide.append(rule("get *" if random.random() < 0.5 else "get", urls=random.choice(URLS)))
    close = [_held(random) for _ in range(random.randint(0, 3))]
    return [
        role(name, *wide),
        role(name, *close, namespace=SPACE),
        binding(name, f"ClusterRole/{name}", f"User:{name}"),
        binding(name, f"Role/{name}", f"User:{name}", namespace=SPACE),
    ]


def existing(random: Random) -> list[Manifest]:
    """Roles that bindings may refer to, and a role and a binding of each kind that may be changed."""
    gathers = {"matchLabels": {"gather": "yes"}}
    return [
        *(role(name, *_rules(random, urls=True)) for name in POWERS),
        *(role(name, *_rules(random), namespace=SPACE) for name in POWERS),
        role("existing", *_rules(random, urls=True)),
        role("existing", *_rules(random), namespace=SPACE),
        aggregated("gathering", gathers),
        binding("existing", f"ClusterRole/{random.choice(POWERS)}", "User:somebody"),
        binding("existing", f"{_kind(random)}/{random.choice(POWERS)}", "User:somebody", namespace=SPACE),
    ]


def writes(random: Random, objects: list[Manifest], count: int) -> Iterator[Write]:
    """So many writes; ``objects`` are as the server has them, so that the caller puts in what was accepted."""
    for number in range(count):
        made = random.choice((_create_role, _change_role, _create_binding, _change_binding))
        yield made(random, objects, f"target-{number}")


def path(item: Manifest, *, named: bool) -> str:
    """The URL of an object, or of the collection that it is created in."""
    metadata, plural = item["metadata"], f"{item['kind'].lower()}s"
    place = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"/apis/{API}{place}/{plural}" + (f"/{metadata['name']}" if named else "")


def _create_role(random: Random, objects: list[Manifest], name: str) -> Write:
    if random.random() < 0.5:
        made = role(name, *_rules(random), namespace=SPACE)
    elif random.random() < 0.2:
        made = aggregated(name, {"matchLabels": {"gather": "yes"}})
    else:
        made = role(name, *_rules(random, urls=True))
    return Write("POST", path(made, named=False), made, made)


def _change_role(random: Random, objects: list[Manifest], name: str) -> Write:
    names = ("existing", "gathering")
    old = random.choice([o for o in objects if o["kind"].endswith("Role") and o["metadata"]["name"] in names])
    urls = old["kind"] == "ClusterRole"
    if random.random() < 0.3:
        # Labels are no exception: the rules that stand are judged as if they were new. Finalizers are one.
        change = random.choice(({"labels": {"touched": name}}, {"finalizers": None}, {"finalizers": [f"test/{name}"]}))
        return _patched(old, {"metadata": change})
    rules = _rules(random, urls=urls)
    if random.random() < 0.5:
        return _patched(old, {"rules": rules})
    new = {**deepcopy(old), "rules": rules}
    return Write("PUT", path(new, named=True), new, new)


def _create_binding(random: Random, objects: list[Manifest], name: str) -> Write:
    namespace = SPACE if random.random() < 0.6 else ""
    kind = _kind(random) if namespace else "ClusterRole"
    made = binding(name, f"{kind}/{random.choice((*POWERS, 'absent'))}", "User:somebody", namespace=namespace)
    return Write("POST", path(made, named=False), made, made)


def _change_binding(random: Random, objects: list[Manifest], name: str) -> Write:
    old = random.choice([o for o in objects if "roleRef" in o and o["metadata"]["name"] == "existing"])
    subjects = [{"kind": "User", "name": name, "apiGroup": RBAC}]
    return _patched(old, {"subjects": subjects})


def _patched(old: Manifest, change: dict[str, Any]) -> Write:
    """A merge patch; metadata is merged one level down, everything else is replaced."""
    new = {**deepcopy(old), **{key: value for key, value in change.items() if key != "metadata"}}
    metadata = {**new["metadata"], **change.get("metadata", {})}
    new["metadata"] = {key: value for key, value in metadata.items() if value is not None}
    return Write("PATCH", path(old, named=True), change, new, MERGE)


def _kind(random: Random) -> str:
    return random.choice(("Role", "ClusterRole"))


def _held(random: Random) -> dict[str, list[str]]:
    """A rule of a writer: like those that it writes, or one that the guards ask for."""
    if random.random() < 0.6:
        return _rule(random)
    names = random.choice((None, None, "existing", "power-0 power-1", "gathering", "absent"))
    resources = random.choice(("roles", "clusterroles", "roles clusterroles", "rolebindings", "*"))
    verbs, group = random.choice(("bind", "escalate", "bind escalate")), random.choice((RBAC, "core", "*"))
    return rule(verbs, resources, group, names)


def _rules(random: Random, *, urls: bool = False) -> list[dict[str, list[str]]]:
    made = [_rule(random) for _ in range(random.choice((0, 1, 1, 2)))]
    if urls and random.random() < 0.2:
        made.append(rule(random.choice(("get", "*")), urls=random.choice(URLS)))
    return made


def _rule(random: Random) -> dict[str, list[str]]:
    names = " ".join(random.sample(NAMES, random.randint(1, 2))) if random.random() < 0.3 else None
    return rule(_some(random, VERBS), _some(random, RESOURCES), _some(random, GROUPS), names)


def _some(random: Random, pool: tuple[str, ...]) -> str:
    return " ".join(random.sample(pool, random.choice((1, 1, 2))))
