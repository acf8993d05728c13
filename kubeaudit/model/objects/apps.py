"""Kinds that make pods (k8s.io/api apps/v1, batch/v1, core/v1 ReplicationController), only the fields that are read."""

from msgspec import Struct

from kubeaudit.model.objects.meta import Metadata
from kubeaudit.model.objects.pods import Template


class ControllerSpec(Struct, frozen=True):
    """Spec of Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController and Job, as far as they agree."""

    template: Template = Template()
    replicas: int | None = None


class Condition(Struct, frozen=True):
    """A condition of a status, e.g. ``Complete`` of a Job."""

    type: str = ""
    status: str = ""


class ControllerStatus(Struct, frozen=True):
    """Status of the same kinds."""

    conditions: tuple[Condition, ...] = ()


class Controller(Struct, frozen=True):
    """A Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController or Job."""

    metadata: Metadata
    spec: ControllerSpec = ControllerSpec()
    status: ControllerStatus = ControllerStatus()


class JobTemplate(Struct, frozen=True):
    """batch/v1 JobTemplateSpec."""

    metadata: Metadata = Metadata()
    spec: ControllerSpec = ControllerSpec()


class CronJobSpec(Struct, frozen=True, rename="camel"):
    """batch/v1 CronJobSpec."""

    job_template: JobTemplate = JobTemplate()
    suspend: bool = False


class CronJob(Struct, frozen=True):
    """batch/v1 CronJob."""

    metadata: Metadata
    spec: CronJobSpec = CronJobSpec()
