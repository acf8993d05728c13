"""Plain text tables: columns as wide as their content, no colours, safe to pipe."""

from collections.abc import Iterable, Sequence

from kubeaudit.report.visible import visible

_GAP = "  "


def table(head: Sequence[str], rows: Iterable[Sequence[str]], indent: str = "") -> list[str]:
    """The lines of a table: ``head`` in capitals, then one line a row. The last column is not padded.

    Characters that a terminal would act on are shown as escapes. Without rows there are no lines.
    """
    cells = [[visible(cell) for cell in row] for row in rows]
    if not cells:
        return []
    lines = [[title.upper() for title in head], *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return [
        (indent + _GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))).rstrip()
        for line in lines
    ]
