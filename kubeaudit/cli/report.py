"""``kubeaudit report``."""

from pathlib import Path

import click
import msgspec

from kubeaudit.cli import options, outputs
from kubeaudit.cli.exits import code_of, tell
from kubeaudit.cli.scan import colored
from kubeaudit.errors import UsageError
from kubeaudit.findings import SCHEMA, ScanResult, decode


class _Named(msgspec.Struct, frozen=True):
    """What a document calls itself, read before the rest: a newer one may differ in everything else."""

    schema: str = ""


@click.command()
@click.argument("path", metavar="RESULT.json")
@click.option(
    "-o", "--output", "words", multiple=True, metavar="FORMAT[=PATH]", help="text, json, html or sarif (repeatable)."
)
@click.option(
    "--show", default="", metavar="CLASSES", help="List objects that are otherwise only counted: system,builtin,vendor."
)
@click.option("--no-color", is_flag=True, help="No colours, also on a terminal.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@click.pass_context
def command(ctx: click.Context, path: str, words: tuple[str, ...], show: str, no_color: bool, quiet: bool) -> None:
    """Render a saved JSON result in another format, without a cluster.

    \b
    Examples:
      kubeaudit report result.json
      kubeaudit report result.json -o html=report.html -o sarif=report.sarif
    """
    wanted = outputs.parse(words)
    shown = options.classes(show)
    written = outputs.write_all(_load(path), wanted, quiet=quiet, color=colored(no_color), show=shown)
    for failure in written.failures:
        tell(failure)
    for name in written.paths:
        if not quiet:
            click.echo(f"wrote {name}", err=True)
    ctx.exit(code_of((failure.exit_code, failure.message) for failure in written.failures))


def _load(path: str) -> ScanResult:
    hint = f"give a file made by `kubeaudit scan -o json=...` (schema {SCHEMA})"
    try:
        data = Path(path).read_bytes()
        schema = msgspec.json.decode(data, type=_Named).schema
        if schema and schema != SCHEMA:
            raise UsageError(f"{path} has schema {schema}; this version reads {SCHEMA}", hint)
        return decode(data)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint) from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is no result document: {error}", hint) from error
