"""``kubeaudit version``."""

import platform
from importlib.metadata import PackageNotFoundError, version

import click

from kubeaudit import __version__
from kubeaudit.findings import SCHEMA
from kubeaudit.snapshot import FORMAT

_LIBRARIES = ("kubernetes", "cel-expr-python", "networkx", "msgspec", "zstandard")


@click.command()
def command() -> None:
    """Print versions: the program, its formats, Python and the libraries that matter."""
    click.echo(f"kubeaudit {__version__}")
    click.echo(f"result document {SCHEMA}, snapshot {FORMAT}")
    click.echo(f"Python {platform.python_version()}")
    for name in _LIBRARIES:
        try:
            click.echo(f"{name} {version(name)}")
        except PackageNotFoundError:
            click.echo(f"{name} not installed")
