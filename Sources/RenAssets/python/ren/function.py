"""The decorator `@ren.function` and the table of what it registered."""

from __future__ import annotations

import os
import sys

from .errors import RegistrationError
from .signature import Signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Mapping, NoReturn, Optional, Sequence, TypeVar, Union, overload

    F = TypeVar("F", bound=Callable[..., Any])
    Retry = Union[int, Mapping[str, Any]]


class Function:
    """A registered function: the callable, its options and where it stands."""

    def __init__(self, target: Callable[..., Any], name: Optional[str], options: Mapping[str, Any]) -> None:
        code = _code(target)
        self.callable = target
        self.file = os.path.abspath(code.co_filename)
        self.line = code.co_firstlineno
        module = sys.modules.get(target.__module__)
        self.loaded_from = getattr(module, "__spec__", None)
        self.name = name or "{}.{}".format(_module_name(target.__module__, self.file), target.__name__)
        self.doc = (target.__doc__ or "").strip().split("\n")[0]
        self.signature = Signature(target, code, self.refuse)
        self.options = _checked_options(options, self.refuse)
        if not _is_name(self.name):
            self.refuse("the name {!r} is not letters, digits, '_', '-' and single dots".format(self.name))

    @property
    def is_async(self) -> bool:
        """Whether it is an `async def`."""
        return self.signature.is_async

    def call(self, arguments: Mapping[str, Any], context: Any) -> Any:
        """Calls it outside a worker, to its end: arguments and result are as JSON has them.

        Raises `BadArguments`, `BadResult`, and what the function raises.
        """
        import json

        from .values import encode

        self.signature.check_names(arguments, {})
        values = self.signature.convert(dict(arguments))
        if self.signature.context is not None:
            values[self.signature.context] = context
        result = self.callable(**values)
        if self.is_async:
            import asyncio

            async def finish() -> Any:
                return await result

            result = asyncio.run(finish())
        return json.loads(encode(result))

    def refuse(self, message: str, parameter: Optional[str] = None) -> NoReturn:
        """Raises `RegistrationError` with file, line, function and parameter."""
        where = "function {}".format(self.name)
        if parameter is not None:
            where += ", parameter {!r}".format(parameter)
        raise RegistrationError("{}:{}: {}: {}".format(self.file, self.line, where, message))

    def describe(self) -> Dict[str, Any]:
        """The function as the engine gets to know it (F in the worker protocol)."""
        signature = self.signature
        return {
            "name": self.name,
            "file": self.file,
            "line": self.line,
            "async": self.is_async,
            "doc": self.doc[:500],
            "parameters": signature.schema,
            "lists": signature.lists,
            "takes_context": signature.context is not None,
            **self.options,
        }


registry: Dict[str, Function] = {}
"""Every function of this process by name: the only table calls are looked up in."""

if TYPE_CHECKING:

    @overload
    def function(target: F, /) -> F: ...

    @overload
    def function(
        name: Optional[str] = None,
        /,
        *,
        requires: Sequence[str] = (),
        retry: Optional[Retry] = None,
        timeout: Optional[str] = None,
        heartbeat: Optional[str] = None,
        once: bool = False,
    ) -> Callable[[F], F]: ...

    @overload
    def function(
        *,
        name: Optional[str] = None,
        requires: Sequence[str] = (),
        retry: Optional[Retry] = None,
        timeout: Optional[str] = None,
        heartbeat: Optional[str] = None,
        once: bool = False,
    ) -> Callable[[F], F]: ...


def function(*given: Any, **options: Any) -> Any:
    """Registers a function with ren: `@ren.function`, `@ren.function("name", retry=3)`.

    The function itself is handed back. Options, each of which the flow's node may override:

    - `name`: `module.function` unless given
    - `requires`: pip requirements, written as literals so that they are known before the import
    - `retry`: the number of attempts, or `{"attempts", "every", "factor", "longest", "jitter", "total"}`
    - `timeout` of one attempt, `heartbeat`: longest silence of it, such as `"2m"` (ms, s, m, h, d)
    - `once`: never tried again; when its end is unknown, a person decides

    Raises `RegistrationError`, which names file, line and parameter.
    """
    if len(given) == 1 and not options and not isinstance(given[0], str) and given[0] is not None:
        return _register(given[0], None, {})
    if len(given) > 1 or (given and not isinstance(given[0], (str, type(None)))):
        raise RegistrationError("@ren.function takes a name and keyword options, not {!r}".format(given))
    name = given[0] if given else options.pop("name", None)
    return lambda target: _register(target, name, options)


def _register(target: Any, name: Optional[str], options: Mapping[str, Any]) -> Any:
    if not hasattr(target, "__code__"):
        kind = type(target).__name__
        raise RegistrationError(
            "@ren.function stands above a plain function, not above a {}: {!r}".format(kind, target)
        )
    if name is not None and not isinstance(name, str):
        raise RegistrationError("@ren.function: name must be text, not {!r}".format(name))
    made = Function(target, name, options)
    known = registry.get(made.name)
    if known is not None and not _is_newer(made, known):
        made.refuse("the name is taken by {}:{}".format(known.file, known.line))
    registry[made.name] = made
    made.signature.add_quiet_context()
    target.__ren__ = made
    return target


def _is_newer(made: Function, known: Function) -> bool:
    """Whether the same function was loaded again: a reload, or a notebook cell run again."""
    same = made.callable.__module__ == known.callable.__module__
    same = same and made.callable.__qualname__ == known.callable.__qualname__
    return same and (made.loaded_from is not known.loaded_from or not os.path.exists(made.file))


def _code(target: Any) -> Any:
    """The code of the innermost function, below other decorators."""
    while hasattr(target, "__wrapped__"):
        target = target.__wrapped__
    return target.__code__


def _module_name(module: str, file: str) -> str:
    """The module's name; that of the file when it was started as a script."""
    if module != "__main__":
        return module
    return os.path.splitext(os.path.basename(file))[0] if os.path.exists(file) else "main"


def _is_name(name: str) -> bool:
    parts = name.replace("-", "_").split(".")
    return len(name) <= 200 and all(("_" + part).isidentifier() and part for part in parts)


# Options -----------------------------------------------------------------------------------------

_UNITS = ("ms", "s", "m", "h", "d")
_RETRY = ("attempts", "every", "factor", "longest", "jitter", "total")
_OTHER_WORDS = {"retries": "retry", "backoff": "retry", "require": "requires", "time_out": "timeout"}


def _checked_options(options: Mapping[str, Any], refuse: Callable[..., NoReturn]) -> Dict[str, Any]:
    """The options as the engine reads them; those that say nothing are left out."""
    found: Dict[str, Any] = {}
    for option, value in options.items():
        check = _CHECKS.get(option)
        if check is None:
            near = _OTHER_WORDS.get(option)
            known = "did you mean {!r}?".format(near) if near else "known are {}".format(", ".join(_CHECKS))
            refuse("unknown option {!r}: {}".format(option, known))
        if value is not None and value is not False and value != ():
            try:
                found[option] = check(value)
            except ValueError as error:
                refuse("{}: {}".format(option, error))
    return found


def _duration(value: Any) -> str:
    number = value.rstrip("dhms") if isinstance(value, str) else ""
    if not (number.isascii() and number.isdigit() and value[len(number) :] in _UNITS and int(number) > 0):
        raise ValueError('{!r} is no duration: write text such as "500ms", "30s", "2m", "24h", "30d"'.format(value))
    return str(value)


def _requires(value: Any) -> List[str]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) and entry.strip() for entry in value):
        raise ValueError('{!r} is no list of requirements: write ["pillow>=10"]'.format(value))
    return [entry.strip() for entry in value]


def _once(value: Any) -> bool:
    if value is not True:
        raise ValueError("True or False, not {!r}".format(value))
    return True


def _retry(value: Any) -> Dict[str, Any]:
    policy = {"attempts": value} if isinstance(value, int) else value
    if not isinstance(policy, dict):
        raise ValueError("a number of attempts or a dict, not {!r}".format(value))
    for key, entry in policy.items():
        if key not in _RETRY:
            raise ValueError("unknown key {!r}: known are {}".format(key, ", ".join(_RETRY)))
        if key in ("every", "longest", "total"):
            try:
                _duration(entry)
            except ValueError as error:
                raise ValueError("{}: {}".format(key, error)) from None
        elif isinstance(entry, bool) or not isinstance(entry, (int, float)):
            raise ValueError("{}: a number, not {!r}".format(key, entry))
        elif key == "attempts" and not (isinstance(entry, int) and entry >= 1):
            raise ValueError("attempts: a whole number from 1, not {!r}".format(entry))
        elif key == "factor" and not 1 <= entry < float("inf"):
            raise ValueError("factor: a number from 1, not {!r}".format(entry))
        elif key == "jitter" and not 0 <= entry <= 1:
            raise ValueError("jitter: a number from 0 to 1, not {!r}".format(entry))
    return dict(policy)


_CHECKS: Dict[str, Callable[[Any], Any]] = {
    "requires": _requires,
    "retry": _retry,
    "timeout": _duration,
    "heartbeat": _duration,
    "once": _once,
}
