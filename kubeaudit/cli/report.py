"""``kubeaudit report``."""

from pathlib import Path

import click
import msgspec

from kubeaudit.cli import outputs
from kubeaudit.cli.scan import colored
from kubeaudit.errors import UsageError
from kubeaudit.findings import SCHEMA, ScanResult, decode


@click.command()
@click.argument("path", metavar="RESULT.json")
@click.option("-o", "--output", "words", multiple=True, metavar="FORMAT[=PATH]", help="text, json, html or sarif (repeatable).")
@click.option("--show", default="", metavar="CLASSES", help="List objects that are otherwise only counted: system,builtin,vendor.")
@click.option("--no-color", is_flag=True, help="No colours, also on a terminal.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
def command(path: str, words: tuple[str, ...], show: str, no_color: bool, quiet: bool) -> None:
    """Render a saved JSON result in another format, without a cluster.

    \b
    Examples:
      kubeaudit report result.json
      kubeaudit report result.json -o html=report.html -o sarif=report.sarif
    """
    wanted = outputs.parse(words)
    shown = tuple(word for word in show.split(",") if word)
    for written in outputs.write_all(_load(path), wanted, quiet=quiet, color=colored(no_color), show=shown):
        if not quiet:
            click.echo(f"wrote {written}", err=True)


def _load(path: str) -> ScanResult:
    hint = f"give a file made by `kubeaudit scan -o json=...` (schema {SCHEMA})"
    try:
        result = decode(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint) from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is no result document: {error}", hint) from error
    if result.schema != SCHEMA:
        raise UsageError(f"{path} has schema {result.schema}; this version reads {SCHEMA}", hint)
    return result
