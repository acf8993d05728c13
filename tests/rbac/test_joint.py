"""Rights that two permissions give together: RBAC-48, RBAC-57, RBAC-59, RBAC-72, RBAC-E38, EXP-34."""

import pytest

from kubeaudit.findings import Verdict

from .objects import binding, role, rule
from .test_baseline import shipped
from .test_dangers import AUTHENTICATION, CERTIFICATES, CLIENT, Rule, found, reviews


def approval(*signers: str, verbs: str = "update") -> tuple[Rule, Rule]:
    return (
        rule(verbs, "certificatesigningrequests/approval", CERTIFICATES),
        rule("approve", "signers", CERTIFICATES, " ".join(signers) if signers else None),
    )


class TestPairs:
    @pytest.mark.parametrize("signer", [CLIENT, "kubernetes.io/*", f"{CLIENT}-kubelet"])
    @pytest.mark.parametrize("verbs", ["update", "patch", "*"])
    def test_reg_csr_patch_signer_approval_needs_the_signer(self, signer: str, verbs: str) -> None:
        """RBAC-59."""
        assert found("csr-approval", *approval(signer, verbs=verbs)).verdict is Verdict.FAIL

    def test_rbac_59_parts_other_signers_and_a_literal_star_are_silent(self) -> None:
        writes, signer = approval()
        for rules in ((writes,), (signer,), approval("shop.example/mesh"), approval("*"), approval(verbs="create")):
            assert found("csr-approval", *rules).verdict is Verdict.PASS
        assert found("csr-approval", writes, signer, scope="kube-system").verdict is Verdict.PASS, "RBAC-106"
        assert found("csr-approval", writes, signer).verdict is Verdict.FAIL

    def test_rbac_59_sign_needs_the_status(self) -> None:
        sign = rule("sign", "signers", CERTIFICATES, CLIENT)
        status = rule("patch", "certificatesigningrequests/status", CERTIFICATES)
        assert found("csr-approval", sign, status).verdict is Verdict.FAIL
        assert found("csr-approval", sign).verdict is Verdict.PASS
        assert found("csr-approval", sign, approval()[0]).verdict is Verdict.PASS

    def test_rbac_57_minting_needs_create_and_a_read_in_one_namespace(self) -> None:
        create, read = role("c", rule("create", "secrets")), role("r", rule("list", "secrets"))
        writes = binding("c", "ClusterRole/c", "User:u", namespace="shop")
        for scope, expected in (("shop", Verdict.FAIL), ("other", Verdict.PASS), ("", Verdict.FAIL)):
            reads = binding("r", "ClusterRole/r", "User:u", namespace=scope)
            verdicts = {one.object.name: one.verdict for one in reviews("secret-mint", create, read, writes, reads)}
            assert verdicts == {"c": expected, "r": Verdict.PASS}, scope
        assert found("secret-mint", rule("create", "secrets", names="one"), rule("get", "secrets")).rules == ()

    def test_a_named_read_is_enough_if_the_name_is_free(self) -> None:
        one = found("secret-mint", rule("create", "secrets"), rule("get", "secrets", names="mine"))
        assert (one.verdict, one.inferred, "does not exist yet" in one.message) == (Verdict.FAIL, True, True)

    def test_reg_two_rules_one_target_one_half_twice_is_not_the_pair(self) -> None:
        assert found("secret-mint", rule("create", "secrets"), rule("create", "secrets")).verdict is Verdict.PASS

    def test_reg_rule_order_does_not_matter(self) -> None:
        assert found("csr-approval", *reversed(approval(CLIENT))).verdict is Verdict.FAIL

    @pytest.mark.parametrize(
        ("group", "subject", "expected"),
        [
            ("system:serviceaccounts:shop", "ServiceAccount:shop/web", Verdict.FAIL),
            ("system:serviceaccounts", "ServiceAccount:shop/web", Verdict.FAIL),
            ("system:authenticated", "User:jane", Verdict.FAIL),
            ("system:serviceaccounts", "Group:system:serviceaccounts:shop", Verdict.FAIL),
            ("system:nodes", "User:system:node:n1", Verdict.FAIL),
            ("system:serviceaccounts:other", "ServiceAccount:shop/web", Verdict.PASS),
            ("system:authenticated", "User:system:anonymous", Verdict.PASS),
            ("dev", "User:jane", Verdict.PASS),
        ],
    )
    def test_reg_group_expansion_halves_meet_in_implicit_groups(
        self, group: str, subject: str, expected: Verdict
    ) -> None:
        """RBAC-27, RBAC-72."""
        objects = (
            role("c", rule("create", "secrets")),
            role("r", rule("watch", "secrets")),
            binding("c", "ClusterRole/c", f"Group:{group}", namespace="shop"),
            binding("r", "ClusterRole/r", subject, namespace="shop"),
        )
        (one,) = (each for each in reviews("secret-mint", *objects) if each.object.name == "c")
        assert one.verdict is expected
        if expected is Verdict.FAIL:
            assert {item.object.name for item in one.evidence} == {"c", "r"}, "both grants are shown"

    @pytest.mark.parametrize(
        ("name", "default", "account", "made"),
        [
            ("secret-mint", "generic-garbage-collector", "generic-garbage-collector", rule("create", "secrets")),
            ("node-steer", "attachdetach-controller", "attachdetach-controller", rule("delete", "pods")),
        ],
    )
    def test_of_a_pair_with_a_default_grant_the_other_binding_is_the_finding(
        self, name: str, default: str, account: str, made: Rule
    ) -> None:
        """RBAC-90: default grants take part, whichever half they give, and are never the finding."""
        own = binding("own", "ClusterRole/r", f"ServiceAccount:kube-system/{account}")
        results = reviews(name, *shipped(f"system:controller:{default}"), role("r", made), own)
        verdicts = {one.object.name: one.verdict for one in results}
        assert verdicts == {f"system:controller:{default}": Verdict.PASS, "own": Verdict.FAIL}
        alone = reviews(name, role("r", made), own)
        assert [one.verdict for one in alone] == [Verdict.PASS]

    @pytest.mark.parametrize(
        "leaving",
        [
            rule("delete", "pods"),
            rule("create", "pods/eviction"),
            rule("patch", "pods/status"),
            rule("delete", "nodes"),
        ],
    )
    @pytest.mark.parametrize("nodes", [rule("patch", "nodes"), rule("update", "nodes/status", names="n1")])
    def test_rbac_e38_pods_leave_and_the_nodes_can_be_closed(self, leaving: Rule, nodes: Rule) -> None:
        assert found("node-steer", leaving, nodes).verdict is Verdict.FAIL
        assert found("node-steer", nodes).verdict is Verdict.PASS
        assert found("node-steer", leaving).verdict is Verdict.PASS

    @pytest.mark.parametrize(
        ("version", "expected", "inferred"),
        [
            ("v1.34.0", Verdict.PASS, False),
            ("v1.35.1", Verdict.FAIL, True),
            ("v1.36.3", Verdict.FAIL, False),
            ("", Verdict.FAIL, True),
        ],
    )
    def test_rbac_48_constrained_impersonation_needs_both_verbs_and_a_server_that_knows_them(
        self, version: str, expected: Verdict, inferred: bool
    ) -> None:
        who, what = (
            rule("impersonate:user-info", "users", AUTHENTICATION),
            rule("impersonate-on:user-info:list", "pods"),
        )
        one = found("impersonate", who, what, version=version)
        assert (one.verdict, one.inferred) == (expected, inferred)
        assert found("impersonate", who, version=version).verdict is Verdict.PASS
        other = rule("impersonate-on:serviceaccount:list", "pods")
        assert found("impersonate", who, other, version=version).verdict is Verdict.PASS

    def test_rbac_48_the_associated_node_is_named_star(self) -> None:
        on = rule("impersonate-on:associated-node:get", "pods")
        named = rule("impersonate:associated-node", "nodes", AUTHENTICATION, "*")
        assert found("impersonate", named, on).verdict is Verdict.FAIL
        other = rule("impersonate:associated-node", "nodes", AUTHENTICATION, "n1")
        assert found("impersonate", other, on).verdict is Verdict.PASS
