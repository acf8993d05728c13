"""RBAC-101: verdicts that real API servers gave, recorded (vectors, oracle-sar, url-attributes). All must agree."""

from collections import Counter
from typing import Any

from rbac.objects import cluster
from rbac.reasons import names_a_grant

from kubeaudit.rbac.access import Access, Answer, Decision, build
from kubeaudit.rbac.attributes import request_of
from kubeaudit.rbac.identities import Identity
from kubeaudit.rbac.rules import Request

from .corpora import lines, load, manifests

Tally = Counter[tuple[str, bool]]


def decide(access: Access, case: dict[str, Any]) -> Decision:
    return access.decide(Identity(case["user"]["name"], tuple(case["user"]["groups"])), Request(**case["request"]))


def test_rbac_101_vectors(tally: Tally) -> None:
    cases = load("rbac", "vectors", "cases.json")["vectors"]
    wrong = []
    for case in cases:
        answer = decide(build(cluster(manifests(case), "v1.36.3")), case).answer
        if answer is not (Answer.ALLOWED if case["expect"] else Answer.NOT_ALLOWED):
            wrong.append((case["id"], case["why"], answer))
    tally.update({("vectors", True): len(cases) - len(wrong), ("vectors", False): len(wrong)})
    assert not wrong
    assert cases


def test_rbac_100_and_101_access_reviews_with_their_reasons(tally: Tally) -> None:
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
    tally.update({("oracle-sar", True): reviews - len(wrong), ("oracle-sar", False): len(wrong)})
    assert not wrong
    assert 0 < allowed < reviews


def explained(request: dict[str, Any], decision: Decision) -> bool:
    """Whether the server's reason is among our grants; for system:masters there is neither."""
    if "system:masters" in request["user"]["groups"]:
        return "reason" not in request and not decision.grants
    return names_a_grant(request["reason"], decision)


def test_rbac_101_url_attributes(tally: Tally) -> None:
    cases = load("rbac", "url-attributes", "cases.json")
    wrong = []
    for case in cases:
        fields = ("verb", "group", "resource", "subresource", "namespace", "name", "path")
        expected = Request(**{field: case.get(field, "") for field in fields})
        made = request_of(case["method"], case["url"])
        if made != expected:
            wrong.append((case["id"], made, expected))
    tally.update({("url-attributes", True): len(cases) - len(wrong), ("url-attributes", False): len(wrong)})
    assert not wrong
    assert cases
