"""RBAC-101: verdicts that real API servers gave, recorded. All must agree.

Access reviews are in vectors and oracle-sar, attributes of requests in url-attributes, writes of roles and bindings by
a limited user in oracle-escalation, requests with Impersonate headers in oracle-impersonation.
"""

from collections.abc import Iterable
from typing import Any

from rbac.objects import binding, cluster, role
from rbac.reasons import names_a_grant
from rbac.writes import may_write
from tallies import Counts, tell

from kubeaudit.rbac.access import Access, Answer, Decision, build
from kubeaudit.rbac.attributes import request_of
from kubeaudit.rbac.identities import Identity
from kubeaudit.rbac.impersonation import Wanted, becomes, may_impersonate
from kubeaudit.rbac.rules import Request

from .corpora import lines, load, manifests


def decide(access: Access, case: dict[str, Any]) -> Decision:
    return access.decide(Identity(case["user"]["name"], tuple(case["user"]["groups"])), Request(**case["request"]))


def test_rbac_101_vectors(tally: Counts) -> None:
    cases = load("rbac", "vectors", "cases.json")["vectors"]
    wrong = []
    for case in cases:
        answer = decide(build(cluster(manifests(case), "v1.36.3")), case).answer
        if answer is not (Answer.ALLOWED if case["expect"] else Answer.NOT_ALLOWED):
            wrong.append((case["id"], case["why"], answer))
    tell(tally, "vectors", len(cases) - len(wrong), len(wrong))
    assert not wrong
    assert cases


def test_rbac_100_and_101_access_reviews_with_their_reasons(tally: Counts) -> None:
    reviews = allowed = 0
    wrong: list[tuple[Any, ...]] = []
    for case in lines("rbac", "oracle-sar", "clusters.jsonl"):
        access = build(cluster(manifests(case), "v1.36.3"))
        for request in case["requests"]:
            decision = decide(access, request)
            reviews, allowed = reviews + 1, allowed + request["allowed"]
            if decision.answer is not (Answer.ALLOWED if request["allowed"] else Answer.NOT_ALLOWED):
                wrong.append((case["id"], request, decision.answer))
            elif request["allowed"] and not explained(request, decision):
                wrong.append((case["id"], request, "the server's binding is not among the grants"))
    tell(tally, "oracle-sar", reviews - len(wrong), len(wrong))
    assert not wrong
    assert 0 < allowed < reviews


def explained(request: dict[str, Any], decision: Decision) -> bool:
    """Whether the server's reason is among our grants; for system:masters there is neither."""
    if "system:masters" in request["user"]["groups"]:
        return "reason" not in request and not decision.grants
    return names_a_grant(request["reason"], decision)


def test_rbac_101_url_attributes(tally: Counts) -> None:
    cases = load("rbac", "url-attributes", "cases.json")
    wrong = []
    for case in cases:
        fields = ("verb", "group", "resource", "subresource", "namespace", "name", "path")
        expected = Request(**{field: case.get(field, "") for field in fields})
        made = request_of(case["method"], case["url"])
        if made != expected:
            wrong.append((case["id"], made, expected))
    tell(tally, "url-attributes", len(cases) - len(wrong), len(wrong))
    assert not wrong
    assert cases


def grants_of(user: str, *held: tuple[str, Iterable[Any]]) -> list[Any]:
    """Roles with these rules in these namespaces ("" = the whole cluster), bound to a user."""
    made: list[Any] = []
    for number, (namespace, rules) in enumerate(held):
        name, kind = f"held-{number}", "Role" if namespace else "ClusterRole"
        made += [role(name, *rules, namespace=namespace)]
        made += [binding(name, f"{kind}/{name}", f"User:{user}", namespace=namespace)]
    return made


def test_rbac_101_writes_of_roles_and_bindings(tally: Counts) -> None:
    cases = load("rbac", "oracle-escalation", "cases.json")
    wrong = []
    for case in cases:
        scope = case["held_scope"].removeprefix("cluster").removeprefix("namespace ")
        objects = grants_of("esc", ("", case["base_rules_cluster"]), (scope, case["held_rules"]))
        existing = case["existing"]
        objects += [role(item["name"], *item["rules"]) for item in existing["clusterroles"]]
        objects += [role(item["name"], *item["rules"], namespace=item["namespace"]) for item in existing["roles"]]
        access = build(cluster(objects, "v1.36.3"))
        answer = may_write(access, Identity("esc", ("system:authenticated",)), case, objects).answer
        if answer is not (Answer.ALLOWED if case["permitted"] else Answer.NOT_ALLOWED):
            wrong.append((case["id"], answer))
    tell(tally, "oracle-escalation", len(cases) - len(wrong), len(wrong))
    assert not wrong
    assert cases


def wanted(headers: dict[str, Any]) -> Wanted:
    """Whom the headers of a request name; a header may be there several times, as a list."""

    def values(name: str) -> tuple[str, ...]:
        found = headers.get(name, [])
        return tuple([found] if isinstance(found, str) else found)

    prefix = "Impersonate-Extra-"
    extra = (
        (key.removeprefix(prefix).lower(), value) for key in headers if key.startswith(prefix) for value in values(key)
    )
    user, uid = "".join(values("Impersonate-User")), "".join(values("Impersonate-Uid"))
    return Wanted(user, values("Impersonate-Group"), uid, tuple(extra))


def test_rbac_101_requests_with_impersonate_headers(tally: Counts) -> None:
    cases = load("rbac", "oracle-impersonation", "cases.json")
    wrong = []
    for case in cases:
        user = case["requester"]
        objects = grants_of(user, ("", case["cluster_rules"]), ("d", case["namespace_d_rules"]))
        # The note of every case: whoever is authenticated may list pods.
        objects += [role("pods", {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]})]
        objects += [binding("pods", "ClusterRole/pods", "Group:system:authenticated", "Group:system:unauthenticated")]
        access = build(cluster(objects, "v1.36.3"))
        request = request_of(*case["request"].split(" "))
        target = wanted(case["headers"])
        requester = Identity(user, ("system:authenticated",))
        answers = [may_impersonate(access, requester, target, request).answer]
        answers += [access.decide(becomes(target), request).answer]
        permitted = all(answer is Answer.ALLOWED for answer in answers)
        if permitted != case["permitted"]:
            wrong.append((case["id"], answers))
    tell(tally, "oracle-impersonation", len(cases) - len(wrong), len(wrong))
    assert not wrong
    assert cases
