"""Finds the files that ship with the package: policies, report templates and the JSON schema of the result document.

The functions are not called ``policies`` and ``templates``: importing the packages of those names would replace them.
"""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path


def policy_folder() -> Traversable:
    """The folder of shipped policies."""
    return _folder("kubeaudit.data.policies", "policies")


def template_folder() -> Traversable:
    """The folder of report templates."""
    return _folder("kubeaudit.data.templates", "reports/templates")


def file(name: str) -> Traversable:
    """A file of this package, e.g. ``result-v1.schema.json``."""
    return resources.files(__name__) / name


def _folder(package: str, checkout: str) -> Traversable:
    # setup.cfg maps the two folders into this package; a bare checkout has them beside it.
    try:
        return resources.files(package)
    except ModuleNotFoundError:
        return Path(__file__).parents[2] / checkout
