"""Which policies run: ids, themes, globs (CHK-09)."""

import pytest
from msgspec import structs

from kubeaudit.errors import UsageError
from kubeaudit.policy.schema import Default
from kubeaudit.policy.select import select

from .snapshots import shipped

ALL = tuple(shipped().values())
WITH_OFF = tuple(structs.replace(p, default=Default.OFF) if p.id == "pod-privileged" else p for p in ALL)


def ids(chosen: list[str], ignored: list[str]) -> list[str]:
    return [policy.id for policy in select(ALL, chosen, ignored)]


def test_what_is_on_by_default_runs_where_nothing_is_selected() -> None:
    assert "pod-privileged" not in [policy.id for policy in select(WITH_OFF, [], [])]
    assert len(select(WITH_OFF, [], [])) == len(ALL) - 1


def test_what_is_off_runs_where_it_is_selected() -> None:
    assert [policy.id for policy in select(WITH_OFF, ["pod-priv*"], [])] == ["pod-privileged"]


def test_ids_themes_and_globs() -> None:
    assert ids(["pod-host-pid", "img-*"], []) == ["img-tag-latest", "pod-host-pid"]
    assert {shipped()[policy].theme for policy in ids(["network"], [])} == {"network"}


def test_ignored_ones_are_left_out() -> None:
    assert "pod-host-pid" not in ids([], ["pod-host-*"])
    assert ids(["pod-host-pid", "pod-privileged"], ["pod-host-pid"]) == ["pod-privileged"]


def test_unknown_words_are_an_error_that_names_what_looks_alike() -> None:
    with pytest.raises(UsageError) as caught:
        select(ALL, ["pod-priviledged", "pods-*"], ["netwrok"])
    told = caught.value.message.splitlines()
    assert told[1:] == [
        "  pod-priviledged names no check; did you mean pod-privileged?",
        "  pods-* names no check",
        "  netwrok names no check; did you mean network?",
    ]


def test_selecting_nothing_is_an_error() -> None:
    with pytest.raises(UsageError, match="no check is selected"):
        select(ALL, ["pod-host-pid"], ["workload"])
