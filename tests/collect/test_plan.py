"""From discovery to what is listed: nothing is "not served" unless discovery has seen that (CHK-05)."""

import json

from kubeaudit.collect import plan
from kubeaudit.collect.ask import Failure
from kubeaudit.collect.client import Response
from kubeaudit.collect.discovery import GROUPS, Served, discover, list_path, unseen
from kubeaudit.collect.plan import Want
from kubeaudit.kinds import KINDS, by_key
from kubeaudit.snapshot import Outcome, Read

SLICES, ROLES = "endpointslices.discovery.k8s.io", "roles.rbac.authorization.k8s.io"
REFUSED = Failure(Outcome.REFUSED, 403, "forbidden")


def answers(table: dict[str, object]) -> dict[str, object]:
    """Asks for everything that discovery wants; what is not in the table is refused."""

    def get(path: str, accept: str) -> Response | Failure:
        return Response(200, {}, json.dumps(table[path]).encode(), 0) if path in table else REFUSED

    served, failure = discover(get)
    return {"served": served, "failure": failure}


def aggregated(**groups: dict[str, list[str]]) -> dict[str, object]:
    items = [
        {
            "metadata": {"name": name.replace("_", ".")},
            "versions": [
                {"version": version, "freshness": "Current", "resources": [{"resource": plural} for plural in plurals]}
                for version, plurals in versions.items()
            ],
        }
        for name, versions in groups.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items}


def outcome(served: Served, key: str) -> Want | Read | None:
    wants, known = plan.plan(served)
    found = [want for want in wants if want.kind.key == key] + [read for read in known if read.resource == key]
    assert len(found) <= 1
    return found[0] if found else None


def test_versions_are_chosen_per_resource() -> None:
    """decisions.md: policy.networking.k8s.io serves its kinds in different versions."""
    group = {"policy_networking_k8s_io": {"v1alpha1": ["adminnetworkpolicies"], "v1alpha2": ["clusternetworkpolicies"]}}
    served = answers({"/api": aggregated(), "/apis": aggregated(**group)})["served"]
    assert isinstance(served, Served)
    assert outcome(served, "adminnetworkpolicies.policy.networking.k8s.io") == Want(
        by_key()["adminnetworkpolicies.policy.networking.k8s.io"], ("v1alpha1",)
    )
    assert outcome(served, "clusternetworkpolicies.policy.networking.k8s.io") == Want(
        by_key()["clusternetworkpolicies.policy.networking.k8s.io"], ("v1alpha2",)
    )
    baseline = outcome(served, "baselineadminnetworkpolicies.policy.networking.k8s.io")
    assert baseline == Read("baselineadminnetworkpolicies.policy.networking.k8s.io", "", Outcome.NOT_SERVED)


def test_the_best_version_comes_first_whatever_order_the_server_has() -> None:
    served = Served({"horizontalpodautoscalers.autoscaling": ("v1", "v2")}, {})
    want = outcome(served, "horizontalpodautoscalers.autoscaling")
    assert isinstance(want, Want)
    assert want.versions == ("v2", "v1")


def test_a_kind_served_only_in_versions_we_do_not_know_is_a_gap() -> None:
    read = outcome(Served({SLICES: ("v2",)}, {}), SLICES)
    assert isinstance(read, Read)
    assert (read.outcome, read.detail) == (Outcome.FAILED, "served as v2; understood: v1, v1beta1")


def test_a_stale_version_is_asked_for_without_patience() -> None:
    """An APIService whose server is down: the answer to the list decides, never its absence from discovery."""
    document = {"kind": "APIGroupDiscoveryList", "items": [
        {"metadata": {"name": "cert-manager.io"}, "versions": [{"version": "v1", "freshness": "Stale"}]}
    ]}  # fmt: skip
    served = answers({"/api": aggregated(), "/apis": document})["served"]
    assert isinstance(served, Served)
    want = outcome(served, "certificates.cert-manager.io")
    assert want == Want(by_key()["certificates.cert-manager.io"], ("v1",), seen=False)


def test_an_old_server_is_asked_version_by_version() -> None:
    table = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/api/v1": {"resources": [{"name": "pods"}, {"name": "pods/log"}]},
        "/apis": {
            "kind": "APIGroupList",
            "groups": [
                {"name": "discovery.k8s.io", "versions": [{"version": "v1"}, {"version": "v1beta1"}]},
                {"name": "cilium.io", "versions": [{"version": "v2"}]},
                {"name": "metrics.k8s.io", "versions": [{"version": "v1beta1"}]},
            ],
        },
        "/apis/discovery.k8s.io/v1": {"resources": [{"name": "endpointslices"}]},
        "/apis/discovery.k8s.io/v1beta1": {"resources": [{"name": "endpointslices"}]},
    }
    served = answers(table)["served"]
    assert served == Served(
        {"pods": ("v1",), "pods/log": ("v1",), SLICES: ("v1", "v1beta1")},
        {"cilium.io": ("v2",)},  # its discovery was refused
    )
    assert isinstance(served, Served)
    assert isinstance(outcome(served, "ciliumnetworkpolicies.cilium.io"), Want)
    assert isinstance(outcome(served, ROLES), Read)


def test_without_discovery_every_list_is_tried() -> None:
    result = answers({})
    assert result == {"served": unseen(GROUPS), "failure": REFUSED}
    wants, known = plan.plan(unseen(GROUPS))
    # The stand-in for EndpointSlices waits until these are refused.
    assert [want.kind for want in wants] == [kind for kind in KINDS if kind.key != "endpoints"]
    assert all(want.versions == want.kind.versions and not want.seen for want in wants)
    assert known == ()


def test_a_discovery_document_that_is_none_hides_nothing() -> None:
    result = answers({"/api": aggregated(), "/apis": ["login first"]})
    assert result["failure"] is None
    assert result["served"] == unseen(GROUPS - {""})


def test_of_the_two_calico_groups_the_stored_one_is_read() -> None:
    """NET-131."""
    stored, other = "tiers.crd.projectcalico.org", "tiers.projectcalico.org"
    both = Served({stored: ("v1",), other: ("v3",)}, {})
    assert isinstance(outcome(both, stored), Want)
    read = outcome(both, other)
    assert isinstance(read, Read)
    assert (read.outcome, "crd.projectcalico.org" in read.detail) == (Outcome.NOT_SERVED, True)
    assert isinstance(outcome(Served({other: ("v3",)}, {}), other), Want)


def test_endpoints_are_listed_only_without_endpointslices() -> None:
    assert outcome(Served({SLICES: ("v1",), "endpoints": ("v1",)}, {}), "endpoints") is None
    assert isinstance(outcome(Served({"endpoints": ("v1",)}, {}), "endpoints"), Want)


def test_endpoints_that_were_not_needed_are_no_gap() -> None:
    whole = plan.instead_of_endpoints([Read(SLICES, "", Outcome.COMPLETE)])
    assert [(read.resource, read.outcome) for read in whole] == [("endpoints", Outcome.NOT_SERVED)]
    lost = plan.instead_of_endpoints([Read(SLICES, "", Outcome.FAILED)])
    assert [read.outcome for read in lost] == [Outcome.FAILED]
    assert plan.instead_of_endpoints([Read(SLICES, "", Outcome.REFUSED), Read("endpoints", "", Outcome.COMPLETE)]) == ()


def test_paths() -> None:
    assert list_path(by_key()["pods"], "v1") == "/api/v1/pods"
    assert list_path(by_key()[ROLES], "v1", "team-a") == "/apis/rbac.authorization.k8s.io/v1/namespaces/team-a/roles"


def test_long_lists_come_first() -> None:
    ranks = {kind.key: Want(kind, kind.versions).rank for kind in KINDS}
    assert min(ranks, key=lambda key: ranks[key]) == "pods"
