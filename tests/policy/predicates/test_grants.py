"""What a predicate makes of the reviews of bindings: verdicts, classes, roles that nobody holds (REG-04, CHK-05)."""

import pytest
from factory import account, bind, check, failing, node, role, rule, scanned, snapshot

from kubeaudit.findings import Certainty, ObjectClass
from kubeaudit.snapshot import Outcome

AWS = "rbac-aws-auth-write"
WRITES = role("r", rule("patch", "configmaps"))


@pytest.mark.parametrize(("provider", "wanted"), [("aws:///eu-west-1a/i-1", "fail"), ("gce://p/z/n", "not-applicable")])
def test_chk_05_a_question_about_eks_does_not_apply_elsewhere(provider: str, wanted: str) -> None:
    objects = [WRITES, role("unbound", rule("get", "pods")), bind("b", "r", "user:jane"), node("n1", provider)]
    assert check(scanned(objects, AWS), AWS).verdict == wanted


def test_reg_04_a_role_nobody_holds_passes() -> None:
    result = scanned([role("r", rule("*", "*", "*"))], "rbac-pods-exec")
    assert (check(result, "rbac-pods-exec").verdict, check(result, "rbac-pods-exec").counts.passed) == ("pass", 1)


def test_a_finding_shows_binding_subject_and_rule() -> None:
    """RBAC-P4, CHK-29."""
    objects = [role("r", rule("create", "pods/exec")), bind("eks:x", "r", "user:jane", space="shop")]
    (found,) = failing(scanned(objects, "rbac-pods-exec"), "rbac-pods-exec")
    assert (found.subject.object_class, found.certainty) == (ObjectClass.VENDOR, Certainty.OBSERVED)
    assert [(str(item.object), item.path) for item in found.evidence] == [
        ("RoleBinding shop/eks:x", ("roleRef",)),
        ("RoleBinding shop/eks:x", ("subjects", 0)),
        ("ClusterRole r", ("rules", 0)),
    ]
    assert found.cause.object.name == "r"


def test_an_inventory_is_of_service_accounts() -> None:
    objects = [role("r", rule("get", "pods")), account("web"), account("idle"), bind("b", "r", "sa:shop/web")]
    result = scanned(objects, "rbac-inventory")
    assert check(result, "rbac-inventory").counts.failed == check(result, "rbac-inventory").counts.passed == 1
    (found,) = failing(result, "rbac-inventory")
    assert (found.subject.api_version, str(found.subject.object)) == ("v1", "ServiceAccount shop/web")


@pytest.mark.parametrize("name", ["rbac-pods-exec", "rbac-secret-mint", "rbac-dangling-subject", "rbac-inventory"])
def test_chk_02_nothing_passes_where_bindings_were_not_read(name: str) -> None:
    unread = {"rolebindings.rbac.authorization.k8s.io": Outcome.REFUSED}
    read = snapshot([role("r", rule("get", "pods")), account("web"), bind("b", "r", "user:jane")], unread)
    assert check(scanned(read, name), name).verdict == "not-evaluated"
