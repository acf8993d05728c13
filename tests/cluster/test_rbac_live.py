"""RBAC-100 and RBAC-104: the evaluator against a real API server with its controller manager, on random clusters.

Each round writes random roles, aggregated roles and bindings, waits until the server follows, and asks it and us the
same. What we say comes from the objects as the server gives them, and again with the aggregated roles as they were
written, whose rules we fill in ourselves. The run ends with a line on the number of reviews, the mismatches and the
seed. ``KUBEAUDIT_REVIEWS`` is the number of SubjectAccessReviews, ``KUBEAUDIT_SEED`` repeats a run. The long one:

    KUBEAUDIT_REVIEWS=100000 python -m pytest tests/cluster/test_rbac_live.py
"""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random, randrange
from typing import Any

import pytest
from rbac import generate
from rbac.generate import Ask
from rbac.objects import API, Manifest, binding, cluster, role, rule
from rbac.reasons import names_a_grant
from tallies import told

from kubeaudit.rbac.access import Access, Answer, build
from kubeaudit.rbac.identities import MASTERS, NODES, Identity
from kubeaudit.rbac.rules import Request

from .conftest import LIVE, StartApiServer
from .rest import Json, Session
from .server import ApiServer

REVIEWS = int(os.environ.get("KUBEAUDIT_REVIEWS", "5000"))
REVIEWS_OF_A_ROUND = 250
CONNECTIONS = 6
SYNC_SECONDS = 30.0
VERSION = "v1.36.3"
PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "Role": "roles",
    "RoleBinding": "rolebindings",
}
CALLERS = (*generate.CALLERS, *generate.GROUPLESS, ("root", (MASTERS,)))


@dataclass
class Tally:
    """What came of the reviews."""

    seed: int
    reviews: int = 0
    rounds: int = 0
    allowed: int = 0
    aggregated: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.reviews:,} SubjectAccessReviews, {self.allowed:,} allowed, {self.rounds} random clusters, "
            f"{self.aggregated} aggregated roles, {len(self.wrong)} mismatches, KUBEAUDIT_SEED={self.seed}"
        )


class Referee:
    """The server, with the connections that ask it."""

    def __init__(self, server: ApiServer, sessions: Sequence[Session], threads: ThreadPoolExecutor) -> None:
        self.server = server
        self._sessions = sessions
        self._threads = threads

    def statuses(self, asks: Sequence[Ask], extras: Sequence[Manifest]) -> list[dict[str, Json]]:
        """Statuses of the SubjectAccessReviews, in the order of the questions; ``extras`` join their attributes."""
        count = len(self._sessions)
        work = list(zip(asks, extras, strict=True))
        parts = self._threads.map(_reviews, self._sessions, (work[number::count] for number in range(count)))
        found: list[dict[str, Json]] = [{} for _ in asks]
        for number, part in enumerate(parts):
            found[number::count] = part
        return found

    def get(self, path: str) -> Any:
        return self._sessions[0].request("GET", f"/apis/{API}/{path}").expect(200).body

    def delete(self, objects: Sequence[Manifest]) -> None:
        for item in objects:
            metadata = item["metadata"]
            place = f"namespaces/{metadata['namespace']}/" if "namespace" in metadata else ""
            path = f"/apis/{API}/{place}{PLURALS[item['kind']]}/{metadata['name']}"
            self._sessions[0].request("DELETE", path).expect(200)

    def objects(self) -> list[Manifest]:
        """Every RBAC object of the server, its defaults included."""
        return [
            item | {"apiVersion": API, "kind": kind}
            for kind, plural in PLURALS.items()
            for item in self.get(plural)["items"]
        ]


@pytest.fixture
def referee(start_api_server: StartApiServer) -> Iterator[Referee]:
    server = start_api_server(controller_manager=True)
    for namespace in generate.NAMESPACES:
        server.namespace(namespace)
    with ExitStack() as open_:
        sessions = [open_.enter_context(server.session()) for _ in range(CONNECTIONS)]
        yield Referee(server, sessions, open_.enter_context(ThreadPoolExecutor(CONNECTIONS)))


def test_rbac_100_the_evaluator_agrees_with_the_api_server(referee: Referee, request: pytest.FixtureRequest) -> None:
    tally = Tally(int(os.environ.get("KUBEAUDIT_SEED", randrange(2**32))))
    random = Random(tally.seed)
    try:
        while tally.reviews < REVIEWS:
            play(referee, random, tally, min(REVIEWS_OF_A_ROUND, REVIEWS - tally.reviews))
    finally:
        told(request.config).line(LIVE, str(tally))
    assert not tally.wrong, f"KUBEAUDIT_SEED={tally.seed}: " + "\n".join(tally.wrong[:20])
    assert 0 < tally.allowed < tally.reviews == REVIEWS


def play(referee: Referee, random: Random, tally: Tally, count: int) -> None:
    """One round: a random cluster and so many questions about it."""
    tally.rounds += 1
    written = generate.with_aggregation(random, generate.objects(random, valid=True))
    ours = [item for item in written if "aggregationRule" in item]
    tally.aggregated += len(ours)
    referee.server.apply(written)
    filled_in = wait_for_aggregation(referee, written, ours)
    referee.server.apply(beacon(tally.rounds))
    wait_for_the_authorizer(referee, tally.rounds)
    seen = referee.objects()
    names = {item["metadata"]["name"] for item in ours}
    unfilled = [item for item in seen if item["kind"] != "ClusterRole" or item["metadata"]["name"] not in names]
    accesses = (build(cluster(seen, VERSION)), build(cluster([*unfilled, *ours], VERSION)))
    asks = [ask_for_rbac(random, written) for _ in range(count)]
    extras = [selectors(random, ask) for ask in asks]
    told = [f"round {tally.rounds}: {filled_in}"] if filled_in else []
    for ask, status in zip(asks, referee.statuses(asks, extras), strict=True):
        tally.reviews += 1
        tally.allowed += status["allowed"] is True
        differences = (compare(access, ask, status) for access in accesses)
        told += [f"round {tally.rounds}: {difference}: {ask}" for difference in differences if difference]
    tally.wrong += told
    referee.delete(written)


def ask_for_rbac(random: Random, objects: Sequence[Manifest]) -> Ask:
    """A random request whose caller is no node: for those the server asks the Node authorizer first (RBAC-50)."""
    asks = iter(lambda: generate.ask(random, objects, CALLERS), None)
    return next(ask for ask in asks if NODES not in ask.groups)


def selectors(random: Random, ask: Ask) -> Manifest:
    """Now and then the request of a list has selectors, which RBAC does not look at (RBAC-18)."""
    if "path" in ask.request or ask.request["verb"] not in ("list", "watch") or random.random() < 0.5:
        return {}
    requirement = {"key": "metadata.name", "operator": "In", "values": ["a"]}
    return {random.choice(("fieldSelector", "labelSelector")): {"requirements": [requirement]}}


def compare(access: Access, ask: Ask, status: dict[str, Json]) -> str:
    """How our answer and the server's differ; "" where they agree."""
    decision = access.decide(Identity(ask.user, ask.groups), Request(**ask.request))
    allowed = status["allowed"] is True
    if (decision.answer is Answer.ALLOWED) != allowed or decision.answer is Answer.UNKNOWN:
        return f"the server says {status}, we say {decision.answer}"
    # Masters pass before any authorizer gives a reason (RBAC-29).
    if allowed and MASTERS not in ask.groups and not names_a_grant(str(status["reason"]), decision):
        return f"{status['reason']} is not among our grants"
    return ""


def _reviews(session: Session, work: Sequence[tuple[Ask, Manifest]]) -> list[dict[str, Json]]:
    return [_review(session, ask, extra) for ask, extra in work]


def _review(session: Session, ask: Ask, extra: Manifest) -> dict[str, Json]:
    """The status of a SubjectAccessReview."""
    kind = "nonResourceAttributes" if "path" in ask.request else "resourceAttributes"
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": ask.user, "groups": list(ask.groups), kind: {**ask.request, **extra}},
    }
    status = (
        session.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body).expect(201).at("status")
    )
    assert isinstance(status, dict)
    return status


def wait_for_aggregation(referee: Referee, written: Sequence[Manifest], ours: Sequence[Manifest]) -> str:
    """Until the controller has filled the aggregated roles as we do; what differs when it does not (RBAC-35)."""
    expected = build(cluster(written, VERSION))
    rules = {
        grant.role.name: {str(each) for each in grant.rules}
        for grant in expected.grants
        if grant.role.kind == "ClusterRole"
    }
    deadline = time.monotonic() + SYNC_SECONDS
    for item in ours:
        name = item["metadata"]["name"]
        while (found := _rules(referee.get(f"clusterroles/{name}"))) != rules[name]:
            if time.monotonic() > deadline:
                return f"the controller fills {name} with {found}, we with {rules[name]}: {ours}"
            time.sleep(0.01)
    return ""


def _rules(item: Manifest) -> set[str]:
    """The rules of a role, each as our decoder has it."""
    made = build(
        cluster(
            [
                item | {"apiVersion": API, "kind": "ClusterRole"},
                binding("b", f"ClusterRole/{item['metadata']['name']}", "User:x"),
            ],
            VERSION,
        )
    )
    return {str(each) for each in made.grants[0].rules}


def beacon(number: int) -> list[Manifest]:
    """The last object of each kind that a round writes: once they are in force, so is all that was written before."""
    seen = rule("get", f"beacon-{number}")
    return [
        role("beacon", seen),
        role("beacon", seen, namespace="shop"),
        binding(f"beacon-{number}", "ClusterRole/beacon", f"User:cluster-{number}"),
        binding(f"beacon-{number}", "Role/beacon", f"User:shop-{number}", namespace="shop"),
    ]


def wait_for_the_authorizer(referee: Referee, number: int) -> None:
    """The authorizer reads from caches, one for each kind, that trail behind the writes."""
    deadline = time.monotonic() + SYNC_SECONDS
    request = {"verb": "get", "group": "", "resource": f"beacon-{number}", "namespace": "shop", "name": ""}
    asks = [Ask(f"{scope}-{number}", (), request) for scope in ("cluster", "shop")]
    while not all(status["allowed"] for status in referee.statuses(asks, [{}, {}])):
        assert time.monotonic() < deadline, "the API server's authorizer did not follow"
        time.sleep(0.01)
