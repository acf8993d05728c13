"""The RBAC policies on each binding: REG-03, REG-04, REG-05, REG-25, RBAC-P1, RBAC-29, RBAC-90..94."""

from collections.abc import Callable, Iterator

import pytest

from kubeaudit.findings import ObjectClass, Reason, Verdict
from kubeaudit.rbac import review
from kubeaudit.rbac.access import Access, build
from kubeaudit.rbac.reviewing import Review
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import Outcome

from .objects import CLUSTER_ROLES, Manifest, binding, cluster, role, rule
from .test_baseline import shipped

EVERYTHING = rule("*", "*", "*")
SEVEN = "get list watch create update patch delete"
URLS = rule("*", urls="*")
Check = Callable[[Access], Iterator[Review]]
ALL: tuple[Check, ...] = (
    review.cluster_admin,
    review.wildcard,
    review.secrets_read,
    review.anonymous,
    review.all_authenticated,
    review.system_masters,
)


def reviews(check: Check, *objects: Manifest, version: str = "v1.36.3", unread: str = "") -> list[Review]:
    outcomes = {unread: Outcome.REFUSED} if unread else {}
    return list(check(build(cluster(objects, version, outcomes))))


def only(check: Check, *objects: Manifest, version: str = "v1.36.3", unread: str = "") -> Review:
    (found,) = reviews(check, *objects, version=version, unread=unread)
    return found


def bound(made: dict[str, list[str]], subject: str = "User:jane", namespace: str = "") -> tuple[Manifest, Manifest]:
    return role("r", made), binding("b", "ClusterRole/r", subject, namespace=namespace)


def verdict(check: Check, *objects: Manifest) -> Verdict:
    return only(check, *objects).verdict


@pytest.mark.parametrize("check", ALL)
def test_reg_04_a_role_nobody_holds_is_no_finding(check: Check) -> None:
    assert reviews(check, role("r", EVERYTHING), role("r", EVERYTHING, namespace="shop")) == []


@pytest.mark.parametrize("check", ALL)
def test_a_binding_without_subjects_gives_nobody_anything(check: Check) -> None:
    assert verdict(check, role("r", EVERYTHING), binding("b", "ClusterRole/r")) is Verdict.PASS
    assert verdict(check, role("r", EVERYTHING), binding("b", "ClusterRole/r", "Robot:x")) is Verdict.PASS


@pytest.mark.parametrize("check", [review.cluster_admin, review.wildcard, review.secrets_read])
def test_reg_05_a_role_of_another_namespace_is_not_used(check: Check) -> None:
    found = only(check, role("r", EVERYTHING, namespace="other"), binding("b", "Role/r", "User:u", namespace="shop"))
    assert (found.verdict, "dormant" in found.message) == (Verdict.PASS, True)


class TestClusterAdmin:
    @pytest.mark.parametrize("namespace", ["", "shop"])
    @pytest.mark.parametrize("made", [EVERYTHING, rule(SEVEN, "*", "*")])
    def test_every_verb_on_every_kind_fails_in_either_scope(self, made: dict[str, list[str]], namespace: str) -> None:
        found = only(review.cluster_admin, *bound(made, namespace=namespace))
        assert (found.verdict, found.rules, found.inferred) == (Verdict.FAIL, (0,), False)
        assert [str(each.object) for each in found.evidence][-1] == "ClusterRole r"
        assert "User jane" in found.message

    def test_a_namespaced_role_counts_as_well(self) -> None:
        objects = role("r", EVERYTHING, namespace="shop"), binding("b", "Role/r", "User:jane", namespace="shop")
        assert verdict(review.cluster_admin, *objects) is Verdict.FAIL

    @pytest.mark.parametrize("made", [rule("*", "*"), rule("*", "pods", "*"), rule("get list", "*", "*")])
    def test_what_leaves_something_out_passes(self, made: dict[str, list[str]]) -> None:
        assert verdict(review.cluster_admin, *bound(made)) is Verdict.PASS

    def test_system_masters_gains_nothing_but_others_of_the_binding_do(self) -> None:
        assert verdict(review.cluster_admin, *bound(EVERYTHING, "Group:system:masters")) is Verdict.PASS
        both = binding("b", "ClusterRole/r", "Group:system:masters", "User:jane")
        found = only(review.cluster_admin, role("r", EVERYTHING), both)
        assert (found.verdict, [str(each) for each in found.subjects]) == (Verdict.FAIL, ["User jane"])

    @pytest.mark.parametrize(
        "subject", ["User:system:kube-scheduler", "Group:system:nodes", "Group:system:authenticated"]
    )
    def test_rbac_94_a_system_prefix_exempts_nobody(self, subject: str) -> None:
        assert verdict(review.cluster_admin, *bound(EVERYTHING, subject)) is Verdict.FAIL

    def test_rbac_p1_unread_cluster_admin_is_known_by_name_and_no_other_role(self) -> None:
        admin, mystery = reviews(
            review.cluster_admin,
            binding("b", "ClusterRole/cluster-admin", "User:jane"),
            binding("c", "ClusterRole/mystery", "User:jane"),
            unread=CLUSTER_ROLES,
        )
        assert (admin.verdict, admin.inferred) == (Verdict.FAIL, True)
        assert mystery.verdict is Verdict.NOT_EVALUATED
        assert [(each.reason, each.resource) for each in mystery.unseen] == [(Reason.FORBIDDEN, CLUSTER_ROLES)]

    def test_rbac_p1_a_role_of_that_name_is_judged_by_its_rules(self) -> None:
        to_admin = binding("b", "ClusterRole/cluster-admin", "User:jane", namespace="shop")
        assert verdict(review.cluster_admin, role("cluster-admin", rule("*", "*")), to_admin) is Verdict.PASS
        assert verdict(review.cluster_admin, role("cluster-admin"), to_admin) is Verdict.PASS
        own = binding("b", "Role/cluster-admin", "User:jane", namespace="shop")
        assert verdict(review.cluster_admin, role("cluster-admin", URLS, namespace="shop"), own) is Verdict.PASS

    def test_a_cut_down_default_role_is_restored_by_the_api_server(self) -> None:
        to_admin = binding("b", "ClusterRole/cluster-admin", "User:jane")
        found = only(review.cluster_admin, role("cluster-admin", rule("get", "*", "*"), URLS), to_admin)
        assert (found.verdict, found.inferred) == (Verdict.FAIL, True)
        assert "will add" in found.message
        whole = only(review.cluster_admin, role("cluster-admin", EVERYTHING, URLS), to_admin)
        assert (whole.verdict, whole.inferred, whole.rules) == (Verdict.FAIL, False, (0,))


class TestWildcard:
    @pytest.mark.parametrize("namespace", ["", "kube-system"])
    @pytest.mark.parametrize("made", [rule("*", "pods"), rule("get", "*"), rule("get", "pods", "*")])
    def test_any_wildcard_counts_in_the_cluster_and_in_kube_system(
        self, made: dict[str, list[str]], namespace: str
    ) -> None:
        found = only(review.wildcard, *bound(made, namespace=namespace))
        assert (found.verdict, found.rules) == (Verdict.FAIL, (0,))
        assert found.cause is not None
        assert found.cause.object.name == "r", "the role has to change"

    def test_in_an_ordinary_namespace_only_a_rule_that_leaves_nothing_out_counts(self) -> None:
        for made in (rule("*", "*"), rule("*", "pods", "*"), rule("get", "*", "*")):
            assert verdict(review.wildcard, *bound(made, namespace="shop")) is Verdict.PASS
        for made in (EVERYTHING, rule(SEVEN, "*", "*")):
            assert verdict(review.wildcard, *bound(made, namespace="shop")) is Verdict.FAIL

    def test_no_wildcard_passes(self) -> None:
        assert verdict(review.wildcard, *bound(rule(SEVEN, "pods/* */scale"))) is Verdict.PASS


class TestSecretsRead:
    @pytest.mark.parametrize("verb", ["get", "list", "watch", "*"])
    def test_each_reading_verb_fails(self, verb: str) -> None:
        found = only(review.secrets_read, *bound(rule(verb, "secrets"), namespace="shop"))
        assert (found.verdict, found.rules) == (Verdict.FAIL, (0,))

    def test_reg_03_the_plural_is_the_resource(self) -> None:
        assert verdict(review.secrets_read, *bound(rule("get", "secret"))) is Verdict.PASS

    def test_names_narrow_get_only(self) -> None:
        assert verdict(review.secrets_read, *bound(rule("get", "secrets", names="a"))) is Verdict.PASS
        assert verdict(review.secrets_read, *bound(rule("get list", "secrets", names="a"))) is Verdict.FAIL
        assert verdict(review.secrets_read, *bound(rule("list", "secrets", names=""))) is Verdict.FAIL

    def test_rbac_97_edit_reads_secrets_though_no_file_shows_it(self) -> None:
        found = only(review.secrets_read, binding("b", "ClusterRole/edit", "User:u", namespace="shop"), version="")
        assert (found.verdict, found.inferred) == (Verdict.FAIL, True)
        view = only(review.secrets_read, binding("b", "ClusterRole/view", "User:u", namespace="shop"), version="")
        assert view.verdict is Verdict.PASS

    def test_a_role_that_was_not_read_is_not_evaluated(self) -> None:
        found = only(review.secrets_read, binding("b", "ClusterRole/cluster-admin", "User:u"), unread=CLUSTER_ROLES)
        assert found.verdict is Verdict.NOT_EVALUATED


class TestAnonymous:
    @pytest.mark.parametrize("subject", ["User:system:anonymous", "Group:system:unauthenticated"])
    def test_anything_beyond_discovery_fails(self, subject: str) -> None:
        assert verdict(review.anonymous, *bound(rule("get", "pods"), subject)) is Verdict.FAIL
        assert verdict(review.anonymous, *bound(rule("get", urls="/version"), subject)) is Verdict.PASS

    @pytest.mark.parametrize("subject", ["User:jane", "Group:system:authenticated", "Group:system:anonymous"])
    def test_others_are_not_concerned(self, subject: str) -> None:
        assert verdict(review.anonymous, *bound(EVERYTHING, subject)) is Verdict.PASS

    def test_a_role_that_does_not_exist_bounds_nothing(self) -> None:
        to_missing = binding("b", "ClusterRole/later", "Group:system:unauthenticated")
        assert verdict(review.anonymous, to_missing) is Verdict.FAIL
        assert only(review.anonymous, to_missing, unread=CLUSTER_ROLES).verdict is Verdict.NOT_EVALUATED


class TestAllAuthenticated:
    @pytest.mark.parametrize("group", ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:shop"])
    def test_elevated_rights_of_every_caller_fail(self, group: str) -> None:
        assert verdict(review.all_authenticated, *bound(rule("get", "pods"), f"Group:{group}")) is Verdict.FAIL
        assert verdict(review.all_authenticated, *bound(rule("get", "configmaps"), f"Group:{group}")) is Verdict.PASS

    @pytest.mark.parametrize("subject", ["Group:dev", "User:system:authenticated", "Group:system:serviceaccountsx"])
    def test_others_are_not_concerned(self, subject: str) -> None:
        assert verdict(review.all_authenticated, *bound(EVERYTHING, subject)) is Verdict.PASS


class TestSystemMasters:
    def test_rbac_29_the_group_in_a_binding_fails(self) -> None:
        found = only(review.system_masters, *bound(rule("get", "pods"), "Group:system:masters"))
        assert (found.verdict, [each.path for each in found.evidence]) == (Verdict.FAIL, [("subjects", 0)])
        assert verdict(review.system_masters, *bound(EVERYTHING, "User:system:masters")) is Verdict.PASS

    def test_it_is_certain_even_where_the_role_was_not_read(self) -> None:
        found = only(review.system_masters, binding("b", "ClusterRole/r", "Group:system:masters"), unread=CLUSTER_ROLES)
        assert (found.verdict, found.inferred) == (Verdict.FAIL, False)

    def test_rbac_29_a_certificate_request_for_the_group_fails(self) -> None:
        def request(name: str, *groups: str) -> Manifest:
            spec = {"groups": list(groups), "signerName": "x"}
            api = "certificates.k8s.io/v1"
            return {"apiVersion": api, "kind": "CertificateSigningRequest", "metadata": {"name": name}, "spec": spec}

        found = reviews(review.system_masters, request("bad", "dev", "system:masters"), request("good", "dev"))
        assert [(each.object.name, each.verdict) for each in found] == [("bad", Verdict.FAIL), ("good", Verdict.PASS)]
        assert found[0].object == ObjectRef("CertificateSigningRequest", "", "bad", "certificates.k8s.io")
        assert [(each.path, each.value) for each in found[0].evidence] == [(("spec", "groups", 1), '"system:masters"')]


def test_rbac_91_the_default_cluster_admin_binding_is_builtin_and_passes_every_check() -> None:
    for check in ALL:
        found = only(check, *shipped("cluster-admin"))
        assert (found.verdict, found.object_class) == (Verdict.PASS, ObjectClass.BUILTIN)


def test_chk_24_the_same_binding_with_a_subject_more_is_a_users_and_fails() -> None:
    held, made = shipped("cluster-admin")
    made["subjects"] = [*made["subjects"], {"kind": "User", "name": "jane"}]
    found = only(review.cluster_admin, held, made)
    assert (found.verdict, found.object_class) == (Verdict.FAIL, ObjectClass.USER)
    assert only(review.system_masters, held, made).verdict is Verdict.FAIL


def test_rbac_91_controllers_that_came_with_the_cluster_may_read_secrets() -> None:
    found = only(review.secrets_read, *shipped("system:controller:generic-garbage-collector"))
    assert (found.verdict, found.object_class) == (Verdict.PASS, ObjectClass.BUILTIN)


@pytest.mark.parametrize("check", ALL)
@pytest.mark.parametrize("to", ["cluster-admin", "later"])
def test_a_dormant_binding_concerns_only_the_checks_of_its_subjects(check: Check, to: str) -> None:
    assert verdict(check, binding("b", f"ClusterRole/{to}")) is Verdict.PASS
    expected = Verdict.FAIL if (check, to) == (review.cluster_admin, "cluster-admin") else Verdict.PASS
    assert verdict(check, binding("b", f"ClusterRole/{to}", "User:jane")) is expected


@pytest.mark.parametrize(
    ("check", "objects", "message"),
    [
        (
            review.cluster_admin,
            bound(EVERYTHING),
            "ClusterRoleBinding b gives User jane every verb on every kind in the whole cluster: "
            "ClusterRole r, rules[0]",
        ),
        (
            review.wildcard,
            (
                role("r", EVERYTHING, rule("get", "pods"), EVERYTHING),
                binding("b", "ClusterRole/r", "User:x", namespace="n"),
            ),
            "RoleBinding n/b gives User x wildcards in namespace n: ClusterRole r, rules[0], rules[2]",
        ),
        (
            review.secrets_read,
            (role("r", rule("get", "secrets")), binding("b", "ClusterRole/r", "User:x", "ServiceAccount:n/y")),
            "ClusterRoleBinding b gives User x, ServiceAccount n/y read access to Secrets in the whole cluster: "
            "ClusterRole r, rules[0]",
        ),
        (
            review.all_authenticated,
            bound(rule("get", "secrets"), "Group:system:authenticated"),
            "ClusterRoleBinding b gives Group system:authenticated elevated rights in the whole cluster: "
            "ClusterRole r, rules[0]",
        ),
        (
            review.cluster_admin,
            (binding("b", "ClusterRole/cluster-admin", "User:x"),),
            "ClusterRoleBinding b gives User x ClusterRole cluster-admin in the whole cluster; the role was not found",
        ),
    ],
)
def test_a_failure_says_who_gets_what_where_and_by_which_rules(
    check: Check, objects: tuple[Manifest, ...], message: str
) -> None:
    assert only(check, *objects).message == message


def test_many_subjects_are_counted_after_five() -> None:
    names = [f"User:u{number}" for number in range(7)]
    found = only(review.cluster_admin, role("r", EVERYTHING), binding("b", "ClusterRole/r", *names))
    assert "u4 and 2 more every verb" in found.message
    assert len(found.subjects) == 7
    assert len(found.evidence) == 1 + 5 + 1
