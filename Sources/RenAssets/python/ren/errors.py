"""The exceptions of ren: those that steer a run, and those that say what is wrong.

Any other exception of a function is a failed attempt as well; these say more than that.
"""

from __future__ import annotations


class RenError(Exception):
    """What all errors of ren have in common."""


class RetryAfter(RenError):
    """The attempt failed; try again no earlier than `seconds` from now.

    The number of attempts stays that of the retry policy. `seconds` is at least 0 and finite.
    """

    def __init__(self, seconds: float, message: str = "") -> None:
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise TypeError("ren.RetryAfter takes seconds as a number, not {!r}".format(seconds))
        if not 0 <= seconds < float("inf"):
            raise ValueError("ren.RetryAfter takes 0 or more seconds, not {!r}".format(seconds))
        super().__init__(message or "try again in {:g} s".format(seconds))
        self.seconds = float(seconds)


class Permanent(RenError):
    """The attempt failed and another one would fail too: no retry."""


class Interrupted(BaseException):
    """The function stopped cleanly because the run pauses or the call was cancelled.

    `ctx.check()` raises it. Not an `Exception`, so that a loop with `except Exception` around one
    item does not swallow it (as asyncio does with `CancelledError`).
    """


class BadArguments(RenError, TypeError):
    """The arguments of a call do not fit the function's signature. Never retried."""


class BadResult(RenError, ValueError):
    """A value is not JSON, or too large; the message names the place inside it."""


class RegistrationError(RenError):
    """A function cannot be registered; the message names file, line and parameter."""
