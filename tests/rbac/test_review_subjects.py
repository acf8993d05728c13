"""The RBAC policies about whom bindings name: RBAC-26, RBAC-30, RBAC-31, CHK-22, EXP-611."""

from collections.abc import Callable, Iterator

import pytest

from kubeaudit.findings import ObjectClass, Reason, Verdict
from kubeaudit.rbac import review_subjects
from kubeaudit.rbac.access import Access, build
from kubeaudit.rbac.reviewing import Review
from kubeaudit.snapshot import Outcome

from .objects import CLUSTER_ROLES, Manifest, account, binding, cluster, role, rule
from .test_baseline import shipped

Check = Callable[[Access], Iterator[Review]]
READS = rule("get list", "secrets")
LABEL = {"labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}


def only(check: Check, *objects: Manifest, version: str = "v1.36.3", unread: str = "") -> Review:
    (found,) = check(build(cluster(objects, version, {unread: Outcome.REFUSED} if unread else {})))
    return found


def bound(made: dict[str, list[str]], subject: str, namespace: str = "") -> tuple[Manifest, Manifest]:
    return role("r", made), binding("b", "ClusterRole/r", subject, namespace=namespace)


def namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


class TestCrossNamespaceSecrets:
    @pytest.mark.parametrize(
        ("subject", "scope", "expected"),
        [
            ("ServiceAccount:shop/web", "shop", Verdict.PASS),
            ("ServiceAccount:web", "shop", Verdict.PASS),
            ("ServiceAccount:shop/web", "other", Verdict.FAIL),
            ("ServiceAccount:shop/web", "", Verdict.FAIL),
            ("User:system:serviceaccount:shop:web", "other", Verdict.FAIL),
            ("Group:system:serviceaccounts:shop", "shop", Verdict.PASS),
            ("Group:system:serviceaccounts:shop", "other", Verdict.FAIL),
            ("Group:system:serviceaccounts", "shop", Verdict.FAIL),
            ("Group:dev", "", Verdict.PASS),
            ("User:jane", "", Verdict.PASS),
        ],
    )
    def test_a_workload_identity_beyond_its_own_namespace(self, subject: str, scope: str, expected: Verdict) -> None:
        found = only(review_subjects.cross_namespace_secrets, *bound(READS, subject, scope))
        assert found.verdict is expected

    def test_a_named_secret_of_another_namespace_is_one_too(self) -> None:
        made = rule("get", "secrets", names="db")
        found = only(review_subjects.cross_namespace_secrets, *bound(made, "ServiceAccount:shop/web", "other"))
        assert (found.verdict, found.rules) == (Verdict.FAIL, (0,))

    def test_other_kinds_do_not_count(self) -> None:
        made = rule("get", "secrets", "shop.example")
        found = only(review_subjects.cross_namespace_secrets, *bound(made, "ServiceAccount:shop/web"))
        assert found.verdict is Verdict.PASS


class TestDefaultAccounts:
    @pytest.mark.parametrize(
        ("subject", "expected"),
        [
            ("ServiceAccount:shop/default", Verdict.FAIL),
            ("ServiceAccount:default", Verdict.FAIL),
            ("User:system:serviceaccount:shop:default", Verdict.FAIL),
            ("ServiceAccount:shop/web", Verdict.PASS),
            ("User:default", Verdict.PASS),
            ("Group:default", Verdict.PASS),
        ],
    )
    def test_a_role_for_the_default_account(self, subject: str, expected: Verdict) -> None:
        found = only(review_subjects.default_accounts, *bound(rule("get", "pods"), subject, "shop"))
        assert found.verdict is expected

    def test_it_counts_whether_or_not_the_role_is_there(self) -> None:
        to_missing = binding("b", "ClusterRole/later", "ServiceAccount:shop/default")
        assert only(review_subjects.default_accounts, to_missing).verdict is Verdict.FAIL
        assert only(review_subjects.default_accounts, to_missing, unread=CLUSTER_ROLES).verdict is Verdict.FAIL

    def test_an_account_without_namespace_matches_nobody_in_the_whole_cluster(self) -> None:
        """RBAC-24."""
        found = only(review_subjects.default_accounts, *bound(rule("get", "pods"), "ServiceAccount:default"))
        assert found.verdict is Verdict.PASS

    def test_chk_22_the_label_counts_only_where_no_version_is_known_and_no_table_knows_the_binding(self) -> None:
        made = binding("b", "Role/r", "ServiceAccount:shop/default", namespace="shop", **LABEL)
        assert only(review_subjects.default_accounts, made, version="").verdict is Verdict.PASS
        assert only(review_subjects.default_accounts, made, version="v1.36.3").verdict is Verdict.FAIL
        known = binding("system:discovery", "ClusterRole/system:discovery", "ServiceAccount:shop/default", **LABEL)
        assert only(review_subjects.default_accounts, known, version="").verdict is Verdict.FAIL


class TestDangling:
    def test_rbac_30_an_account_that_is_not_there(self) -> None:
        objects = bound(rule("get", "pods"), "ServiceAccount:shop/web", "shop")
        found = only(review_subjects.dangling, *objects)
        assert (found.verdict, found.message) == (
            Verdict.FAIL,
            "RoleBinding shop/b gives ClusterRole r in namespace shop to ServiceAccount shop/web, which does not exist",
        )
        assert [(str(item.object), item.absent) for item in found.evidence][-1] == ("ServiceAccount shop/web", True)
        assert only(review_subjects.dangling, *objects, account("shop", "web")).verdict is Verdict.PASS
        assert only(review_subjects.dangling, *objects, account("other", "web")).verdict is Verdict.FAIL

    def test_where_the_accounts_were_not_read_it_is_not_known(self) -> None:
        objects = bound(rule("get", "pods"), "ServiceAccount:shop/web", "shop")
        found = only(review_subjects.dangling, *objects, unread="serviceaccounts")
        assert found.verdict is Verdict.NOT_EVALUATED
        assert [(each.reason, each.resource) for each in found.unseen] == [(Reason.FORBIDDEN, "serviceaccounts")]

    @pytest.mark.parametrize("subject", ["User:jane", "Group:dev", "Group:system:serviceaccounts", "Robot:x"])
    def test_rbac_31_names_without_an_object_cannot_be_missing(self, subject: str) -> None:
        assert only(review_subjects.dangling, *bound(rule("get", "pods"), subject)).verdict is Verdict.PASS

    @pytest.mark.parametrize("subject", ["ServiceAccount:shop/default", "Group:system:serviceaccounts:shop"])
    def test_what_comes_with_a_namespace_is_missing_with_it(self, subject: str) -> None:
        objects = bound(rule("get", "pods"), subject)
        assert only(review_subjects.dangling, *objects).verdict is Verdict.FAIL
        assert only(review_subjects.dangling, *objects, namespace("shop")).verdict is Verdict.PASS
        assert only(review_subjects.dangling, *objects, unread="namespaces").verdict is Verdict.PASS
        assert only(review_subjects.dangling, *objects, version="").verdict is Verdict.PASS, "files rarely show them"

    def test_an_account_that_could_not_be_decoded_exists(self) -> None:
        """CHK-06."""
        broken = account("shop", "web") | {"automountServiceAccountToken": "maybe"}
        objects = bound(rule("get", "pods"), "ServiceAccount:shop/web", "shop")
        assert only(review_subjects.dangling, *objects, broken).verdict is Verdict.PASS

    def test_controllers_whose_accounts_come_later_are_the_clusters_own(self) -> None:
        found = only(review_subjects.dangling, *shipped("system:controller:cronjob-controller"))
        assert (found.verdict, found.object_class) == (Verdict.PASS, ObjectClass.BUILTIN)


class TestInventory:
    def test_every_account_with_what_it_holds(self) -> None:
        objects = (
            role("r", rule("get", "pods")),
            binding("own", "ClusterRole/r", "ServiceAccount:shop/web", namespace="shop"),
            binding("all", "ClusterRole/r", "Group:system:serviceaccounts:shop"),
            account("shop", "web"),
            account("shop", "idle"),
            account("other", "idle"),
        )
        found = {str(one.object): one for one in review_subjects.inventory(build(cluster(objects)))}
        web = found["ServiceAccount shop/web"]
        assert (web.verdict, web.message) == (
            Verdict.FAIL,
            "ServiceAccount shop/web holds ClusterRole r in namespace shop, ClusterRole r in the whole cluster",
        )
        assert [item.path for item in web.evidence] == [("roleRef",), ("subjects", 0)] * 2
        assert found["ServiceAccount shop/idle"].verdict is Verdict.FAIL, "as one of its namespace"
        assert found["ServiceAccount other/idle"].verdict is Verdict.PASS

    def test_an_account_that_only_a_binding_names_is_in_it(self) -> None:
        objects = bound(rule("get", "pods"), "User:system:serviceaccount:shop:web")
        found = only(review_subjects.inventory, *objects)
        assert (str(found.object), found.verdict) == ("ServiceAccount shop/web", Verdict.FAIL)

    def test_many_roles_are_counted_after_five(self) -> None:
        names = [f"b{number}" for number in range(7)]
        made = [binding(name, "ClusterRole/r", "ServiceAccount:shop/web", namespace=name) for name in names]
        found = only(review_subjects.inventory, role("r", rule("get", "pods")), *made)
        assert found.message.endswith("in namespace b4 and 2 more")
        assert len(found.evidence) == 10

    def test_what_came_with_the_cluster_is_left_out(self) -> None:
        objects = (*shipped("system:controller:cronjob-controller"), account("kube-system", "cronjob-controller"))
        found = only(review_subjects.inventory, *objects)
        assert (found.verdict, found.object_class) == (Verdict.PASS, ObjectClass.SYSTEM)
