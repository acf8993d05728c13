"""Documentation that cannot drift: generated pages and quoted files equal their sources."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import click

from kubeaudit import data
from kubeaudit.cli.app import COMMANDS, kubeaudit

ROOT = Path(__file__).parents[1]
CLI = ROOT / "docs" / "cli.md"


def test_help_texts_are_those_of_docs_cli() -> None:
    how = "Generated from the commands; `KUBEAUDIT_UPDATE=1 pytest tests/test_docs.py` writes it again."
    text = f"# Command line\n\n{how}\n"
    for context in contexts(None, "kubeaudit", kubeaudit):
        text += f"\n## {context.command_path}\n\n```\n{context.command.get_help(context)}\n```\n"
    if os.environ.get("KUBEAUDIT_UPDATE"):
        CLI.write_text(text)
    assert CLI.read_text() == text, "KUBEAUDIT_UPDATE=1 accepts the new help texts"


def contexts(parent: click.Context | None, name: str, command: click.Command) -> Iterator[click.Context]:
    """Every command in the context it is called in, the group first: help options are inherited from there."""
    context = click.Context(
        command, parent, name, terminal_width=100, max_content_width=100, help_option_names=["-h", "--help"]
    )
    yield context
    if isinstance(command, click.Group):
        for word in command.list_commands(context):
            below = command.get_command(context, word)
            assert below is not None
            yield from contexts(context, word, below)


def test_contributing_quotes_a_real_policy_and_its_examples() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for file in (
        "policies/workload/pod-host-pid.yaml",
        *(f"tests/fixtures/policies/pod-host-pid/{kind}.yaml" for kind in ("pass", "fail")),
    ):
        assert (ROOT / file).read_text() in text, f"{file} is quoted whole"


def test_readme_library_example_runs(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    code = text.split("```python\n")[1].split("```")[0]
    with resources.as_file(data.file("demo.kubeaudit")) as demo:
        shutil.copy(demo, tmp_path / "prod.kubeaudit")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "ServiceAccount tools/console" in done.stdout


def test_readme_commands_exist() -> None:
    text = (ROOT / "README.md").read_text()
    words = {line.split()[2] for line in text.splitlines() if line.startswith("$ kubeaudit ")}
    assert words <= set(COMMANDS)
    makefile = (ROOT / "Makefile").read_text()
    for target in ("demo", "test"):
        assert f"$ make {target}" in text
        assert f"\n{target}:" in makefile
