"""Expected outputs in tests/fixtures/report. ``KUBEAUDIT_UPDATE=1`` writes them anew; look at the difference then."""

import os
from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures" / "report"


def updating() -> bool:
    return os.environ.get("KUBEAUDIT_UPDATE") == "1"


def check(name: str, text: str, folder: Path = FIXTURES) -> None:
    """Compares with the file; a difference is left beside it as ``NAME.actual``."""
    path = folder / name
    if updating():
        path.write_text(text, encoding="utf-8")
        return
    actual = path.with_name(f"{path.name}.actual")
    if path.exists() and path.read_text(encoding="utf-8") == text:
        actual.unlink(missing_ok=True)
        return
    actual.write_text(text, encoding="utf-8")
    raise AssertionError(f"{path.name} differs: compare it with {actual.name}; KUBEAUDIT_UPDATE=1 accepts the new text")
