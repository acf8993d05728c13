"""Metadata that every object carries (k8s.io/apimachinery meta/v1), only the fields that are read."""

from msgspec import Struct

Labels = dict[str, str]


class OwnerReference(Struct, frozen=True, rename="camel"):
    """meta/v1 OwnerReference."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class Metadata(Struct, frozen=True, rename="camel"):
    """meta/v1 ObjectMeta."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    labels: Labels = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()
    creation_timestamp: str | None = None


class Requirement(Struct, frozen=True):
    """meta/v1 LabelSelectorRequirement."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class LabelSelector(Struct, frozen=True, rename="camel"):
    """meta/v1 LabelSelector; empty selects everything."""

    match_labels: Labels = {}
    match_expressions: tuple[Requirement, ...] = ()
