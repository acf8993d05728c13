"""Snapshots: what is missing, and the file on disk (REP-07, CHK-04)."""

import stat
import subprocess
from pathlib import Path

import pytest
from factory import admin_path, pod, snapshot
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubeaudit.errors import OutputError, SnapshotError
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import (
    FRAME_OBJECTS,
    MAGIC,
    BadDocument,
    Gap,
    Header,
    Outcome,
    Read,
    Snapshot,
    pack,
    pack_all,
    parse,
    read,
    unpack,
    write,
)


def made() -> Snapshot:
    bad = (BadDocument("a.yaml", "no YAML", 2, 7, ObjectRef("Pod", "shop", "x")),)
    return structs.replace(snapshot(admin_path("x"), {"nodes": Outcome.REFUSED}), bad=bad)


def file(tmp_path: Path, found: Snapshot | None = None) -> Path:
    path = tmp_path / "a.kubeaudit"
    write(found or made(), path)
    return path


def test_rep_07_written_and_read_is_the_same(tmp_path: Path) -> None:
    path = file(tmp_path)
    assert read(path) == made()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["a.kubeaudit"], "no temporary file is left"
    assert path.read_bytes()[:4] == MAGIC
    again = tmp_path / "b.kubeaudit"
    write(read(path), again)
    assert again.read_bytes() == path.read_bytes()


def test_rep_07_an_older_file_is_replaced_whole(tmp_path: Path) -> None:
    path = file(tmp_path)
    write(snapshot([pod()]), path)
    assert read(path) == snapshot([pod()])


def test_rep_07_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as error:
        write(made(), tmp_path / "none" / "a.kubeaudit")
    assert "cannot write" in str(error.value) and error.value.hint
    with pytest.raises(SnapshotError, match="cannot read"):
        read(tmp_path / "none")


def test_every_cut_and_every_flip_is_noticed(tmp_path: Path) -> None:
    data = file(tmp_path).read_bytes()
    for length in (*range(64), *range(64, len(data), 97)):
        with pytest.raises(SnapshotError):
            parse(data[:length], "a")
    body = data.index(b"\x28\xb5\x2f\xfd")
    for position in range(body, body + 20):
        flipped = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        with pytest.raises(SnapshotError):
            parse(flipped, "a")


@pytest.mark.parametrize(
    ("old", "new"), [(b'"count":1', b'"count":2'), (b'"objects":8', b'"objects":9'), (b'"frames":8', b'"frames":9')]
)
def test_counts_are_checked(tmp_path: Path, old: bytes, new: bytes) -> None:
    data = file(tmp_path).read_bytes()
    assert old in data
    with pytest.raises(SnapshotError, match="damaged"):
        parse(data.replace(old, new, 1), "a")


def test_other_versions_and_other_files_are_told(tmp_path: Path) -> None:
    data = file(tmp_path).read_bytes()
    with pytest.raises(SnapshotError, match=r"has format kubeaudit.snapshot/9"):
        parse(data.replace(b"kubeaudit.snapshot/1", b"kubeaudit.snapshot/9"), "a")
    for text in (b"", b"apiVersion: v1", b"\x1f\x8b", MAGIC, MAGIC + b"\x02\0\0\0{}"):
        with pytest.raises(SnapshotError):
            parse(text, "a")


def test_zstd_prints_plain_lines(tmp_path: Path) -> None:
    path = file(tmp_path)
    found = subprocess.run(["zstd", "-dc", str(path)], capture_output=True, check=False) if _has_zstd() else None
    if found is None:
        pytest.skip("the program zstd is not installed")
    assert len(found.stdout.splitlines()) == sum(frame.count for frame in made().frames)


def _has_zstd() -> bool:
    try:
        return subprocess.run(["zstd", "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@given(st.lists(st.integers(), max_size=1100))
def test_frames_hold_every_object_in_order(numbers: list[int]) -> None:
    texts = [str(number).encode() for number in numbers]
    frames = list(pack_all("pods", texts))
    assert [item for frame in frames for item in unpack(frame)] == texts
    assert [frame.count for frame in frames] == [
        len(texts[n : n + FRAME_OBJECTS]) for n in range(0, len(texts), FRAME_OBJECTS)
    ]


def test_indented_objects_stay_one_object() -> None:
    frame = pack("pods", [b'{\n  "a": 1,\r\n  "b": "x\\ny"\n}', b"{}"])
    first, second = unpack(frame)
    assert second == b"{}" and b'"x\\ny"' in first and frame.count == 2


@pytest.mark.parametrize("outcome", list(Outcome))
def test_chk_04_gaps_have_a_reason_each(outcome: Outcome) -> None:
    reasons = {
        Outcome.PARTIAL: "read-incomplete",
        Outcome.REFUSED: "forbidden",
        Outcome.UNAUTHORIZED: "unauthorized",
        Outcome.FAILED: "read-incomplete",
        Outcome.NOT_ASKED: "opt-in",
        Outcome.ABSENT: "file-not-visible",
    }
    found = Snapshot(Header("0", "live", "", ""), (Read("pods", "", outcome, status=403, detail="why"),), ()).gaps()
    wanted = (Gap("pods", "", reasons[outcome], 403, "why"),) if outcome in reasons else ()
    assert found == wanted


def test_chk_04_a_second_try_that_worked_leaves_no_gap() -> None:
    reads = (Read("pods", "a", Outcome.FAILED), Read("pods", "a", Outcome.COMPLETE), Read("pods", "b", Outcome.FAILED))
    assert [gap.scope for gap in Snapshot(Header("0", "live", "", ""), reads, ()).gaps()] == ["b"]


def test_counts_and_objects_by_resource() -> None:
    found = snapshot([pod("a"), pod("b")])
    assert found.count("pods") == len(list(found.objects("pods"))) == 2 and found.count("nodes") == 0
