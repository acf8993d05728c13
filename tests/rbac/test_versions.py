"""RBAC-49, -54, -60..62: what besides RBAC decides."""

import pytest

from kubeaudit.rbac.identities import service_account, user
from kubeaudit.rbac.rules import Request
from kubeaudit.rbac.versions import depends, outside
from tests import factory

from .objects import cluster

EXEC = Request("get", "", "pods", "exec", "shop", "p")
CONSTRAINED = Request("impersonate:user-info", "authentication.k8s.io", "users", name="jane")


@pytest.mark.parametrize(("version", "told"), [("v1.34.0", False), ("v1.35.0", True), ("", True)])
def test_rbac_54_get_on_exec_needs_create_from_1_35(version: str, told: bool) -> None:
    found = depends(cluster([], version), user("jane"), EXEC, allowed=True)
    assert bool(found) is told
    assert not depends(cluster([], version), user("jane"), EXEC, allowed=False)
    assert not depends(cluster([], version), user("jane"), Request("create", "", "pods", "exec"), allowed=True)
    assert not depends(cluster([], version), user("jane"), Request("get", "", "pods", "log"), allowed=True)
    assert not depends(cluster([], version), user("jane"), Request("get", "example.com", "pods", "exec"), allowed=True)


@pytest.mark.parametrize(
    ("version", "told"), [("v1.34.0", "no effect"), ("v1.35.1", "off by default"), ("v1.36.0", ""), ("", "not known")]
)
def test_rbac_49_constrained_impersonation_depends_on_the_version(version: str, told: str) -> None:
    text = " ".join(depends(cluster([], version), user("jane"), CONSTRAINED, allowed=True))
    assert told in text
    assert bool(told) is bool(text)


@pytest.mark.parametrize(("provider", "told"), [("aws", "EKS"), ("gce", "GKE"), ("azure", "Azure"), ("kind", "")])
def test_rbac_60_to_62_platforms_with_an_authorizer_of_their_own_may_allow_people_more(
    provider: str, told: str
) -> None:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n"},
        "spec": {"providerID": f"{provider}:///x/i-1"},
    }
    made = factory.cluster([node])
    assert told in " ".join(outside(made, user("jane")))
    assert bool(outside(made, user("jane"))) is bool(told)
    assert not outside(made, service_account("shop", "app"))
    assert depends(made, user("jane"), EXEC, allowed=False) == outside(made, user("jane"))
