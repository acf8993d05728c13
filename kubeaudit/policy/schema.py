"""What a policy is: one rule, its words and how it is evaluated (one YAML file each, named by its id)."""

from enum import StrEnum

from msgspec import Struct

from kubeaudit.findings import Reference
from kubeaudit.settings import Severity

WORKLOADS = "workloads"
"""Stands in ``kinds`` for every kind that carries a pod template, and for pods."""
CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
"""Fields of core/v1 PodSpec that hold containers."""
PLACEHOLDERS = frozenset(["container", "object", "value"])
"""What a message may name in braces."""
OBJECT, POD_SPEC, CONTAINER = "object", "podSpec", "container"
"""CEL variables of what is judged: the whole object, the pod spec of a workload, one of its containers."""
PARAMS = "params"
"""CEL variable of facts about the cluster: ``params.minor`` is the minor version of the API server, absent where it is
not known.
"""


class Default(StrEnum):
    """Whether a policy runs when nothing is selected; ``opt-in`` ones need an extra read or request."""

    ON = "on"
    OFF = "off"
    OPT_IN = "opt-in"


class Predicate(Struct, frozen=True):
    """A question to the graph that CEL cannot ask: the name of a function of the program and its parameters."""

    name: str
    parameters: dict[str, str] = {}


class Field(Struct, frozen=True, order=True):
    """A field that an expression reads: keys from the root variable, ``*`` for any item of a list.

    ``presence``: only whether it exists is read, not its value.
    """

    path: tuple[str, ...]
    presence: bool = False

    def __str__(self) -> str:
        return ".".join(self.path).replace(".*", "[*]")


class PatchTemplate(Struct, frozen=True):
    """The change a policy asks for (CHK-31): fields and values below ``root``, which is a CEL variable."""

    root: str
    after: dict[str, object]


class Policy(Struct, frozen=True, kw_only=True):
    """One policy. Either ``expression`` (CEL, true = pass) or ``predicate`` is set.

    ``kinds`` is ``("workloads",)`` or kinds of the kinds table; ``each`` names the container lists that are judged one
    container at a time, empty where the whole object is judged. ``applies`` is CEL: false = not applicable. ``fields``
    are those ``expression`` reads. ``message`` says what is, ``description`` why it matters, ``remediation`` what to
    do. ``where`` is the file.
    """

    id: str
    title: str
    severity: Severity
    theme: str
    kinds: tuple[str, ...]
    requires: tuple[str, ...]
    description: str
    remediation: str
    message: str = ""
    default: Default = Default.ON
    each: tuple[str, ...] = ()
    expression: str = ""
    applies: str = ""
    fields: tuple[Field, ...] = ()
    predicate: Predicate | None = None
    patch: PatchTemplate | None = None
    references: tuple[Reference, ...] = ()
    where: str = ""

    @property
    def on_workloads(self) -> bool:
        """Whether workloads are judged, by their pod specs."""
        return WORKLOADS in self.kinds

    @property
    def variables(self) -> tuple[str, ...]:
        """The CEL variables this policy may read, ``params`` left out."""
        return variables(self.on_workloads, bool(self.each))


def variables(on_workloads: bool, each: bool) -> tuple[str, ...]:
    """The CEL variables of a policy: ``object``, for workloads also ``podSpec`` and, where containers are judged one by
    one, ``container``.

    ``object`` of a workload is its root controller, whole; where pods are judged, because they differ from their
    template or their owner was not read, it is the Pod. ``applies`` says so where a policy is about fields that only
    one of them has.
    """
    if not on_workloads:
        return (OBJECT,)
    return (OBJECT, POD_SPEC, CONTAINER) if each else (OBJECT, POD_SPEC)
