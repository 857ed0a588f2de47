"""What functions print or log: within a call it becomes the call's log, outside it goes to 1 and 2.

The engine reads descriptors 1 and 2 as well, so what C libraries and child processes write is not
lost; it only is not known which call it belongs to.
"""

from __future__ import annotations

import contextvars
import io
import os
import sys

from .protocol import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Any, List, Optional, TextIO

    from .calls import Call

LINE_LIMIT = 8 * 1024
"""Most bytes of a line of log, note included."""
KEPT = LINE_LIMIT - 64
"""Most bytes of a line that something had to be cut off."""

current: contextvars.ContextVar[Optional[Call]] = contextvars.ContextVar("ren.call", default=None)
"""The call that the running code belongs to; tasks and `asyncio.to_thread` inherit it."""


class Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of a worker."""

    def __init__(self, level: str, real: TextIO) -> None:
        self._level = level
        self._real = real

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not {}".format(type(text).__name__))
        call = current.get()
        if call is None or call.is_over:
            self._real.write(text)
        else:
            call.take_output(self._level, text)
        return len(text)

    def flush(self) -> None:
        self._real.flush()

    def fileno(self) -> int:
        return self._real.fileno()

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Stays open: other calls print as well."""

    def reconfigure(self, **_: Any) -> None:
        """Accepted, because scripts call it; the text of a call is always UTF-8."""

    @property
    def buffer(self) -> Any:
        """Bytes go to the descriptor."""
        return self._real.buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"


class Lines:
    """Cuts text into lines: as a terminal shows them, and at most 8 KiB of each."""

    def __init__(self) -> None:
        self._rest = ""
        self._dropped = 0

    def feed(self, text: str) -> List[str]:
        """The lines that `text` completes."""
        parts = text.split("\n")
        found = []
        for part in parts[:-1]:
            self._add(part)
            found.append(self.finish())
        self._add(parts[-1])
        return found

    def finish(self) -> str:
        """What has no newline yet, as a line."""
        line, dropped = self._rest.rstrip("\r"), self._dropped
        self._rest, self._dropped = "", 0
        line = line[line.rfind("\r") + 1 :]  # a progress bar draws over itself
        line = cut(line, KEPT)
        return "{} ({:,} characters more)".format(line, dropped) if dropped else line

    def _add(self, part: str) -> None:
        redraw = part.rstrip("\r").rfind("\r") + 1
        if redraw:
            self._rest, self._dropped, part = "", 0, part[redraw:]
        room = KEPT - len(self._rest)
        self._rest += part[:room]
        self._dropped += max(0, len(part) - room)


def capture() -> None:
    """Gives descriptor 0 to nobody and puts `Stream`s into `sys`. Once, before user code."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if null != 0:
        os.close(null)
    sys.stdout = Stream("info", _real(sys.stdout))
    sys.stderr = Stream("warning", _real(sys.stderr))


def _real(stream: Any) -> Any:
    """The stream of a descriptor, made so that no text can upset it."""
    if stream is None:  # the descriptor was closed when Python started
        stream = open(os.devnull, "w")
    stream.reconfigure(errors="backslashreplace", line_buffering=True)
    return stream


def capture_logging() -> None:
    """Attributes `logging` to calls. After user code was imported, so that its `basicConfig` counts.

    Handlers of the root logger that would print are replaced; its level stays as it is.
    """
    import logging

    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, logging.StreamHandler) and isinstance(handler.stream, Stream):
            root.removeHandler(handler)
    root.addHandler(_log_handler(logging.Handler))


def _log_handler(base: Any) -> logging.Handler:
    """A handler of the class that `logging`, imported only now, offers."""

    class CallHandler(base):  # type: ignore[misc]
        def emit(self, record: logging.LogRecord) -> None:
            try:
                call = current.get()
                text = self.format(record)
                if call is None or call.is_over:
                    sys.stderr.write("{}:{}:{}\n".format(record.levelname, record.name, text))
                else:
                    call.log_record(_level(record.levelno), text, record.name)
            except Exception:
                self.handleError(record)

    handler: logging.Handler = CallHandler()
    return handler


def _level(number: int) -> str:
    for limit, level in ((40, "error"), (30, "warning"), (20, "info")):
        if number >= limit:
            return level
    return "debug"
