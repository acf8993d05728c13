"""The group of commands. Each is imported when it is used, so that ``kubeaudit --help`` starts at once."""

from importlib import import_module

import click

from kubeaudit import __version__

COMMANDS = {
    "scan": "Judge a cluster, files or a snapshot, and report what is exposed and why.",
    "collect": "Read a cluster into a snapshot file.",
    "report": "Render a saved JSON result in another format.",
    "demo": "Scan the demo cluster and write its report into the current folder.",
    "policies": "List, show or check policies.",
    "reach": "Say whether one side can open a connection to another, and what decides it.",
    "network": "Print who can open connections to whom, grouped; `network diff` compares two states.",
    "can": "Say whether RBAC allows a subject a request, and which grants do.",
    "who-can": "List who holds a grant for a request, and who can obtain one by escalation.",
    "what-can": "List everything RBAC allows a subject, and by which grants; or what changed between two inputs.",
    "uses": "List what runs with a ServiceAccount, a role or a binding: bindings, workloads, tokens, internet reach.",
    "why": "Show how a subject or workload becomes cluster-admin, hop by hop, and the smallest edit that cuts it.",
    "simulate": "Show what a change of objects would do: permissions, chains to cluster-admin, findings.",
    "rbac": "Print the role that a scan needs, or which of its rules the caller lacks.",
    "version": "Print versions.",
    "completion": "Print the completion script of a shell.",
}


class LazyGroup(click.Group):
    """A group whose commands live in modules of their own names, dashes as underscores; help needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"kubeaudit.cli.{cmd_name.replace('-', '_')}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", prog_name="kubeaudit", message="%(prog)s %(version)s")
def kubeaudit() -> None:
    """Audit what a Kubernetes cluster exposes: what is reached from where, what can be done there, and what closes it.

    \b
    Examples:
      kubeaudit demo                                  # a report worth looking at, without a cluster
      kubeaudit scan                                  # the cluster of the current context
      kubeaudit scan -o html=report.html -o sarif=report.sarif
      kubeaudit scan -f manifests/ --select 'pod-*'   # files, before they are applied
      kubeaudit collect -o prod.kubeaudit             # read now, judge later
    """
