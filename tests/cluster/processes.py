"""Child processes of the test cluster: started with a log, watched while they come up, always stopped by their id."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

TAIL_LINES = 30
POLL_SECONDS = 0.05
PORTS = range(20_000, 32_000)
"""Below the ephemeral ports of Linux, macOS and Windows, so that no outgoing connection takes a port between its
choice and its use."""
STRIPES = 8
"""Workers of pytest-xdist choose from ports of their own, so that none takes what another has just found free."""


class StartError(Exception):
    """A process of the test cluster did not come up; the message ends with the tail of its log."""


class Daemon:
    """One child process whose standard output and error go to a log file."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        """Starts ``command``. Raises StartError when its program cannot be run."""
        self.name = Path(command[0]).name
        self._log = log
        with log.open("wb") as output:
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
                )
            except OSError as error:
                raise StartError(f"{command[0]} cannot be run: {error}") from error

    @property
    def running(self) -> bool:
        """Whether the process has not ended; a paused one runs."""
        return self._process.poll() is None

    def tail(self) -> str:
        """The last lines of the log."""
        return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-TAIL_LINES:])

    def pause(self) -> None:
        """Holds the process back (SIGSTOP): its connections stay open and nothing answers.

        A signal is merely sent when `send_signal` returns, and threads on a busy machine may still answer: so this
        waits until the system says that all of them have stopped.
        """
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)

    def resume(self) -> None:
        """Lets a paused process go on (SIGCONT)."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Ends the process at once (SIGKILL, which also ends a paused one) and reaps it; no-op when it has ended."""
        self._process.kill()
        self._process.wait()


def free_ports(count: int) -> list[int]:
    """``count`` different TCP ports of 127.0.0.1 that nothing listens on."""
    found: list[int] = []
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = PORTS[worker % STRIPES :: STRIPES]
    for port in random.sample(ports, len(ports)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise StartError(f"no {count} free ports between {PORTS.start} and {PORTS.stop}")


def wait_until(ready: Callable[[], bool], what: str, daemons: Sequence[Daemon], seconds: float = 90.0) -> None:
    """Asks ``ready`` until it says yes; an OSError from it (refused, not yet a certificate) counts as no.

    Raises StartError, with the log's tail, when a daemon ends meanwhile or the time is up; then the last daemon, the
    one that is coming up, is quoted.
    """
    deadline = time.monotonic() + seconds
    while True:
        for daemon in daemons:
            if not daemon.running:
                raise StartError(f"{daemon.name} ended while waiting for {what}; its log ends:\n{daemon.tail()}")
        try:
            if ready():
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            last = daemons[-1]
            raise StartError(f"no {what} after {seconds:.0f} s; the log of {last.name} ends:\n{last.tail()}")
        time.sleep(POLL_SECONDS)
