"""Large data beside the journal: files named by the SHA-256 of their content.

The folder is the engine's (`REN_ARTIFACTS`), outside an engine a temporary one. A file gets its
final name only when it is whole and on disk; `.tmp-…` is what a crash may leave.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Dict, Optional, Union

_CHUNK = 1024 * 1024
_temporary: Optional[str] = None


def folder() -> str:
    """Where artifacts lie."""
    global _temporary
    given = os.environ.get("REN_ARTIFACTS")
    if given:
        return given
    if _temporary is None:
        import tempfile

        _temporary = tempfile.mkdtemp(prefix="ren-artifacts-")
    return _temporary


def store(name: str, data: Union[bytes, bytearray, memoryview, str, os.PathLike[str]]) -> Dict[str, Any]:
    """Stores bytes or the file at a path; a reference to it, once it is durable."""
    if not isinstance(name, str) or not name or len(name) > 200 or "/" in name or not name.isprintable():
        raise ValueError("an artifact's name is 1 to 200 printable characters without '/', not {!r}".format(name))
    if isinstance(data, (bytes, bytearray, memoryview)):
        with _Draft() as draft:
            draft.write(data)
            return draft.keep(name)
    try:
        source = open(data, "rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL byte, so surely no path
        if isinstance(data, str):
            raise type(error)("{} (a str is a path; to store text, give text.encode())".format(error)) from error
        raise
    with source, _Draft() as draft:
        while True:
            chunk = source.read(_CHUNK)
            if not chunk:
                return draft.keep(name)
            draft.write(chunk)


class Lines:
    """An artifact of JSON Lines, written one line at a time."""

    def __init__(self) -> None:
        self._draft = _Draft()
        self._count = 0

    def add(self, line: bytes) -> None:
        """One JSON value, without its newline."""
        self._draft.write(line + b"\n")
        self._count += 1

    def finish(self, name: str) -> Dict[str, Any]:
        """The reference, once the file is durable."""
        return {**self._draft.keep(name), "lines": self._count}

    def discard(self) -> None:
        """Removes what was not finished; nothing after `finish`."""
        self._draft.close()


class _Draft:
    """A file on its way to its name."""

    def __init__(self) -> None:
        import hashlib
        import tempfile

        self._folder = folder()
        descriptor, self._path = tempfile.mkstemp(prefix=".tmp-", dir=self._folder)
        self._file: Optional[BinaryIO] = open(descriptor, "wb", buffering=_CHUNK)
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: Union[bytes, bytearray, memoryview]) -> None:
        assert self._file is not None
        view = memoryview(data).cast("B")
        self._file.write(view)
        self._hash.update(view)
        self._size += view.nbytes

    def keep(self, name: str) -> Dict[str, Any]:
        """Flushes the file, names it and flushes the folder, in this order."""
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        digest = self._hash.hexdigest()
        # The same content again replaces itself: simpler than trusting what lies there.
        os.replace(self._path, os.path.join(self._folder, digest))
        self._file.close()
        self._file = None
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return {"artifact": "sha256:" + digest, "name": name, "bytes": self._size}

    def close(self) -> None:
        """Removes the file unless it was kept."""
        if self._file is not None:
            self._file.close()
            self._file = None
            os.unlink(self._path)

    def __enter__(self) -> _Draft:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
