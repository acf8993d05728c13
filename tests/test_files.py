"""REP-07: a file is there whole or not at all, for its owner only; pipes and devices stay what they are."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubeaudit.errors import OutputError
from kubeaudit.files import write


def test_written_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old and longer")
    write(path, [b"ne", b"w"])
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        write(path, blocks())
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_missing_folder_is_an_output_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write") as caught:
        write(tmp_path / "none" / "a", [b""])
    assert "folder that exists" in caught.value.hint


def test_a_named_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    said: list[bytes] = []
    reader = threading.Thread(target=lambda: said.append(pipe.read_bytes()))
    reader.start()
    write(pipe, [b"a", b"b"])
    reader.join()
    assert said == [b"ab"]
    assert pipe.is_fifo()
