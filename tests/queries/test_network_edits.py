"""Edits do what they say: applied to the objects they turn the verdict round (issue: never what does not work)."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubeaudit.network.plugin.cni import profile
from kubeaudit.proof import State
from kubeaudit.queries.network_edits import change
from kubeaudit.queries.pairs import Unit, verdict
from kubeaudit.settings import Fact
from tests.factory import named, namespace, node, policy
from tests.network.clusters import cluster
from tests.network.loading import packets
from tests.network.loading import profile as plugin_of
from tests.network.naive.world import World
from tests.network.worlds import PORTS, worlds

from .connections import B, Object, R, applied, ask, context, of, pod

TCP80 = ("TCP", 80, 80)


def _alone(world: World) -> World:
    """Every pod its own workload: of pods whose owner was not read only the labels of the first one are known."""
    pods = [{**found, "metadata": {**found["metadata"], "ownerReferences": []}} for found in world.pods]
    return replace(world, pods=pods)


def _unit(number: Any, found: Any) -> Unit:
    if isinstance(number, str):
        return Unit(number, address=number)
    return Unit(f"pod {number}", found.cluster.pods[number].cls, number)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds().map(_alone), at=st.sampled_from(PORTS), first=st.integers(0, 6))
def test_an_edit_that_is_applied_turns_the_verdict_round(world: World, at: tuple[str, int], first: int) -> None:
    """NET-01..56: what was reachable is not, what was blocked is; where no manifest does it, the edit holds none."""
    objects = [*world.namespaces, *world.nodes, *world.pods, *world.policies]
    plugin, interval = plugin_of(world.plugin), (at[0], at[1], at[1])
    found = of(cluster(*objects), plugin)
    for one, other, packet in list(packets(world.pods, at))[first::7]:
        source, target, family = _unit(one, found), _unit(other, found), packet.family
        before = verdict(found.reach, source, target, interval, family)
        if "no_address" in before.basis:
            continue
        for edit in change(found, source, target, before, [interval], [family]):
            assert edit.text
            if edit.changes:
                after = of(cluster(*applied(objects, edit.changes)), plugin)
                state = verdict(after.reach, source, target, interval, family).state
                if before.state is State.YES:
                    assert state is not State.YES, (one, other, family, edit)
                else:
                    doubtful = State.UNKNOWN in (before.egress.state, before.ingress.state)
                    assert state is (State.UNKNOWN if doubtful else State.YES), (one, other, family, edit)
                    assert ("not known" in edit.text) is doubtful


def _edit(objects: list[Object], source: str, target: str, **asked: Any) -> Any:
    found = ask(context(*objects, **asked), source, target, TCP80)
    (segment,) = found.connections[0].segments
    return segment.edits[0]


WEB, API, DB = pod("web"), pod("api"), pod("db")


def test_what_nothing_isolates_is_closed_by_a_new_policy_that_leaves_the_rest_open() -> None:
    edit = _edit([WEB, API, DB], "shop/web", "shop/db")
    (created,) = edit.changes
    assert created.value["spec"]["podSelector"] == {"matchLabels": {"app": "db"}}
    after = context(*applied([WEB, API, DB], edit.changes))
    assert [ask(after, source, "shop/db", TCP80).state for source in ("shop/web", "shop/api")] == [B, R]


def test_an_address_is_taken_out_of_the_block_that_lets_it_pass() -> None:
    """NET-36, NET-146: the smallest change is an ``except``."""
    rule = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}
    objects = [WEB, policy("out", policyTypes=["Egress"], egress=[rule])]
    edit = _edit(objects, "shop/web", "169.254.169.254")
    (made,) = edit.changes
    assert (made.op, made.path[-1], made.value) == ("set", "except", ["10.0.0.0/8", "169.254.169.254/32"])
    assert ask(context(*applied(objects, edit.changes)), "shop/web", "169.254.169.254", TCP80).state is B


def test_the_last_peer_takes_its_rule_along_and_policy_types_stay() -> None:
    """NET-13, NET-03: an empty list of peers, or no egress rule at all, would open what was to be closed."""
    only_web = {"matchLabels": {"app": "web"}}
    objects = [WEB, API, policy("out", podSelector=only_web, policyTypes=[], egress=[{"to": [{"podSelector": {}}]}])]
    edit = _edit(objects, "shop/web", "shop/api")
    assert [(made.op, made.path) for made in edit.changes] == [
        ("remove", ("spec", "egress", 0)),
        ("set", ("spec", "policyTypes")),
    ]
    assert ask(context(*applied(objects, edit.changes)), "shop/web", "shop/api", TCP80).state is B


def test_what_is_blocked_on_both_sides_is_opened_on_both() -> None:
    objects = [WEB, API, policy("out", policyTypes=["Egress", "Ingress"])]
    edit = _edit(objects, "shop/web", "shop/api")
    assert [made.object.name for made in edit.changes] == ["web-egress", "api-ingress"]
    assert ask(context(*applied(objects, edit.changes)), "shop/web", "shop/api", TCP80).state is R


def test_a_rule_goes_into_the_policy_that_selects_these_pods_alone() -> None:
    """The object and the field are named; nothing else is opened."""
    objects = [WEB, API, DB, policy("api", podSelector={"matchLabels": {"app": "api"}})]
    edit = _edit(objects, "shop/web", "shop/api")
    (made,) = edit.changes
    assert (made.op, made.object.name, made.path) == ("append", "api", ("spec", "ingress"))
    assert made.value["ports"] == [{"protocol": "TCP", "port": 80}]
    after = context(*applied(objects, edit.changes))
    assert [ask(after, source, "shop/api", TCP80).state for source in ("shop/web", "shop/db")] == [R, B]


def test_where_nothing_enforces_or_policies_do_not_apply_no_change_is_proposed() -> None:
    """NET-71, NET-48, NET-44, NET-53."""
    flannel = profile("none")
    open_ = _edit([WEB, API, policy()], "shop/web", "shop/api", plugin=flannel)
    assert not open_.changes
    assert "NetworkPolicy shop/deny" in open_.text
    host = pod("agent", hostNetwork=True, ip="10.0.0.1")
    other = pod("other", hostNetwork=True, ip="10.0.0.1")
    edit = _edit([host, other], "shop/agent", "shop/other")
    assert (edit.changes, "hostNetwork" in edit.text) == ((), True)
    node = _edit([host, WEB, policy()], "shop/agent", "shop/web")
    assert (node.changes, "own node" in node.text) == ((), True)
    itself = _edit([WEB, policy()], "pod/web", "pod/web")
    assert (itself.changes, "with itself" in itself.text) == ((), True)


def test_a_rule_of_another_kind_is_named_and_not_edited() -> None:
    """NET-80..99: no NetworkPolicy overrules an admin tier that denies, nor takes away what one allows."""
    subject = {"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "api"}}}}
    for action, word in (("Deny", "Change what denies it"), ("Allow", "Narrow what lets it pass")):
        rule = {"name": "r", "action": action, "from": [{"namespaces": {}}]}
        spec = {"priority": 1, "subject": subject, "ingress": [rule]}
        admin = named("AdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1", "admin", "", spec=spec)
        edit = _edit([namespace(), WEB, API, admin], "shop/web", "shop/api")
        assert not edit.changes
        assert edit.text.startswith(word)
        assert "spec.ingress[0].from[0] of AdminNetworkPolicy admin" in edit.text


def test_what_the_plugin_itself_blocks_is_opened_by_a_policy_only_if_it_isolates_all_pods() -> None:
    """NET-76: with Cilium's ``enable-policy: always`` a rule opens; what a plugin drops after policies none does."""
    from msgspec import structs

    always = structs.replace(profile("cilium"), isolates_all=True)
    objects = [namespace(), WEB, API]
    edit = _edit(objects, "shop/web", "shop/api", plugin=always)
    assert [made.op for made in edit.changes] == ["create", "create"]
    after = context(*applied(objects, edit.changes), plugin=always)
    assert ask(after, "shop/web", "shop/api", TCP80).state is R
    drops = structs.replace(profile("calico"), drops_to_own_node=Fact.YES)
    agent = pod("agent", hostNetwork=True, ip="10.0.0.1")
    held = _edit([namespace(), node(), agent, WEB], "pod/web", "pod/agent", plugin=drops)
    assert (held.changes, "No policy opens this" in held.text) == ((), True)
