"""``kubeaudit policies``: list, show, check."""

import click

from kubeaudit.cli import bundle
from kubeaudit.errors import UsageError
from kubeaudit.policy.catalogue import section
from kubeaudit.policy.problems import near

_folders = click.option(
    "--policies",
    "folders",
    multiple=True,
    metavar="DIR",
    help="Folder with policies of your own: THEME/ID.yaml (repeatable).",
)


@click.group()
def command() -> None:
    """List, show or check policies.

    \b
    Examples:
      kubeaudit policies list
      kubeaudit policies show meta-exposed-pod
      kubeaudit policies check --policies ./policies
    """


@command.command("list")
@_folders
def list_policies(folders: tuple[str, ...]) -> None:
    """One line per policy: id, severity, theme, title."""
    found = bundle.compile_all(bundle.files(folders))
    width = max(len(policy.id) for policy in found)
    for policy in found:
        click.echo(f"{policy.id:{width}}  {policy.severity:8}  {policy.theme:13}  {policy.title}")


@command.command("show")
@click.argument("name", metavar="ID")
@_folders
def show(name: str, folders: tuple[str, ...]) -> None:
    """What a policy asks, why it matters, what to do, and the rule itself."""
    found = {policy.id: policy for policy in bundle.compile_all(bundle.files(folders))}
    if name not in found:
        raise UsageError(f"no policy has the id {name!r}{near(name, found)}", "see `kubeaudit policies list`")
    click.echo("\n".join(section(found[name])).strip())


@command.command("check")
@_folders
def check(folders: tuple[str, ...]) -> None:
    """Check policy files: every problem with file, line and column; exit 2 if there is any."""
    found = bundle.compile_all(bundle.files(folders))
    click.echo(f"{len(found)} policies are well formed")
