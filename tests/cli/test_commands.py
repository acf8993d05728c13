"""The other commands, and what every help text must say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kubeaudit.cli.app import COMMANDS
from tests.cli.conftest import NOW, Run


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_a_first_sentence_and_the_table_tells_it(run: Run, command: str) -> None:
    done = run(command, "--help")
    first = " ".join(done.out.split("\n\n")[1].split())
    assert done.code == 0
    assert first.startswith(COMMANDS[command].rstrip(".")[:30])


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from kubeaudit.cli import run_guarded, kubeaudit as group; run_guarded(group, ['--help']); "
    code += "print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("kubernetes", "jinja2", "networkx", "rich", "cel_expr_python", "yaml"):
        assert f"'{heavy}'" not in done.stdout


def test_demo_writes_two_files_and_prints_the_summary(run: Run) -> None:
    done = run("demo", "--now", NOW)
    assert done.code == 0
    assert "from the internet to cluster-admin" in done.out
    assert Path("kubeaudit-demo.html").stat().st_size > 100_000
    assert Path("kubeaudit-demo.json").is_file()


def test_version_prints_formats(run: Run) -> None:
    done = run("version")
    assert "kubeaudit.result/1" in done.out
    assert "kubeaudit.snapshot/1" in done.out
    assert run("--version").out.startswith("kubeaudit ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Run, shell: str) -> None:
    assert "_KUBEAUDIT_COMPLETE" in run("completion", shell).out


def test_completion_answers_the_shell(tmp_path: Path) -> None:
    environ = os.environ | {"_KUBEAUDIT_COMPLETE": "bash_complete", "COMP_WORDS": "kubeaudit sc", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-m", "kubeaudit"], env=environ, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "plain,scan"


def test_policies_are_listed_and_shown(run: Run) -> None:
    assert "meta-exposed-pod" in run("policies", "list").out
    shown = run("policies", "show", "pod-privileged").out
    assert "container.securityContext" in shown
    assert "policies are well formed" in run("policies", "check").out


def test_a_closed_pipe_ends_quietly(tmp_path: Path, pod: str) -> None:
    command = f"{sys.executable} -m kubeaudit scan --exit-zero -f {pod} -o json 2>{tmp_path}/err | head -c 1 >/dev/null"
    subprocess.run(["bash", "-c", command], check=False)
    assert "Traceback" not in (tmp_path / "err").read_text()
    assert "BrokenPipe" not in (tmp_path / "err").read_text()
