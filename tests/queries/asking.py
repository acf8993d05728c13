"""Worlds of RBAC objects for the tests of queries."""

from typing import Any

from kubeaudit.queries.apis import builtin
from kubeaudit.queries.words import Asked, Words, asked
from kubeaudit.rbac.access import Access, build
from kubeaudit.snapshot import Outcome
from kubeaudit.world import World
from tests import factory
from tests.rbac.objects import Manifest, cluster

API = "rbac.authorization.k8s.io"


def access(*objects: Manifest, version: str = "v1.36.3", outcomes: dict[str, Outcome] | None = None) -> Access:
    """The engine over some objects."""
    return build(cluster(objects, version, outcomes))


def world(*objects: Manifest, **facts: Any) -> World:
    """The world of some objects."""
    return factory.world(objects, **facts)


def request(text: str, of: Access | None = None, **more: Any) -> Asked:
    """``verb resource [name]`` as typed."""
    verb, resource, *name = text.split()
    return asked(Words(verb, resource, *name, **more), builtin(), of or access())


def deployment(namespace: str, name: str, account: str = "default", **spec: Any) -> Manifest:
    """A Deployment with one container."""
    pod = {"serviceAccountName": account, "containers": [{"name": "c", "image": "example.test/app:1"}]} | spec
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        },
    }
