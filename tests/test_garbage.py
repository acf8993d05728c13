"""The collector is paused where asked, and runs again afterwards."""

import gc

import pytest

from kubeaudit.garbage import collection_paused


def test_paused_inside_and_on_again_after_an_error() -> None:
    assert gc.isenabled()
    with pytest.raises(KeyError), collection_paused():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()


def test_an_inner_pause_leaves_the_outer_one_alone() -> None:
    before = gc.get_freeze_count()
    with collection_paused():
        with collection_paused(freeze=True):
            pass
        assert not gc.isenabled()
        assert gc.get_freeze_count() == before
    assert gc.isenabled()


def test_frozen_objects_are_left_out_of_later_collections() -> None:
    before = gc.get_freeze_count()
    try:
        with collection_paused(freeze=True):
            pass
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
