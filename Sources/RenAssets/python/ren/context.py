"""What a function may know and do about its own attempt: `ctx`.

`Context` itself is the quiet one: outside an engine it accepts everything and does nothing, so that
a decorated function can be called like any other. `testing.Context` remembers what was done with
it; the worker's `Call` sends it to the engine.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any, Callable, Dict, Optional, Union


class Log:
    """Structured log lines of one attempt: `ctx.log.info("fetched", bytes=123)`.

    Lines are cut to 8 KiB. Fields that are not JSON are written as text.
    """

    __slots__ = ("_write",)

    def __init__(self, write: Callable[[str, str, Dict[str, Any]], None]) -> None:
        self._write = write

    def debug(self, text: object, /, **fields: Any) -> None:
        """What only helps when looking for a fault."""
        self._write("debug", str(text), fields)

    def info(self, text: object, /, **fields: Any) -> None:
        """What happened."""
        self._write("info", str(text), fields)

    def warning(self, text: object, /, **fields: Any) -> None:
        """What somebody should look at."""
        self._write("warning", str(text), fields)

    def error(self, text: object, /, **fields: Any) -> None:
        """What went wrong, without ending the attempt."""
        self._write("error", str(text), fields)


class Context:
    """One attempt of one node or item, seen from inside the function.

    Nothing here blocks, except `checkpoint(…, wait=True)` and `artifact`, which wait for the disk.
    """

    run: str
    """The run's identifier."""
    flow: str
    """The flow's name."""
    node: str
    """The node's name."""
    key: Optional[str]
    """The item's key; None for a node without `each`."""
    index: Optional[int]
    """The item's place in the list, from 0; None for a node without `each`."""
    attempt: int
    """The number of this try, from 1."""
    idempotency_key: str
    """The same in all attempts of this node or item: hand it to outside systems."""
    deadline: Optional[float]
    """When the attempt times out, in seconds since 1970 as of `time.time()`; None: never."""
    last_checkpoint: Any
    """What `checkpoint` saved last, in this attempt or an earlier one; None: nothing."""

    def __init__(
        self,
        *,
        run: str = "r_direct",
        flow: str = "direct",
        node: str = "direct",
        key: Optional[str] = None,
        index: Optional[int] = None,
        attempt: int = 1,
        idempotency_key: str = "r_direct/direct",
        deadline: Optional[float] = None,
        checkpoint: Any = None,
    ) -> None:
        self.run = run
        self.flow = flow
        self.node = node
        self.key = key
        self.index = index
        self.attempt = attempt
        self.idempotency_key = idempotency_key
        self.deadline = deadline
        self.last_checkpoint = checkpoint

    @property
    def log(self) -> Log:
        """Structured log lines; `print` and `logging` are captured as well."""
        return Log(self._write_log)

    @property
    def cancelled(self) -> bool:
        """Whether the engine wants this call to end now."""
        return False

    def check(self) -> None:
        """A good place to stop, and a sign of life for `heartbeat`. Call it often: it is cheap.

        Raises `ren.Interrupted` when the run pauses or the call was cancelled.
        """

    def progress(self, done: float, total: Optional[float] = None, text: str = "") -> None:
        """Shows how far the function is. Live only: at most 5 a second are sent, none is stored."""

    def checkpoint(self, value: Any, wait: bool = False) -> None:
        """Saves `value` (JSON, at most 1 MiB) for the next attempt's `last_checkpoint`.

        At most one a second is sent, the last one always. With `wait` it is durable on return, else
        soon after. Raises `ren.BadResult` when the value is not JSON or too large.
        """

    def artifact(self, name: str, data: Union[bytes, str, os.PathLike[str]]) -> Dict[str, Any]:
        """Stores bytes, or the file at a path, and returns a reference to put into the result.

        The content is flushed to disk on return. Text is given as `text.encode()`: a plain `str` is
        a path. Outside an engine the file lies in a temporary folder.
        """
        from . import artifacts

        return artifacts.store(name, data)

    def _write_log(self, level: str, text: str, fields: Dict[str, Any]) -> None:
        """Where log lines go: outside an engine nowhere."""

    def __repr__(self) -> str:
        return "<ren.Context {} {} attempt {}>".format(self.run, self.node, self.attempt)


QUIET = Context()
"""What `ctx` is when a function is called directly and leaves it out. It holds no state: anything
that would be remembered is not."""
