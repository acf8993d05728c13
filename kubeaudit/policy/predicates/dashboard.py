"""rbac-dashboard: the Kubernetes Dashboard runs, or its ServiceAccount is bound."""

from collections.abc import Iterator

from kubeaudit.edges.context import repository, spec_path
from kubeaudit.findings import ObjectClass, Verdict
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import classes_by_workload, members, workload_subject
from kubeaudit.policy.predicates.grants import judgement, unbound
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import Evidence, field
from kubeaudit.rbac.grants import Grant
from kubeaudit.rbac.reviewing import Review, binding_evidence, failed, matching, passed, people, place
from kubeaudit.world import World

_NAME = "kubernetes-dashboard"
_LABELS = ("app", "k8s-app", "app.kubernetes.io/name")
_PROJECT = "kubernetesui"
"""Where the images of the project lie on Docker Hub; elsewhere they have its name."""


def dashboard(world: World, _policy: Policy) -> Iterator[Judgement]:
    """Judge every binding by the names of its subjects, every workload by image, label and ServiceAccount.

    The product is known by its name alone; what its roles hold is the business of other policies.
    """
    yield from unbound(world)
    yield from (judgement(_binding(grant)) for grant in world.context.access.grants)
    for index, classes in classes_by_workload(world):
        who = workload_subject(world, index)
        shown = next((found for cls in classes if (found := _shown(world, cls))), None)
        if shown is None:
            yield Judgement(who, Verdict.PASS)
            continue
        count, names = members(world, classes)
        message = f"{who.object} runs the Kubernetes Dashboard, or with its identity."
        yield Judgement(who, Verdict.FAIL, message, (shown,), instances=count, pods=names)


def _binding(grant: Grant) -> Review:
    subjects = matching(grant, lambda subject: subject.name == _NAME)
    if not subjects or grant.object_class is ObjectClass.BUILTIN:
        return passed(grant, subjects)
    text = f"{grant.binding} gives {people(subjects)} {grant.role} in {place(grant)}"
    return failed(grant, subjects, text, binding_evidence(grant, subjects))


def _shown(world: World, cls: WorkloadClass) -> Evidence | None:
    """The field that shows the product; None where nothing does."""
    owner, path = spec_path(world.cluster, cls)
    for key, containers in (("containers", cls.shape.containers), ("initContainers", cls.shape.init_containers)):
        for number, container in enumerate(containers):
            if _is_product(container.image):
                return field(owner, (*path, key, number, "image"), container.image)
    labels = dict(world.cluster.workloads[cls.workload].labels)
    for key in _LABELS:
        if labels.get(key) == _NAME:
            return field(owner, (*path[:-1], "metadata", "labels", key), _NAME)
    return field(owner, (*path, "serviceAccountName"), _NAME) if cls.shape.identity == _NAME else None


def _is_product(image: str) -> bool:
    *parents, name = repository(image).split("/")
    if parents and parents[-1] == _PROJECT:
        return name.startswith("dashboard")
    return name == _NAME or name.startswith(f"{_NAME}-")
