"""What the commands that ask about access share: options, the objects read, the answer printed.

They read everything whatever namespace is asked about: a ClusterRoleBinding or a chain may lead there from elsewhere.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from kubeaudit.cli import options, outputs, question
from kubeaudit.report.answer import to_json
from kubeaudit.report.visible import visible
from kubeaudit.snapshot import Snapshot

if TYPE_CHECKING:
    from kubeaudit.findings import Unseen
    from kubeaudit.rbac.access import Access
    from kubeaudit.snapshot import BadDocument
    from kubeaudit.world import World

F = TypeVar("F", bound=Callable[..., Any])
FORMATS = ("text", "json")
_SHOWN = 5
"""How many unusable documents are named."""


def input_options(function: F) -> F:
    """-f, and those of :func:`cluster_options`."""
    return question.filename_option(cluster_options(function))


def cluster_options(function: F) -> F:
    """How to reach a cluster, -o, --config and the common options."""
    for option in reversed(
        (
            options.connection_options,
            click.option("-o", "--output", "word", default="", metavar="FORMAT[=PATH]", help="text (default) or json."),
            question.config_option,
            options.common_options,
        )
    ):
        function = option(function)
    return function


def namespace_option(text: str) -> Callable[[F], F]:
    """-n: one namespace, which means what ``text`` says."""
    return click.option("-n", "--namespace", "namespace", default=None, metavar="NAME", help=text)


class Job(Struct, frozen=True):
    """The input and the output of a question."""

    asked: question.Asked
    output: outputs.Output

    def snapshot(self) -> Snapshot:
        """The objects."""
        return question.read(self.asked)

    def engine(self, snapshot: Snapshot) -> "Access":
        """The RBAC engine alone: no network, no graph."""
        from kubeaudit.model import cluster as model
        from kubeaudit.rbac import access as rbac

        cluster = model.build(snapshot)
        self._tell(cluster.bad)
        return rbac.build(cluster)

    def world(self, snapshot: Snapshot) -> "World":
        """Everything, the graph included."""
        from kubeaudit.world import build

        world = build(snapshot, self.asked.settings)
        self._tell(world.cluster.bad)
        return world

    def _tell(self, bad: "tuple[BadDocument, ...]") -> None:
        """Say on standard error which objects are not part of the answer, and why (CHK-06)."""
        for found in bad[: 0 if self.asked.quiet else _SHOWN]:
            where = f"{found.where}:{found.line}" if found.line else found.where
            named = f" {found.object}" if found.object else ""
            click.echo(visible(f"not used: {where}{named} {found.reason}"), err=True)
        if len(bad) > _SHOWN and not self.asked.quiet:
            click.echo(f"not used: {len(bad) - _SHOWN} more documents", err=True)

    def say(self, answer: Struct, text: Callable[[Any], str]) -> None:
        """Print or write the answer. Raises :class:`OutputError`."""
        shown = to_json(answer) if self.output.format == "json" else text(answer)
        question.write(shown.rstrip("\n").encode() + b"\n", self.output, quiet=self.asked.quiet)


def job(*, word: str, paths: tuple[str, ...] = (), **given: Any) -> Job:
    """The options of :func:`input_options` as one value. Raises :class:`UsageError`."""
    output = question.chosen(word, FORMATS)
    asked = question.asked(paths=paths, user="", namespaces=(), all_namespaces=False, **given)
    return Job(asked, output)


def exit_code(unseen: "tuple[Unseen, ...]") -> int:
    """0, or 4 where something was not read that could change the answer."""
    from kubeaudit.cli.exits import COVERAGE, OK

    return COVERAGE if unseen else OK
