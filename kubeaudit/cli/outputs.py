"""Writing results: ``-o FORMAT[=PATH]``, default names, one text format on standard output (REP-06, REP-07)."""

import re
import shutil
import sys
from pathlib import Path

from msgspec import Struct

from kubeaudit import files
from kubeaudit.cli.exits import drop_output
from kubeaudit.errors import OutputError, UsageError
from kubeaudit.findings import ScanResult
from kubeaudit.report import FORMATS, TEXT_WIDTH


class Output(Struct, frozen=True):
    """One wanted output; ``path`` is empty for standard output."""

    format: str
    path: str


class Written(Struct, frozen=True):
    """What became of the outputs: the paths of files that are whole, and what could not be written."""

    paths: tuple[str, ...]
    failures: tuple[OutputError, ...]


def parse(words: tuple[str, ...]) -> list[Output]:
    """What ``-o`` asks for. Raises :class:`UsageError`."""
    outputs = []
    for word in words:
        name, equals, path = word.partition("=")
        if name not in FORMATS:
            raise UsageError(f"-o {word!r}: unknown format {name!r}", f"formats: {', '.join(FORMATS)}")
        if equals and not path:
            raise UsageError(f"-o {word!r}: the path is missing", f"give {name}=PATH, or {name} alone")
        outputs.append(Output(name, path))
    paths = [output.path for output in outputs if output.path]
    if twice := next((path for path in paths if paths.count(path) > 1), ""):
        raise UsageError(f"two outputs have the path {twice}", "give each a path of its own")
    piped = [o.format for o in outputs if not o.path and FORMATS[o.format].text]
    if len(piped) > 1:
        raise UsageError(
            f"{' and '.join(piped)} cannot share standard output", "give all but one a path: -o FORMAT=PATH"
        )
    return outputs


def write_all(result: ScanResult, outputs: list[Output], *, quiet: bool, color: bool, show: tuple[str, ...]) -> Written:
    """Write every output; one that cannot be written keeps no other from being written.

    Without a text format the summary goes to standard output, unless ``quiet``.
    """
    paths: list[str] = []
    failures: list[OutputError] = []
    wanted = list(outputs)
    if not quiet and not any(FORMATS[output.format].text and not output.path for output in outputs):
        wanted.append(Output("text", ""))
    for output in wanted:
        found = FORMATS[output.format]
        try:
            if output.path or not found.text:
                path = output.path or default_name(result, found.extension)
                files.write(Path(path), [found.render(result)])
                paths.append(path)
            elif output.format == "text":
                print_bytes(_summary(result, color=color, show=show))
            else:
                print_bytes(found.render(result).rstrip(b"\n") + b"\n")
        except OutputError as error:
            failures.append(error)
    return Written(tuple(paths), tuple(failures))


def default_name(result: ScanResult, extension: str) -> str:
    """``kubeaudit-CLUSTER-YYYYMMDDTHHMMSSZ.EXT``."""
    name = result.run.context or result.run.cluster_id or result.run.source
    cluster = re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.")
    stamp = result.run.start.replace("-", "").replace(":", "")
    return f"kubeaudit-{cluster or 'cluster'}-{stamp}.{extension}"


def print_bytes(data: bytes) -> None:
    """Write to standard output; a reader that has gone is no failure. Raises :class:`OutputError`."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        drop_output()
    except OSError as error:
        drop_output()
        raise OutputError(
            f"cannot write standard output: {error.strerror or error}", "give a path: -o FORMAT=PATH"
        ) from error


def _summary(result: ScanResult, *, color: bool, show: tuple[str, ...]) -> bytes:
    from kubeaudit.report.terminal import render_terminal

    # Some terminals say that they have no columns: then, too, this is the width.
    width = shutil.get_terminal_size((TEXT_WIDTH, 24)).columns if sys.stdout.isatty() else TEXT_WIDTH
    text = render_terminal(result, width, color=color and sys.stdout.isatty(), show=show)
    return text.encode(sys.stdout.encoding, "replace")
