"""Finders against the authorizer itself: a rule is found exactly where it allows some request to a target (RBAC-P1)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.rbac.access import build
from kubeaudit.rbac.rules import Request, allows
from kubeaudit.rbac.targets import Finder, Target

from .objects import Manifest, binding, cluster, role, rule

VERBS = ("get", "create", "update", "deletecollection", "impersonate", "*")
GROUPS = ("", "apps", "authentication.k8s.io", "*")
RESOURCES = ("pods", "pods/exec", "*/exec", "pods/*", "namespaces", "userextras/scopes", "userextras", "*", "nodes")
NAMES = ("", "a", "shop", "*")
TARGETED = ("pods", "pods/exec", "namespaces", "userextras", "nodes")


def some(values: tuple[str, ...], least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=2, unique=True).map(tuple)


rules = st.builds(
    PolicyRule, verbs=some(VERBS), api_groups=some(GROUPS), resources=some(RESOURCES), resource_names=some(NAMES)
)
targets = st.builds(
    Target,
    some(VERBS[:-1], 1),
    st.sampled_from(GROUPS[:-1]),
    st.sampled_from(TARGETED),
    namespaced=st.booleans(),
    names=some(("a", "shop")),
    namespaces=some(("shop", "other")),
)


def manifest(made: PolicyRule) -> dict[str, list[str]]:
    fields = {"verbs": made.verbs, "apiGroups": made.api_groups, "resources": made.resources}
    return {key: list(value) for key, value in (fields | {"resourceNames": made.resource_names}).items()}


def requests(target: Target, scope: str) -> list[Request]:
    """Every request that the target is about, written out: a cluster-wide grant serves any namespace."""
    resource, _, subresource = target.resource.partition("/")
    keys = ("any", "scopes", "exec") if resource == "userextras" else (subresource,)
    names = target.names or ("a", "shop", "*", "else")
    if resource == "namespaces" and scope:
        names = (scope,)
    made = []
    for verb in target.verbs:
        nameless = verb == "deletecollection" or (verb == "create" and "/" not in target.resource)
        for key in keys:
            made += [Request(verb, target.group, resource, key, scope, n) for n in (("",) if nameless else names)]
    return made


@settings(max_examples=600, deadline=None)
@given(st.lists(rules, max_size=4), targets, st.sampled_from(["", "shop", "third"]))
def test_a_rule_is_found_where_the_authorizer_allows_a_request(
    made: list[PolicyRule], target: Target, scope: str
) -> None:
    objects: list[Manifest] = [
        role("r", *map(manifest, made)),
        binding("b", "ClusterRole/r", "User:u", namespace=scope),
    ]
    (grant,) = build(cluster(objects, "v1.36.3")).grants
    in_scope = not scope or (target.namespaced and (not target.namespaces or scope in target.namespaces))
    asked = requests(target, scope) if in_scope else []
    wanted = [index for index, one in enumerate(made) if any(allows(one, request) for request in asked)]
    assert list(Finder(target)(grant)) == wanted


def test_rbac_70_equal_rules_are_looked_at_once_and_scopes_apart() -> None:
    objects = [
        role("r", rule("delete", "namespaces", names="a")),
        *(binding(f"b{scope}", "ClusterRole/r", "User:u", namespace=scope) for scope in ("", "a", "b")),
    ]
    finder = Finder(Target(("delete",), "", "namespaces"))
    assert [finder(grant) for grant in build(cluster(objects)).grants] == [(0,), (0,), ()]


def test_a_target_that_must_be_named_ignores_a_star() -> None:
    finder = Finder(Target(("delete",), "", "pods/log", named=True))
    for resources, wanted in (("*", ()), ("pods/log", (0,)), ("*/log", (0,)), ("pods", ())):
        objects = [role("r", rule("delete", resources)), binding("b", "ClusterRole/r", "User:u")]
        (grant,) = build(cluster(objects)).grants
        assert finder(grant) == wanted, resources
