"""Interning of specs, workload classes and their names (PERF-04, EXP-07, EXP-979)."""

import random
from typing import Any

from factory import Object, cluster, deployment, node, pod, policy, service, spec
from hypothesis import given, settings
from hypothesis import strategies as st

OWNER = deployment()


def injected(suffix: str) -> Object:
    name = f"kube-api-access-{suffix}"
    made = spec(volumes=[{"name": name, "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}])
    made["containers"][0]["volumeMounts"] = [{"name": name, "mountPath": "/var/run"}]
    return made


def pods(count: int, **fields: Any) -> list[Object]:
    return [
        pod(
            f"web-{n}",
            OWNER,
            ip=f"10.1.0.{n + 1}",
            place=f"n{n % 2}",
            **{**injected(f"abcd{n}"), "hostname": f"h{n}", **fields},
        )
        for n in range(count)
    ]


def test_perf_04_what_the_server_fills_in_does_not_tell_pods_apart() -> None:
    found = cluster([OWNER, *pods(4)])
    assert len({p.spec for p in found.pods}) == 1 and len(found.classes) == 1
    assert found.classes[0].pods == (0, 1, 2, 3) and found.classes[0].nodes == ("n0", "n1")
    text = found.specs[found.pods[0].spec]
    assert b"kube-api-access-" not in text and b"nodeName" not in text and b"hostname" not in text


def test_perf_04_a_suffix_of_another_form_is_kept() -> None:
    names = ("kube-api-access-toolong", "kube-api-access-ABCDE")
    found = cluster([pod(name.lower(), **spec(volumes=[{"name": name}])) for name in names])
    assert len({p.spec for p in found.pods}) == 2


def test_exp_07_only_fields_that_are_read_tell_classes_apart() -> None:
    same = [pod("a", OWNER, **spec(priority=1)), pod("b", OWNER, ip="10.1.0.2", **spec(priority=2))]
    found = cluster([OWNER, *same])
    assert len({p.spec for p in found.pods}) == 2 and len(found.classes) == 1
    differ = [pod("a", OWNER), pod("b", OWNER, ip="10.1.0.2", hostNetwork=True)]
    assert len(cluster([OWNER, *differ]).classes) == 2


def test_exp_07_labels_count_only_where_a_selector_looks() -> None:
    two = [
        pod("a", OWNER, labels={"app": "web", "track": "x"}),
        pod("b", OWNER, ip="10.1.0.2", labels={"app": "web", "track": "y"}),
    ]
    assert len(cluster([OWNER, *two]).classes) == 1
    assert len(cluster([OWNER, *two, service(selector={"track": "x"})]).classes) == 2
    assert (
        len(
            cluster(
                [OWNER, *two, policy(podSelector={"matchExpressions": [{"key": "track", "operator": "Exists"}]})]
            ).classes
        )
        == 2
    )


def test_exp_07_addresses_count_only_where_an_ip_block_cuts() -> None:
    two = [pod("a", OWNER), pod("b", OWNER, ip="10.1.1.1")]
    assert len(cluster([OWNER, *two]).classes) == 1
    cut = policy(ingress=[{"from": [{"ipBlock": {"cidr": "10.1.0.0/24"}}]}])
    assert len(cluster([OWNER, *two, cut]).classes) == 2


def test_exp_07_pools_and_families_count() -> None:
    nodes = [node("n1", "aws:///a/i"), node("n2", "gce://p/z/n2")]
    assert len(cluster([*nodes, OWNER, pod("a", OWNER), pod("b", OWNER, place="n2")]).classes) == 2
    assert len(cluster([OWNER, pod("a", OWNER), pod("b", OWNER, ips=["10.1.0.2", "fd01::1"])]).classes) == 2


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_exp_979_names_do_not_depend_on_the_order_of_reading(shuffle: random.Random) -> None:
    objects = [OWNER, *pods(2), pod("x", OWNER, ip="10.1.0.9", hostNetwork=True), deployment("other")]
    first = {(c.name, tuple(sorted(cluster(objects).pods[p].name for p in c.pods))) for c in cluster(objects).classes}
    shuffle.shuffle(objects)
    again = cluster(objects)
    assert {(c.name, tuple(sorted(again.pods[p].name for p in c.pods))) for c in again.classes} == first
    assert sum("#" in name for name, _ in first) == 2, "one workload of two classes has two names"


def test_exp_07_a_workload_without_pods_has_a_class_of_its_template() -> None:
    found = cluster([OWNER])
    (cls,) = found.classes
    assert (cls.pods, cls.addresses, cls.families, cls.pool, cls.nodes) == ((), (), (), "", ())
    assert found.workloads[cls.workload].template_path == ("spec", "template", "spec")
