"""For tests of functions, without an engine:

ctx = ren.testing.Context(checkpoint={"page": 3})
out = scrape(url, ctx=ctx)
assert ctx.progress_calls[-1].done == 4

result = ren.testing.call("functions/shop.py", "shop.scrape", {"url": url})   # as a worker would
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Union

from . import context, loading
from .errors import Interrupted, RegistrationError
from .function import registry
from .values import encode_checkpoint


class Progress(NamedTuple):
    """One call of `ctx.progress`."""

    done: float
    total: Optional[float]
    text: str


class LogLine(NamedTuple):
    """One call of `ctx.log.…`."""

    level: str
    text: str
    fields: Dict[str, Any]


class Context(context.Context):
    """A `ctx` that remembers what a function did with it.

    Takes what `ren.Context` has as keywords. `pause()` and `cancel()` make `check()` raise, as the
    engine would; `stop_at_check=3` does that at the third `check()`.
    """

    def __init__(self, *, stop_at_check: Optional[int] = None, **known: Any) -> None:
        super().__init__(**{"run": "r_test", "flow": "test", "node": "test", **known})
        self.progress_calls: List[Progress] = []
        self.checkpoints: List[Any] = []
        self.logs: List[LogLine] = []
        self.artifacts: Dict[str, bytes] = {}
        self.checks = 0
        self._stop_at_check = stop_at_check
        self._paused = False
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def pause(self) -> None:
        """As if the run paused."""
        self._paused = True

    def cancel(self) -> None:
        """As if the engine cancelled the call."""
        self._cancelled = True

    def check(self) -> None:
        self.checks += 1
        if self._paused or self._cancelled or self.checks == self._stop_at_check:
            raise Interrupted("the call was cancelled" if self._cancelled else "the run pauses")

    def progress(self, done: float, total: Optional[float] = None, text: str = "") -> None:
        self.progress_calls.append(Progress(done, total, text))

    def checkpoint(self, value: Any, wait: bool = False) -> None:
        import json

        saved = json.loads(encode_checkpoint(value))
        self.checkpoints.append(saved)
        self.last_checkpoint = saved

    def artifact(self, name: str, data: Union[bytes, str, os.PathLike[str]]) -> Dict[str, Any]:
        from . import artifacts

        reference = artifacts.store(name, data)
        with open(os.path.join(artifacts.folder(), reference["artifact"][len("sha256:") :]), "rb") as file:
            self.artifacts[name] = file.read()
        return reference

    def _write_log(self, level: str, text: str, fields: Dict[str, Any]) -> None:
        self.logs.append(LogLine(level, text, fields))


def call(file: Union[str, os.PathLike[str]], name: str, arguments: Mapping[str, Any], **known: Any) -> Any:
    """Loads a function file and calls the function that ren knows as `name`, as a worker would.

    Arguments and result are as JSON has them; `known` is what `ren.Context` has, such as `key="sku-1"`.
    Raises `RegistrationError` for a name that the file does not have, `BadArguments`, `BadResult`,
    and what the function raises.
    """
    path = os.fspath(file)
    loading.prepare_path([path])
    loading.load(path)
    if name not in registry:
        raise RegistrationError("{}: no function {!r}: there are {}".format(path, name, ", ".join(sorted(registry))))
    return registry[name].call(arguments, Context(**known))
