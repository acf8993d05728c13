"""The last hop of Ingresses and Routes (NET-66, EXP-111, EXP-116, REG-NET-13)."""

from typing import Any

from kubeaudit.proof import State, dotted
from kubeaudit.queries.ingress_hop import Hop, hops

from .connections import context, pod

WEB = pod("web")
DENY = {"podSelector": {}, "policyTypes": ["Ingress"]}


def service(name: str = "web", **port: Any) -> dict[str, Any]:
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080} | port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def ingress(number: int = 80, cls: str = "unheard") -> dict[str, Any]:
    backend = {"service": {"name": "web", "port": {"number": number}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "in", "namespace": "shop"},
        "spec": {"ingressClassName": cls, "rules": [{"host": "a.example", "http": {"paths": [{"backend": backend}]}}]},
    }


def route(name: str = "way", status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"host": "b.example", "to": {"kind": "Service", "name": "web"}} | spec,
        "status": status or {},
    }


def network_policy(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "np", "namespace": "shop"},
        "spec": spec,
    }


def found(*objects: dict[str, Any]) -> list[Hop]:
    return list(hops(context(WEB, *objects, files=True)))


def test_net_66_a_backend_open_to_every_pod_is_reached() -> None:
    (hop,) = found(service(), ingress())
    assert (hop.source, hop.port, hop.state, hop.where) == (-1, 8080, State.YES, "a.example/")
    assert dotted(hop.evidence[0].path) == "spec.rules[0].http.paths[0].backend.service.name"


def test_net_66_an_isolated_backend_is_perhaps_reached() -> None:
    (hop,) = found(service(), ingress(), network_policy(**DENY))
    assert hop.state is State.UNKNOWN and "policies let some pods in" in hop.unseen[0].detail


def test_net_66_a_rule_for_every_pod_opens_its_ports() -> None:
    anybody = {"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080}]}
    (hop,) = found(service(), ingress(), network_policy(**DENY, ingress=[anybody]))
    assert hop.state is State.YES


def test_reg_net_13_the_controller_that_runs_is_judged() -> None:
    controller = pod("nginx", "edge", image="registry.k8s.io/ingress-nginx/controller:v1.9.0")
    only = {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}]}
    (hop,) = found(controller, service(), ingress(cls="nginx"), network_policy(**DENY, ingress=[only]))
    assert hop.source >= 0 and hop.state is State.YES
    (closed,) = found(controller, service(), ingress(cls="nginx"), network_policy(**DENY))
    assert closed.state is State.BLOCKED


def test_exp_111_a_number_is_a_port_of_the_service_not_of_the_pods() -> None:
    assert found(service(), ingress(8080)) == []


def test_exp_116_a_route_without_a_port_leads_to_all() -> None:
    two = service() | {}
    two["spec"]["ports"] = [
        {"name": "a", "port": 80, "targetPort": 8080},
        {"name": "b", "port": 81, "targetPort": 8090},
    ]
    assert {hop.port for hop in found(two, route())} == {8080, 8090}
    assert [hop.port for hop in found(two, route(port={"targetPort": "b"}))] == [8090]
    assert [hop.port for hop in found(two, route(port={"targetPort": 8080}))] == [8080]


def test_exp_116_alternate_backends_count_and_those_of_weight_0_do_not() -> None:
    others = [{"kind": "Service", "name": "web"}, {"kind": "Service", "name": "gone"}]
    (hop,) = found(service(), route(to={"kind": "Service", "name": "web", "weight": 0}, alternateBackends=others))
    assert dotted(hop.evidence[0].path) == "spec.alternateBackends[0].name"


def test_exp_116_a_route_that_every_router_refused_leads_nowhere() -> None:
    def status(*admitted: str) -> dict[str, Any]:
        return {"ingress": [{"conditions": [{"type": "Admitted", "status": word}]} for word in admitted]}

    assert found(service(), route(status=status("False"))) == []
    assert len(found(service(), route(status=status("False", "True")))) == 1


def test_exp_116_the_routers_of_the_cluster_are_the_source() -> None:
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "router-default", "namespace": "openshift-ingress"},
        "spec": {
            "template": {"metadata": {"labels": {"app": "r"}}, "spec": {"containers": [{"name": "r", "image": "r"}]}}
        },
    }
    (hop,) = found(service(), route(), deployment)
    assert hop.source >= 0 and hop.state is State.YES
