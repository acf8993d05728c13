"""RBAC-103: the evaluator on random clusters, against a second evaluator and against itself.

Hypothesis draws the seeds of ``generate``; a failing example prints its seed.
"""

import json
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.rbac.access import Access, Answer, Decision, build
from kubeaudit.rbac.identities import Identity
from kubeaudit.rbac.powers import powers
from kubeaudit.rbac.rules import Request, allows, covers

from . import generate, naive
from .generate import Ask
from .objects import Manifest, cluster

SEEDS = st.integers(min_value=0)
ASKS = 200
EXAMPLES = 500


def access(objects: list[Manifest]) -> Access:
    # With a version no role is assumed: only what the objects say counts.
    return build(cluster(objects, "v1.36.3"))


def decide(made: Access, ask: Ask) -> Decision:
    return made.decide(Identity(ask.user, ask.groups), Request(**ask.request))


@settings(max_examples=EXAMPLES, deadline=None)
@given(SEEDS)
def test_rbac_103_the_verdict_and_every_grant_equal_the_naive_evaluators(seed: int) -> None:
    """500 examples of 200 requests: 100,000 requests."""
    random = Random(seed)
    objects = generate.objects(random, valid=False)
    made = access(objects)
    for ask in (generate.ask(random, objects) for _ in range(ASKS)):
        decision = decide(made, ask)
        named = {(each.held.grant.scope, each.held.grant.binding.name) for each in decision.grants}
        expected = naive.allowing(objects, ask.user, ask.groups, ask.request)
        assert named == expected, ask
        assert decision.answer is (Answer.ALLOWED if expected else Answer.NOT_ALLOWED), ask


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_rbac_103_more_objects_never_take_a_permission_away(seed: int) -> None:
    random = Random(seed)
    objects = generate.objects(random, valid=False)
    part = [item for item in objects if random.random() < 0.7]
    few, many = access(part), access(objects)
    for ask in (generate.ask(random, objects) for _ in range(50)):
        if decide(few, ask).answer is Answer.ALLOWED:
            assert decide(many, ask).answer is Answer.ALLOWED, ask


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_rbac_103_renaming_namespaces_changes_nothing_but_names(seed: int) -> None:
    random = Random(seed)
    objects = generate.objects(random, valid=False)
    renamed = json.loads(json.dumps(objects).replace("shop", "boutique"))
    before, after = access(objects), access(renamed)
    for ask in (generate.ask(random, objects) for _ in range(50)):
        moved = Ask(*json.loads(json.dumps(ask).replace("shop", "boutique")))
        assert decide(before, ask).answer is decide(after, moved._replace(groups=tuple(moved.groups))).answer, ask


def policy_rules(objects: list[Manifest]) -> tuple[PolicyRule, ...]:
    return tuple(rule for grant in access(objects).grants for rule in grant.rules)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_rbac_103_what_is_covered_is_allowed_by_the_cover(seed: int) -> None:
    random = Random(seed)
    objects = generate.objects(random, valid=False)
    rules = policy_rules(objects)
    asks = [Request(**generate.ask(random, objects).request) for _ in range(100)]
    for rule in rules:
        others = tuple(other for other in rules if other is not rule)
        assert covers(rules, rule), "a list covers its own rules"
        if covers(others, rule):
            assert all(any(allows(other, ask) for other in others) for ask in asks if allows(rule, ask)), rule


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_exp_611_powers_agree_with_the_evaluator_on_secrets(seed: int) -> None:
    """A read of Secrets is reported exactly where some request for Secrets of the API is allowed."""
    for rule in policy_rules(generate.objects(Random(seed), valid=False)):
        reads = powers((rule,)).secrets
        names = {name for read in reads for name in read.names}
        whole = any(not read.names for read in reads)
        listed = any(allows(rule, Request(verb, "", "secrets", namespace="shop")) for verb in ("list", "watch"))
        some = any(allows(rule, Request(v, "", "secrets", "", "shop", "some-other")) for v in ("get", "list", "watch"))
        assert whole == (listed or some), rule
        if not whole:
            allowed = {
                name
                for name in (*generate.NAMES, "some-other")
                for verb in ("get", "list", "watch")
                if name and allows(rule, Request(verb, "", "secrets", "", "shop", name))
            }
            assert names == allowed, rule
