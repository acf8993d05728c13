"""Owner chains: from a pod to its topmost readable controller, and the controllers with their templates
(CHK-17..21).
"""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.kinds import FILE_KINDS, by_key
from kubeaudit.model.decode import objects
from kubeaudit.model.objects.apps import Controller, CronJob
from kubeaudit.model.objects.meta import Metadata
from kubeaudit.model.objects.pods import Template
from kubeaudit.model.workloads import Owner
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import BadDocument, Snapshot

TEMPLATE = ("spec", "template", "spec")
CRON_TEMPLATE = ("spec", "jobTemplate", "spec", "template", "spec")
CONTROLLERS = (
    "deployments.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "replicasets.apps",
    "replicationcontrollers",
    "jobs.batch",
    "cronjobs.batch",
    *(kind.key for kind in FILE_KINDS),
)


class Controlling(Struct, frozen=True):
    """A controller as read: its own owner, its template, and whether it runs or will run anything (CHK-19)."""

    ref: ObjectRef
    api_version: str
    metadata: Metadata
    owner: Owner | None
    template: Template
    path: tuple[str, ...]
    active: bool


def controllers(snapshot: Snapshot, bad: list[BadDocument]) -> Iterator[Controlling]:
    """Every controller of the snapshot, kind by kind."""
    for resource in CONTROLLERS:
        api_version, kind = _api(resource)
        group = api_version.rpartition("/")[0]
        if resource == "cronjobs.batch":
            for cron in objects(snapshot, resource, CronJob, bad):
                ref = ObjectRef(kind, cron.metadata.namespace, cron.metadata.name, group)
                template = cron.spec.job_template.spec.template
                yield Controlling(
                    ref,
                    api_version,
                    cron.metadata,
                    owner_of(cron.metadata),
                    template,
                    CRON_TEMPLATE,
                    not cron.spec.suspend,
                )
        else:
            for item in objects(snapshot, resource, Controller, bad):
                ref = ObjectRef(kind, item.metadata.namespace, item.metadata.name, group)
                yield Controlling(
                    ref,
                    api_version,
                    item.metadata,
                    owner_of(item.metadata),
                    item.spec.template,
                    TEMPLATE,
                    _active(item),
                )


def owner_of(metadata: Metadata) -> Owner | None:
    """The managing controller; mirror pods, whose owner is their Node, stand alone (CHK-12, CHK-21)."""
    for reference in metadata.owner_references:
        if reference.controller and reference.kind and reference.kind != "Node":
            return Owner(reference.api_version, reference.kind, reference.name, reference.uid)
    return None


def _active(item: Controller) -> bool:
    finished = any(c.type in ("Complete", "Failed") and c.status == "True" for c in item.status.conditions)
    return item.spec.replicas != 0 and not finished


def _api(resource: str) -> tuple[str, str]:
    row = next((kind for kind in FILE_KINDS if kind.key == resource), None) or by_key()[resource]
    return f"{row.group}/{row.versions[0]}" if row.group else row.versions[0], row.kind
