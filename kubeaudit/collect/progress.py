"""What a collection tells whoever waits for it. The command line draws it; nothing here prints (PERF-07)."""

from typing import Protocol

from kubeaudit.snapshot import Outcome


class Progress(Protocol):
    """Told how reading goes on. Calls come from several threads, one at a time; a slow one holds reading up."""

    def start(self, total_kinds: int) -> None:
        """Discovery is done; this many kinds will be listed (a few may follow: fallbacks by namespace)."""

    def page(self, resource: str, items_so_far: int, total_estimate: int | None) -> None:
        """A page was read; the estimate is the server's, which gives none for some lists."""

    def done(self, resource: str, outcome: Outcome) -> None:
        """A kind has been read in one scope, or has not, for good."""


class Silent:
    """Tells nobody."""

    def start(self, total_kinds: int) -> None:
        """See :class:`Progress`."""

    def page(self, resource: str, items_so_far: int, total_estimate: int | None) -> None:
        """See :class:`Progress`."""

    def done(self, resource: str, outcome: Outcome) -> None:
        """See :class:`Progress`."""
