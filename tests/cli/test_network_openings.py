"""``kubeaudit network openings`` and ``network ingress``: answers for people and as JSON."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

OBJECTS = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, image: web:1, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: front, namespace: shop}
spec:
  ingressClassName: nginx
  rules:
    - host: shop.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
"""
SOME = """---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{from: [{podSelector: {matchLabels: {role: scraper}}}], ports: [{port: 8080}]}]
"""
CILIUM = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{fromEndpoints: [{matchLabels: {role: scraper}}]}]}
"""


def _manifests(folder: Path, *policies: str) -> str:
    path = folder / "objects.yaml"
    path.write_text(OBJECTS + "".join(policies))
    return str(path)


def test_net_14_a_label_that_opens_is_told_although_no_pod_has_it(run: Run, tmp_path: Path) -> None:
    done = run("network", "openings", "-q", "-f", _manifests(tmp_path, SOME), "--cni-profile", "calico")
    assert done.code == 0
    assert done.out.startswith("A new pod of any kind may connect to 0 of 1 workload.\n")
    assert "  ● from pods of namespace shop with role=scraper (none now): TCP 8080\n" in done.out
    assert "  ● to all pods of the cluster: all\n" in done.out


def test_agg_9_openings_as_json(run: Run, tmp_path: Path) -> None:
    done = run("network", "openings", "-q", "-f", _manifests(tmp_path), "--cni-profile", "calico", "-o", "json")
    found = json.loads(done.out)
    assert found["schema"] == "kubeaudit.network-openings/1"
    (web,) = found["workloads"]
    assert (web["workload"], web["ingress"][0]["pods"]) == ("shop/web[Pod]", "all pods of the cluster")


def test_what_selectors_of_another_dialect_open_is_not_known(run: Run, tmp_path: Path) -> None:
    text = run("network", "openings", "-q", "-f", _manifests(tmp_path, CILIUM), "--cni-profile", "cilium").out
    assert "from" not in text.partition("shop/web[Pod]")[2].partition("not known")[0]
    assert "not known: ingress: whom the selectors of CiliumNetworkPolicy shop/web would match" in text


@pytest.mark.parametrize(("policies", "state"), [((), "yes"), ((SOME,), "unknown")])
def test_net_66_a_backend_that_is_isolated_is_perhaps_reached_by_a_controller_nobody_saw(
    run: Run, tmp_path: Path, policies: tuple[str, ...], state: str
) -> None:
    command = ("network", "ingress", "-q", "-f", _manifests(tmp_path, *policies), "--cni-profile", "calico")
    (way,) = json.loads(run(*command, "-o", "json").out)["entrances"]
    assert (way["where"], way["controller"], way["workload"], way["port"], way["state"]) == (
        "shop.test/", "ingress-controller", "shop/web[Pod]", 8080, state,
    )  # fmt: skip
    text = run(*command).out
    assert "Ingress shop/front\n" in text and "shop.test/ by ingress-controller to shop/web[Pod] TCP 8080" in text
    assert ("not known: no pod of the ingress controller is known" in text) is (state == "unknown")


def test_no_entrance_is_said(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(OBJECTS.partition("---")[0])
    assert run("network", "ingress", "-q", "-f", str(path)).out == "No Ingress or Route leads to a pod.\n"
