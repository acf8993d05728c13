"""How workload classes are named in answers about the network, and the labels that people select them by (AGG-1)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from kubeaudit.model.cluster import Cluster
from kubeaudit.model.selectors import LabelIndex, index
from kubeaudit.model.workloads import WorkloadClass

_OF_CONTROLLERS = frozenset(
    [
        "pod-template-hash",
        "controller-revision-hash",
        "pod-template-generation",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "job-name",
        "controller-uid",
        "batch.kubernetes.io/job-name",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
    ]
)
"""Labels that controllers set on their pods: they change with every rollout, so that no policy should name them."""


def parts(cluster: Cluster) -> tuple[str, ...]:
    """What tells a class from the other classes of its workload, by class; "" where there is only one (AGG-1).

    The labels that not all of them have, else the node pool, and a hash where that is not enough.
    """
    of_workload: dict[int, list[WorkloadClass]] = {}
    for cls in cluster.classes:
        of_workload.setdefault(cls.workload, []).append(cls)
    found = [""] * len(cluster.classes)
    for together in of_workload.values():
        if len(together) > 1:
            for cls, text in zip(together, _differing(together), strict=True):
                found[cls.index] = text
    return tuple(found)


def _differing(together: Sequence[WorkloadClass]) -> Iterator[str]:
    shared = set.intersection(*(set(cls.labels) for cls in together))
    texts = [",".join(f"{key}={value}" for key, value in cls.labels if (key, value) not in shared) for cls in together]
    if len(set(texts)) < len(texts):
        texts = [",".join(filter(None, (text, cls.pool))) for text, cls in zip(texts, together, strict=True)]
    for text, cls in zip(texts, together, strict=True):
        code = cls.name.rpartition("#")[2]
        yield text if text and texts.count(text) == 1 else ",".join(filter(None, (text, f"#{code}")))


def unit(cls: WorkloadClass, part: str = "") -> str:
    """``namespace/name[Kind]`` of a class, with what tells it apart in parentheses (AGG-1)."""
    kind, _, name = cls.name.partition("/")
    text = f"{cls.namespace}/{name.partition('#')[0]}[{kind}]"
    return f"{text} ({part})" if part else text


def plain(cls: WorkloadClass, part: str = "") -> str:
    """The same in a sentence: ``Deployment shop/web (track=canary)``."""
    text = cls.label.partition("#")[0]
    return f"{text} ({part})" if part else text


def labels_of(cluster: Cluster) -> list[dict[str, str]]:
    """The labels of every class: those that some selector of the cluster uses as its pods have them, others as its
    workload's template gives them.
    """
    used = {key for cls in cluster.classes for key, _ in cls.labels}
    found = []
    for cls in cluster.classes:
        given = cluster.workloads[cls.workload].labels
        found.append({key: value for key, value in given if key not in used} | dict(cls.labels))
    return found


def label_index(cluster: Cluster) -> LabelIndex:
    """The classes by their labels."""
    return index(labels_of(cluster))


def lasting(labels: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    """The labels that stay over rollouts, sorted by key."""
    return {key: value for key, value in sorted(dict(labels).items()) if key not in _OF_CONTROLLERS}
