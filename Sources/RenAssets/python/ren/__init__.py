"""ren: functions of a durable workflow, as plain Python.

    import ren

    @ren.function(retry=3, timeout="2m")
    def scrape(url: str, ctx: ren.Context) -> dict: ...

A decorated function stays the function it was: call it, test it, import it from elsewhere. The
engine finds it by its name (`module.function` unless given) and calls it in a worker process.

Where to start reading: `function.py` (the decorator), `signature.py` and `schema.py` (type hints),
`context.py` (what `ctx` offers), `worker.py` (the process), `calls.py` (one call in it). Importing
`ren` is cheap on purpose: no asyncio, inspect, logging or typing before somebody needs them.
"""

from __future__ import annotations

from .context import Context
from .errors import (
    BadArguments,
    BadResult,
    Interrupted,
    Permanent,
    RegistrationError,
    RenError,
    RetryAfter,
)
from .function import function
from .items import Items
from .main import main

__version__ = "0.1.0"

__all__ = [
    "BadArguments",
    "BadResult",
    "Context",
    "Interrupted",
    "Items",
    "Permanent",
    "RegistrationError",
    "RenError",
    "RetryAfter",
    "function",
    "main",
    "testing",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import testing as testing


def __getattr__(name: str) -> object:
    """`ren.testing` is loaded when somebody asks for it."""
    if name == "testing":
        import importlib

        return importlib.import_module("ren.testing")
    raise AttributeError("module 'ren' has no attribute {!r}".format(name))
