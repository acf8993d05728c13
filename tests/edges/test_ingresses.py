"""Which controller serves an Ingress, from where, and where it leads (EXP-110..112)."""

from typing import Any

import pytest
from factory import (
    Object,
    controller,
    edge,
    edges,
    files,
    ingress,
    ingress_class,
    node,
    pod,
    service,
    slice_of,
    snapshot,
    world,
)

from kubeaudit.proof import State
from kubeaudit.refs import INTERNET, PRIVATE_NETWORK, VertexKind
from kubeaudit.snapshot import Outcome

YES, UNKNOWN = State.YES, State.UNKNOWN
CLASS = "kubernetes.io/ingress.class"
SHOP = [pod(), service(), slice_of("web", "web-1")]
GCE = node("n1", "gce:///p/z/n1")


def source_of(objects: list[Object], **facts: Any) -> list[tuple[object, State]]:
    return [(one.source, one.state) for one in edges(world(objects), "EXP-110")]


def test_exp_110_a_controller_in_the_cluster_serves_what_reaches_it() -> None:
    found = world([*SHOP, *controller(), ingress()])
    one = edge(found, "EXP-110")
    assert one.source.key == "workload/ingress/Pod/nginx-1.net" and one.state is YES
    assert [item.object.kind for item in one.evidence] == ["Ingress", "IngressClass", "Ingress"]
    assert found.searches["internet"].state(one.target) is YES


def test_exp_110_a_private_controller_makes_no_public_ingress() -> None:
    found = world([*SHOP, *controller("10.0.0.9"), ingress()])
    assert found.searches["internet"].state(edge(found, "EXP-110").target) is None
    assert found.private.state(edge(found, "EXP-110").target) is YES


def test_exp_110_the_annotation_beats_the_class() -> None:
    one = edge(world([*SHOP, *controller(), ingress(cls="other", annotations={CLASS: "nginx"})]), "EXP-110")
    assert one.source.kind is VertexKind.WORKLOAD and one.evidence[0].path == ("metadata", "annotations", CLASS)


@pytest.mark.parametrize(
    "reads", [{}, {"ingressclasses.networking.k8s.io": Outcome.REFUSED}, {"pods": Outcome.REFUSED}]
)
def test_exp_110_unrecognised_controllers_are_unknown(reads: dict[str | tuple[str, str], Outcome]) -> None:
    one = edge(world(snapshot([ingress(cls="own"), service()], reads)), "EXP-110")
    assert (one.source, one.state) == (INTERNET, UNKNOWN)
    assert one.unseen[0].resource == next(iter(reads), "")


def test_exp_110_default_class_counts_for_files_only() -> None:
    default = ingress_class("nginx", **{"ingressclass.kubernetes.io/is-default-class": "true"})
    objects = [*SHOP, *controller()[:3], default, ingress(cls=None)]
    assert edge(world(files(objects)), "EXP-110").source.kind is VertexKind.WORKLOAD
    assert edge(world(objects), "EXP-110").state is UNKNOWN


def test_exp_110_the_newest_default_class_wins() -> None:
    def default(name: str, made: str, handler: str) -> Object:
        item = ingress_class(name, handler, **{"ingressclass.kubernetes.io/is-default-class": "true"})
        item["metadata"]["creationTimestamp"] = made
        return item

    old, new = (
        default("z", "2024-01-01T00:00:00Z", "example.com/a"),
        default("a", "2025-01-01T00:00:00Z", "k8s.io/ingress-nginx"),
    )
    objects = [*SHOP, *controller()[:3], old, new, ingress(cls=None)]
    assert edge(world(files(objects)), "EXP-110").source.kind is VertexKind.WORKLOAD


@pytest.mark.parametrize(
    ("cls", "annotations", "nodes", "wanted"),
    [
        (None, {CLASS: "gce"}, [], [(INTERNET, YES)]),
        (None, {CLASS: "gce-internal"}, [], [(PRIVATE_NETWORK, YES)]),
        (None, {}, [GCE], [(INTERNET, YES)]),
        (None, {CLASS: ""}, [GCE], [(INTERNET, YES)]),
        ("", {}, [GCE], [(INTERNET, YES)]),
        (None, {}, [], [(INTERNET, UNKNOWN)]),
        ("gce-internal", {}, [GCE], [(INTERNET, UNKNOWN)]),
        ("gce", {}, [GCE], [(INTERNET, UNKNOWN)]),
    ],
)
def test_lb_05_gke_goes_by_the_annotation_alone(
    cls: str | None, annotations: Object, nodes: list[Object], wanted: object
) -> None:
    item = ingress(cls=cls, annotations=annotations, status=[{"hostname": "x"}])
    assert source_of([*SHOP, *nodes, item]) == wanted


def test_lb_03_inbound_cidrs_limit_who_connects() -> None:
    annotations = {
        "alb.ingress.kubernetes.io/scheme": "internet-facing",
        "alb.ingress.kubernetes.io/inbound-cidrs": "203.0.113.0/24",
    }
    item = ingress(cls="alb", annotations=annotations, status=[{"hostname": "k8s-1.elb.amazonaws.com"}])
    one = edge(world([*SHOP, ingress_class("alb", "ingress.k8s.aws/alb"), item]), "EXP-110")
    assert one.source.kind is VertexKind.EXTERNAL_CIDR and one.source.name == "203.0.113.0/24"
    assert "source-ranges-enforced" in {a.name for a in one.assumptions}


def test_exp_111_every_path_leads_to_its_service() -> None:
    one = edge(world([*SHOP, *controller(), ingress()]), "EXP-111")
    assert one.target.name == "web:80@ingress/Pod/nginx-1" and one.evidence[0].value == '"web"'
    assert one.evidence[0].path == ("spec", "rules", 0, "http", "paths", 0, "backend", "service", "name")


def test_exp_111_ports_by_name_and_services_that_are_not_there() -> None:
    backend = {"service": {"name": "web", "port": {"name": "http"}}}
    rules = [{"http": {"paths": [{"path": "/", "backend": backend}]}}]
    by_name = service(port={"port": 81, "name": "http", "targetPort": 8080})
    assert edge(world([pod(), by_name, ingress(rules=rules)]), "EXP-111").target.name == "web:81@ingress-controller"
    assert not edges(world([pod(), service("other"), ingress(rules=rules)]), "EXP-111")


def test_exp_111_an_empty_host_is_every_host_and_absent_from_the_object() -> None:
    found = world([*SHOP, *controller(), ingress(host="")])
    assert edge(found, "EXP-110").target.name == "Ingress/site/*/"
    assert edge(found, "EXP-110").evidence[-1].absent


def test_exp_r18_default_backend_only() -> None:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    found = world([*SHOP, *controller(), ingress(rules=[], defaultBackend=backend)])
    one = edge(found, "EXP-112")
    assert one.source.name == "Ingress/site/*" and found.searches["internet"].state(one.target) is YES
    assert edge(found, "EXP-110").evidence[-1].path == ("spec", "defaultBackend", "service", "name")
