"""``kubeaudit completion``."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      source <(kubeaudit completion bash)
      kubeaudit completion zsh > "${fpath[1]}/_kubeaudit"
      kubeaudit completion fish > ~/.config/fish/completions/kubeaudit.fish
    """
    kind = get_completion_class(shell)
    if kind is not None:
        root = ctx.find_root().command
        click.echo(kind(root, {}, "kubeaudit", "_KUBEAUDIT_COMPLETE").source())
