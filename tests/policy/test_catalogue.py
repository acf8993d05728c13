"""docs/policies.md is the catalogue of the shipped policies. ``KUBEAUDIT_UPDATE=1`` writes it anew."""

import os
from pathlib import Path

from kubeaudit.policy.catalogue import markdown

from .snapshots import shipped

PAGE = Path(__file__).parents[2] / "docs" / "policies.md"


def test_the_page_is_up_to_date() -> None:
    text = markdown(list(shipped().values()))
    if os.environ.get("KUBEAUDIT_UPDATE") == "1":
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "KUBEAUDIT_UPDATE=1 accepts the new text"


def test_every_policy_is_on_the_page_once() -> None:
    lines = markdown(list(shipped().values())).splitlines()
    assert [line.removeprefix("### ") for line in lines if line.startswith("### ")] == [
        policy.id for policy in sorted(shipped().values(), key=lambda one: (one.theme, one.id))
    ]
