"""The lab server's own list of which recording is which, for studies that show no names.

It never leaves this machine. `facemirror submit --pseudonymize` writes it, `facemirror server`
reads it: both must run on the same machine as the same user (or share FACEMIRROR_REGISTER).
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import msgspec
from platformdirs import user_data_path

from tasks.messages import RecordingFiles, RecordingOrder

FOLDER_VARIABLE = "FACEMIRROR_REGISTER"
KEY_FILE = "pseudonym.key"
KEY_BYTES = 32
SHORTEST_PART = 3
"""Shorter parts of a path say nothing about anybody, and stand inside other words."""


class RegisterError(Exception):
    """A recording's name is not known here; the message says what to do."""


def register_folder() -> Path:
    """Where the register is: one file a study, and the key that pseudonyms are made with."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else user_data_path("facemirror", appauthor=False) / "register"


def pseudonym(source: Path) -> str:
    """The same for the same path, and not to be guessed without this machine's key.

    Raises RegisterError where the key is damaged.
    """
    digest = hmac.new(_key(), os.fsencode(source), hashlib.sha256).hexdigest()
    return f"recording-{digest[:12]}"


def write_register(study: str, files: Mapping[str, RecordingFiles]) -> Path:
    """Keep which recording (by id) is which. Raises OSError."""
    folder = _private_folder()
    path = folder / f"{study}.json"
    partial = folder / f".{study}.partial"
    partial.write_bytes(msgspec.json.encode(dict(files)))
    partial.replace(path)
    return path


def files_of(order: RecordingOrder) -> RecordingFiles:
    """Where a recording is and where its outputs go. Raises RegisterError."""
    if order.files is not None:
        return order.files
    path = register_folder() / f"{order.study}.json"
    try:
        return _read(path, path.stat().st_mtime_ns)[order.id]
    except (OSError, KeyError, msgspec.DecodeError) as error:
        raise RegisterError(
            f"the name behind {order.label} is not in this machine's register ({path}): start "
            "'facemirror server' where the study was submitted, as the same user"
        ) from error


def without_names(text: str, order: RecordingOrder) -> str:
    """A line that leaves this machine: names replaced by the label where the study hides them."""
    if order.files is not None:
        return text
    try:
        files = files_of(order)
    except RegisterError:
        return text
    parts = {files.source, files.output, files.name}
    for path in (Path(files.source), Path(files.output)):
        parts |= {path.name, path.stem, *path.parts}
    telling = sorted((p for p in parts if len(p) >= SHORTEST_PART), key=len, reverse=True)
    return re.sub("|".join(map(re.escape, telling)), order.label, text)


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> dict[str, RecordingFiles]:
    return msgspec.json.decode(path.read_bytes(), type=dict[str, RecordingFiles])


def _key() -> bytes:
    path = _private_folder() / KEY_FILE
    if not path.exists():
        fresh = path.with_name(f".{KEY_FILE}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_bytes(secrets.token_bytes(KEY_BYTES))
        with suppress(FileExistsError):  # somebody else's was faster
            path.hardlink_to(fresh)
        fresh.unlink()
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise RegisterError(
            f"{path} is not whole ({len(key)} of {KEY_BYTES} bytes), so names can be guessed: put "
            "it back from a backup, or delete it, which gives everybody another pseudonym"
        )
    return key


def _private_folder() -> Path:
    folder = register_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
