"""Tables of the RBAC objects that come with a cluster: data, not code.

``bootstrap-MINOR.json`` holds what an API server of that minor version creates by itself; ``tools/bootstrap_table.py``
writes it from a running one. ``kubeadm.json`` holds what kubeadm adds for people and for callers without credentials.
"""

from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

from kubeaudit.model.objects.rbac import Binding, Role

BOOTSTRAP = ("bootstrap-1.36.json",)
KUBEADM = "kubeadm.json"


class Table(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """RBAC objects by kind, only the fields that decide. ``version`` is the server's, "" where it does not matter."""

    version: str
    cluster_roles: tuple[Role, ...]
    cluster_role_bindings: tuple[Binding, ...]
    roles: tuple[Role, ...]
    role_bindings: tuple[Binding, ...]

    @property
    def minor(self) -> tuple[int, int]:
        """Major and minor version."""
        major, minor = self.version.removeprefix("v").split(".")[:2]
        return int(major), int(minor)


@cache
def bootstrap() -> tuple[Table, ...]:
    """What API servers create by themselves (RBAC-90), one table per minor version, newest last."""
    return tuple(sorted((_read(name) for name in BOOTSTRAP), key=lambda table: table.minor))


@cache
def kubeadm() -> Table:
    """What kubeadm adds and is no finding (RBAC-93)."""
    return _read(KUBEADM)


def _read(name: str) -> Table:
    return msgspec.json.decode(resources.files(__name__).joinpath(name).read_bytes(), type=Table)
