"""An output file appears whole or not at all, and whether it can be written is known before the work."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from pellucid.errors import OutputError, near_miss

Location = str | os.PathLike[str]


def check_writable(
    path: Location,
    *,
    overwrite: bool = False,
    needed_bytes: int = 0,
    noun: str = "a model",
    to_overwrite: str = "overwrite=True",
) -> None:
    """Raise `OutputError` if a file could not be written to ``path``; to be called before hours of training.

    needed_bytes : what the file will take, as far as that is known
    noun, to_overwrite : for messages: what is written, and how to say that a file that exists is to be replaced
    """
    path = Path(path)
    refused = f"cannot write {noun} to {str(path)!r}"
    if os.path.isdir(path):
        raise OutputError(f"{refused}: it is a folder. Give the name of a file in it.")
    if not os.path.isdir(path.parent):
        raise OutputError(
            f"{refused}: there is no folder {str(path.parent)!r}"
            f"{near_path(path.parent) or '.'} Create the folder, or give another one."
        )
    trial = _temporary(path)
    try:
        if _exists(path) and not overwrite:
            raise OutputError(f"{refused}: the file exists. Give another name, or replace it with {to_overwrite}.")
        free = shutil.disk_usage(path.parent).free
        with open(trial, "xb"):  # the one sure answer to whether a file may be created here
            pass
    except OutputError:
        raise
    except OSError as error:
        raise unwritten(refused, error, needed_bytes) from error
    finally:
        with contextlib.suppress(OSError):
            trial.unlink()
    if free < max(needed_bytes, 1):
        needs = f"it needs {needed_bytes:,} bytes, and the disk has" if needed_bytes else "the disk has"
        raise OutputError(f"{refused}: {needs} {free:,} free. Free some space, or give a folder on another disk.")


@contextlib.contextmanager
def whole_file(
    path: Location, *, overwrite: bool = False, needed_bytes: int = 0, noun: str = "a model"
) -> Iterator[Path]:
    """Give a name in the same folder to write to; the file is renamed at the end, or removed after an error."""
    path = Path(path)
    temporary = _temporary(path)
    refused = f"cannot write {noun} to {str(path)!r}"
    try:
        yield temporary
        if not overwrite:
            try:
                open(path, "xb").close()  # of two writers at the same moment, only one gets the name
            except FileExistsError as error:
                raise OutputError(f"{refused}: the file exists since a moment ago. Give another name.") from error
        try:
            os.replace(temporary, path)
        except BaseException:
            if not overwrite:
                path.unlink()
            raise
    except OutputError:
        raise
    except OSError as error:
        raise unwritten(refused, error, needed_bytes) from error
    finally:
        with contextlib.suppress(OSError):  # there is nothing to remove once it is renamed
            temporary.unlink()


def near_path(path: Path) -> str:
    """Return ``"; did you mean 'x'?"`` for the first part of ``path`` that does not exist, or an empty string."""
    for part in (path, *path.parents):
        if os.path.isdir(part.parent):
            with contextlib.suppress(OSError):
                return near_miss(part.name, set(os.listdir(part.parent)) - {part.name})
    return ""


def _temporary(path: Path) -> Path:
    return path.parent / f".pellucid-{secrets.token_hex(8)}.tmp"


def _exists(path: Path) -> bool:
    try:
        os.lstat(path)  # unlike Path.exists, it sees a dangling link, and tells of a name that cannot be
    except FileNotFoundError:
        return False
    return True


def unwritten(refused: str, error: OSError, needed_bytes: int = 0) -> OutputError:
    """Return the error for a file that could not be written, with the fix."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    fix = "Free some space, or give a folder on another disk." if full else "Give a path where you may create files."
    size = f", which needs {needed_bytes:,} bytes" if full and needed_bytes else ""
    return OutputError(f"{refused}{size}: {error.strerror or error}. {fix}")
