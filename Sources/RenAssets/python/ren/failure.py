"""An exception as the engine gets to know it (E in the worker protocol)."""

from __future__ import annotations

import os

from .errors import BadArguments, Interrupted, Permanent, RetryAfter
from .protocol import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Dict, List, Optional, Sequence

MESSAGE_LIMIT = 2 * 1024
TRACE_LIMIT = 64 * 1024
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class UnknownFunction(Exception):
    """A call names what this worker has not registered."""


def failure(number: int, error: BaseException, folders: Sequence[str]) -> Dict[str, Any]:
    """The message that ends a call with this error."""
    found: Dict[str, Any] = {"type": "failure", "call": number, "error": describe(error, folders)}
    if isinstance(error, (Permanent, BadArguments, UnknownFunction)):
        found["permanent"] = True
    if isinstance(error, RetryAfter):
        found["retry_after"] = error.seconds
    return found


def describe(error: BaseException, folders: Sequence[str]) -> Dict[str, Any]:
    """Name, message, the last place in the user's own files (in `folders`) and the trace."""
    found = {"name": cut(type(error).__name__, 200), "message": cut(_message(error), MESSAGE_LIMIT)}
    frame = _own_frame(error, folders)
    if frame:
        found["frame"] = cut(frame, MESSAGE_LIMIT)
    found["trace"] = cut(_trace(error), TRACE_LIMIT, tail=TRACE_LIMIT // 4)
    return found


def is_interruption(error: BaseException) -> bool:
    """Whether a function stopped because it was asked to; also when a task group wraps that."""
    members = getattr(error, "exceptions", None)
    if isinstance(members, tuple) and members:
        return all(is_interruption(member) for member in members)
    # By name, so that asyncio need not be loaded for functions without it.
    return isinstance(error, Interrupted) or type(error).__name__ == "CancelledError"


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "the function called sys.exit({})".format("" if error.code is None else repr(error.code))
    try:
        return str(error)
    except Exception as second:  # a __str__ of the user's own
        return "(its text cannot be shown: {} in __str__)".format(type(second).__name__)


def _trace(error: BaseException) -> str:
    import traceback

    try:
        return "".join(traceback.format_exception(type(error), error, _below_ren(error.__traceback__)))
    except Exception as second:  # also this runs code of the user's own
        return "{}: (no trace: {})".format(type(error).__name__, type(second).__name__)


def _below_ren(trace: Optional[TracebackType]) -> Optional[TracebackType]:
    """The trace from the first frame that is not ren's own."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_HERE):
        trace = trace.tb_next
    return trace


def _own_frame(error: BaseException, folders: Sequence[str]) -> Optional[str]:
    if isinstance(error, SyntaxError) and error.filename:
        return _place(error.filename, error.lineno or 0, "", folders)
    found: Optional[str] = None
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        found = _place(code.co_filename, trace.tb_lineno, code.co_name, folders) or found
        trace = trace.tb_next
    return found


def _place(file: str, line: int, name: str, folders: Sequence[str]) -> Optional[str]:
    """`shop.py:41 in fetch` for a file of the user's own, else None."""
    file = os.path.abspath(file)
    if "site-packages" in file or "dist-packages" in file:  # a venv inside the project
        return None
    inside: List[str] = [folder for folder in folders if file.startswith(os.path.join(folder, ""))]
    if not inside:
        return None
    shown = os.path.relpath(file, max(inside, key=len))
    return "{}:{}{}".format(shown, line, " in " + name if name else "")
