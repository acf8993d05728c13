"""Files, folders and standard input (decisions.md, Input; LP-08)."""

import io
from pathlib import Path

import pytest

from kubeaudit.collect.files import File, Skipped, read_files
from kubeaudit.errors import CollectError, UsageError


def entries(*paths: str | Path, stdin: bytes = b"") -> list[File | Skipped]:
    return list(read_files([str(path) for path in paths], io.BytesIO(stdin)))


def test_a_folder_is_read_below_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/z.yml", "a/b/c.json", "c.yaml", "README.md", "a/values.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    found = [item.where for item in entries(tmp_path)]
    assert found == [str(tmp_path / name) for name in ("b.yaml", "c.yaml", "a/z.yml", "a/b/c.json")]


def test_links_in_a_folder_are_named_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.yaml").write_text("a")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.yaml").symlink_to(tmp_path / "out" / "a.yaml")
    (folder / "more").symlink_to(tmp_path / "out")
    (folder / "note.txt").symlink_to(tmp_path / "out" / "a.yaml")
    assert entries(folder) == [
        Skipped(str(folder / "link.yaml"), "is a symbolic link: not followed"),
        Skipped(str(folder / "more"), "is a symbolic link: not followed"),
    ]
    assert entries(folder / "link.yaml") == [File(str(folder / "link.yaml"), b"a")]


def test_every_file_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a")
    assert len(entries(tmp_path, tmp_path / "a.yaml", f"{tmp_path}/./a.yaml")) == 1
    assert entries("-", "-", stdin=b"x") == [File("-", b"x")]


@pytest.mark.parametrize("url", ["https://example.com/a.yaml", "http://x", "git+ssh://x", "file:///etc/a.yaml"])
def test_lp_08_a_url_is_refused_before_anything_is_read(url: str) -> None:
    """LP-08."""
    with pytest.raises(UsageError) as caught:
        next(iter(read_files(["absent.yaml", url], io.BytesIO())))
    assert caught.value.message.startswith(url)
    assert caught.value.hint


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        entries(tmp_path / "absent.yaml")
    assert caught.value.message == f"cannot read {tmp_path}/absent.yaml: no such file or directory"
    assert caught.value.exit_code == 2


def test_what_cannot_be_read_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    with pytest.raises(CollectError) as caught:
        entries(tmp_path / "loop.yaml")
    assert caught.value.message.startswith(f"cannot read {tmp_path}/loop.yaml: ")
    assert caught.value.exit_code == 3
