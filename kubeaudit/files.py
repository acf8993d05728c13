"""Writing a file so that it is there whole or not at all (REP-07): for snapshots and for every output."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from kubeaudit.errors import OutputError


def write(path: Path, blocks: Iterable[bytes]) -> None:
    """Write under a temporary name, mode 0600, then rename; a pipe or device is written to as it is.

    Raises :class:`OutputError`.
    """
    try:
        if path.exists() and not path.is_file():
            # Renaming would put a file in the place of /dev/null, /dev/stdout or a named pipe.
            with path.open("wb") as device:
                device.writelines(blocks)
            return
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(blocks)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        hint = "choose a folder that exists and that you may write to"
        raise OutputError(f"cannot write {path}: {error.strerror or error}", hint) from error
