"""What tokens in pods lead to: sa-workload-admin and sa-daemonset-rights (rbac.md section 6.3)."""

import pytest
from factory import Object, account, bind, check, deployment, failing, namespace, role, rule, scanned, snapshot

from kubeaudit.findings import Exposure
from kubeaudit.snapshot import Outcome

ADMIN, DAEMON = "sa-workload-admin", "sa-daemonset-rights"
ALL = role("all", rule("*", "*", "*"))
BASE = [namespace(), ALL]


def daemonset(**fields: object) -> Object:
    return deployment(**fields) | {"kind": "DaemonSet"}


def verdict(name: str, *objects: Object) -> str:
    return check(scanned([*BASE, *objects], name), name).verdict


def test_a_token_that_is_mounted_leads_where_its_account_does() -> None:
    (found,) = failing(scanned([*BASE, account(), deployment(), bind("b", "all", "sa:shop/default")], ADMIN), ADMIN)
    assert str(found.subject.object) == "Deployment shop/web"
    assert found.message.startswith("The token of Deployment shop/web leads to cluster-admin in 3 hops: ")
    assert found.paths
    assert found.exposure is Exposure.NONE


@pytest.mark.parametrize(
    "objects",
    [
        [account(), deployment(automountServiceAccountToken=False), bind("b", "all", "sa:shop/default")],
        [account(automountServiceAccountToken=False), deployment(), bind("b", "all", "sa:shop/default")],
        [account(), deployment(), bind("b", "all", "sa:other/default")],
        [account(), deployment()],
    ],
)
def test_without_a_token_or_without_rights_it_leads_nowhere(objects: list[Object]) -> None:
    assert verdict(ADMIN, *objects) == "pass"


def test_rbac_76_the_field_of_the_pod_wins_over_the_account() -> None:
    objects = [account(automountServiceAccountToken=False), bind("b", "all", "sa:shop/default")]
    assert verdict(ADMIN, *objects, deployment(automountServiceAccountToken=True)) == "fail"


def test_a_chain_of_rights_counts_like_a_binding() -> None:
    mint = role("mint", rule("create", "serviceaccounts/token"))
    boss = [namespace("tools"), account("boss", "tools"), bind("boss", "all", "sa:tools/boss")]
    objects = [account(), deployment(), mint, *boss]
    assert verdict(ADMIN, *objects, bind("b", "mint", "sa:shop/default", space="tools")) == "fail"
    assert verdict(ADMIN, *objects, bind("b", "mint", "sa:shop/default", space="shop")) == "pass"


def test_where_bindings_were_not_read_a_token_may_lead_anywhere() -> None:
    unread = {"clusterrolebindings.rbac.authorization.k8s.io": Outcome.REFUSED}
    read = snapshot([*BASE, account(), deployment()], unread)
    assert check(scanned(read, ADMIN), ADMIN).verdict == "not-evaluated"


@pytest.mark.parametrize(
    ("made", "space", "wanted"),
    [
        (rule("create", "pods/exec"), "", "fail"),
        (rule("get list", "secrets"), "", "fail"),
        (rule("patch", "networkpolicies", "networking.k8s.io"), "", "fail"),
        (rule("get list watch", "pods nodes services"), "", "pass"),
        (rule("patch", "nodes/status"), "", "pass"),
        (rule("get", "secrets"), "shop", "pass"),
    ],
)
def test_a_daemonset_carries_dangerous_cluster_rights_to_every_node(made: Object, space: str, wanted: str) -> None:
    objects = [account(), daemonset(), role("r", made), bind("b", "r", "sa:shop/default", space=space)]
    assert verdict(DAEMON, *objects) == wanted


def test_a_group_of_its_account_counts_and_no_token_carries_nothing() -> None:
    rights = [account(), role("r", rule("get", "secrets")), bind("b", "r", "group:system:serviceaccounts:shop")]
    (found,) = failing(scanned([*BASE, daemonset(), *rights], DAEMON), DAEMON)
    assert "ClusterRoleBinding b gives it read access to Secrets in the whole cluster" in found.message
    assert verdict(DAEMON, daemonset(automountServiceAccountToken=False), *rights) == "pass"


def test_other_workloads_are_not_judged_as_daemonsets() -> None:
    assert verdict(DAEMON, account(), deployment(), bind("b", "all", "sa:shop/default")) == "not-applicable"
    assert verdict(DAEMON, account(), daemonset(), bind("b", "all", "sa:shop/default")) == "fail"
