"""The closing report of a run, gathered from every worker."""

from typing import Any

import pytest
from tallies import sections, told


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["told"] = told(session.config).as_plain()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Of pytest-xdist: a worker has ended, or died, and then it told nothing."""
    if "told" in getattr(node, "workeroutput", {}):
        told(node.config).add(node.workeroutput["told"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for section, lines in sections(told(config)).items():
        terminalreporter.section(section)
        for line in lines:
            terminalreporter.line(line)
