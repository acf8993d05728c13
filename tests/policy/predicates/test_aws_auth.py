"""exp-aws-auth-mapping: both lists of the ConfigMap, administrators by group and by binding, and text that is none."""

from typing import Any

import pytest
from factory import Object, bind, check, failing, named, role, rule, scanned, snapshot

from kubeaudit.snapshot import Outcome

CHECK = "exp-aws-auth-mapping"
BINDINGS = "clusterrolebindings.rbac.authorization.k8s.io"
ADMIN = role("all", rule("*", "*", "*"))
ROLE = "- {rolearn: 'arn:aws:iam::1:role/a', username: admin, groups: [%s]}"


def auth(**data: str) -> Object:
    return named("ConfigMap", "v1", "aws-auth", "kube-system", data=data)


def verdict(*objects: Object) -> str:
    return check(scanned(objects, CHECK), CHECK).verdict


def test_system_masters_is_an_administrator() -> None:
    (found,) = failing(scanned([auth(mapRoles=ROLE % "'system:masters'")], CHECK), CHECK)
    assert found.message == (
        "ConfigMap kube-system/aws-auth makes cluster-admin of arn:aws:iam::1:role/a (as Group system:masters)."
    )
    assert [item.path for item in found.evidence] == [("data", "mapRoles")]
    assert verdict(auth(mapRoles=ROLE % "developers")) == "pass"


def test_so_is_what_a_binding_makes_one() -> None:
    assert verdict(auth(mapRoles=ROLE % "ops"), ADMIN, bind("b", "all", "group:ops")) == "fail"
    assert verdict(auth(mapRoles=ROLE % "ops"), ADMIN, bind("b", "all", "group:ops", space="shop")) == "pass"
    assert verdict(auth(mapRoles=ROLE % "ops"), ADMIN, bind("b", "all", "user:admin")) == "fail"
    users = "- {userarn: 'arn:aws:iam::1:user/u', username: jane}"
    assert verdict(auth(mapUsers=users), ADMIN, bind("b", "all", "user:jane")) == "fail"
    assert verdict(auth(mapUsers=users), ADMIN, bind("b", "all", "group:jane")) == "pass"


def test_each_list_is_a_finding_of_its_own() -> None:
    both = auth(mapRoles=ROLE % "'system:masters'", mapUsers=(ROLE % "'system:masters'").replace("rolearn", "userarn"))
    assert [one.value for one in failing(scanned([both], CHECK), CHECK)] == ["mapRoles", "mapUsers"]


@pytest.mark.parametrize("text", ["- {", "a: b", "- text", "- {groups: text}", "just text"])
def test_what_cannot_be_parsed_is_a_finding(text: str) -> None:
    (found,) = failing(scanned([auth(mapRoles=text)], CHECK), CHECK)
    assert "mapRoles cannot be parsed" in found.message


def test_without_entries_and_without_the_object() -> None:
    assert verdict(auth(mapRoles="  ", mapUsers="[]")) == "pass"
    assert verdict(auth()) == "pass"
    assert verdict() == "not-applicable"


def test_where_bindings_were_not_read_a_group_may_be_anything() -> None:
    def unread(text: str) -> Any:
        return scanned(snapshot([auth(mapRoles=text)], {BINDINGS: Outcome.REFUSED}), CHECK)

    assert check(unread(ROLE % "ops"), CHECK).verdict == "not-evaluated"
    assert check(unread(ROLE % "'system:masters'"), CHECK).verdict == "fail"
