"""Operators as confused deputies: who may write what an operator acts on has it act for him (EXP-901, EXP-902)."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.edges.context import Context, repository, spec_path
from kubeaudit.edges.identity import account
from kubeaudit.edges.steps import Step, place
from kubeaudit.edges.tables import OperatorRow, operators
from kubeaudit.edges.vocabulary import EXP_OPERATOR
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.proof import Assumption, Confidence, Evidence, State, field
from kubeaudit.rbac.rights import Key, Rights

_WRITE = ("create", "update", "patch")


class Deputy(Struct, frozen=True):
    """An operator that runs in the cluster: its table row, the resources it acts on, the workload, and its image."""

    row: OperatorRow
    keys: tuple[Key, ...]
    cls: WorkloadClass
    image: Evidence


def keys() -> tuple[Key, ...]:
    """Every resource of the table."""
    return tuple(key for row in operators() for key in _keys_of(row))


def deputies(context: Context) -> tuple[Deputy, ...]:
    """The operators of the table that run, one for each ServiceAccount, recognised by an image."""
    found: dict[tuple[str, str, str], Deputy] = {}
    for row in operators():
        for tail in row.images:
            for cls in context.classes_by_image.get(tail, ()):
                key = (row.name, cls.namespace, cls.shape.identity)
                if key not in found:
                    found[key] = Deputy(row, _keys_of(row), cls, _image(context, cls, tail))
    return tuple(found.values())


def _keys_of(row: OperatorRow) -> tuple[Key, ...]:
    return tuple((group, resource) for group, resources in row.groups.items() for resource in resources)


def _image(context: Context, cls: WorkloadClass, tail: str) -> Evidence:
    owner, path = spec_path(context.cluster, cls)
    images = [container.image for container in cls.shape.containers]
    number = next(n for n, image in enumerate(images) if f"/{repository(image)}".endswith(f"/{tail}"))
    return field(owner, (*path, "containers", number, "image"), images[number])


def single(found: Iterable[Deputy], rights: Rights) -> Iterator[Step]:
    """EXP-901: from a right to write an operator's resources to the operator's ServiceAccount."""
    for deputy in found:
        right = next((right for key in deputy.keys if (right := rights.some(key, *_WRITE))), None)
        if right is not None:
            name, cls = deputy.row.name, deputy.cls
            does = f"may {right} {place(rights.scope)}, for which {name} {deputy.row.power}"
            assumption = Assumption("operator-limits", f"no setting of {name} limits what it does for others")
            target = account(cls.namespace, cls.shape.identity)
            shown = (deputy.image,)
            yield Step(EXP_OPERATOR, target, does, (right,), State.YES, Confidence.ENV, (assumption,), (), shown)
