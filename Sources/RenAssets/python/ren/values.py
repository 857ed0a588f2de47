"""What a function may return: checks a value and writes it as JSON.

Stricter than `json.dumps`, because the journal keeps the bytes for good: text keys only, no NaN, no
lone surrogates, 64-bit integers, depth 64. Dataclasses, enums and `ren.Items` are written as what
they hold.
"""

from __future__ import annotations

from . import artifacts
from .errors import BadResult
from .items import Items
from .protocol import LIMIT, compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

MAX_DEPTH = 64
INLINE_LIMIT = LIMIT - 4096
"""Most bytes of a result: a frame less its head."""
CHECKPOINT_LIMIT = 1024 * 1024

_HINTS = {
    "ndarray": "use .tolist()",
    "datetime": "use .isoformat()",
    "date": "use .isoformat()",
    "Decimal": "use str(…) or float(…)",
    "coroutine": "was an await forgotten?",
    "generator": "use ren.Items(…)",
    "set": "use sorted(…)",
    "bytes": "use ctx.artifact(…) or .decode()",
}


def encode_result(value: Any) -> bytes:
    """A function's result as JSON. Raises `BadResult`, which names the place inside the value."""
    data = encode(value)
    if len(data) > INLINE_LIMIT:
        raise BadResult(
            "the result has {:,} bytes, the limit is {:,}: return ren.Items(…) "
            "or a reference from ctx.artifact(…)".format(len(data), INLINE_LIMIT)
        )
    return data


def encode_checkpoint(value: Any) -> bytes:
    """A checkpoint as JSON. Raises `BadResult`, also above 1 MiB."""
    data = encode(value, "the checkpoint")
    if len(data) > CHECKPOINT_LIMIT:
        raise BadResult(
            "the checkpoint has {:,} bytes, the limit is {:,}: save a reference from ctx.artifact(…) instead".format(
                len(data), CHECKPOINT_LIMIT
            )
        )
    return data


def encode(value: Any, what: str = "the result") -> bytes:
    """Any value as JSON, of any size. Raises `BadResult`."""
    try:
        return compact(plain(value)).encode()
    except _Fault as fault:
        place = _cut("".join(reversed(fault.path)))
        raise BadResult("{} (in {}{})".format(fault, what, " at " + place if place else "")) from None


def _cut(place: str) -> str:
    """The beginning and the end of a long path: what is in between tells nobody anything."""
    return place if len(place) <= 120 else "{}…{}".format(place[:60], place[-48:])


class _Fault(Exception):
    """What is wrong with a value; the path is collected on the way out."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.path: List[str] = []


def plain(value: Any, depth: int = 1) -> Any:
    """The value as plain JSON types; the same object where nothing had to be changed."""
    kind = type(value)
    if kind is str:
        if not value.isascii():
            _check_text(value)
        return value
    if kind is bool or value is None:
        return value
    if kind is int:
        if not -0x8000_0000_0000_0000 <= value <= 0x7FFF_FFFF_FFFF_FFFF:
            raise _Fault("an integer outside 64 bits: write it as text")
        return value
    if kind is float:
        if value - value != 0:  # infinite or not a number
            raise _Fault("{} is not JSON: use None or text".format(value))
        return value
    if isinstance(value, dict):
        return _plain_dict(value, depth)
    if isinstance(value, (list, tuple)):
        return _plain_list(value, depth)
    return _plain_other(value, depth)


def _plain_dict(value: Dict[Any, Any], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _Fault("nested more than {} deep".format(MAX_DEPTH))
    changed: Dict[str, Any] = {}
    for key, child in value.items():
        try:
            if not isinstance(key, str):
                raise _Fault("the key {} is not text: use str(…)".format(_brief(key)))
            if not key.isascii():
                _check_text(key)
            new = plain(child, depth + 1)
        except _Fault as fault:
            fault.path.append(".{}".format(key) if _is_simple(key) else "[{}]".format(_brief(key)))
            raise
        if new is not child:
            changed[key] = new
    return {**value, **changed} if changed else value


def _plain_list(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _Fault("nested more than {} deep".format(MAX_DEPTH))
    changed: Dict[int, Any] = {}
    for place, child in enumerate(value):
        try:
            new = plain(child, depth + 1)
        except _Fault as fault:
            fault.path.append("[{}]".format(place))
            raise
        if new is not child:
            changed[place] = new
    return [changed.get(place, child) for place, child in enumerate(value)] if changed else value


def _plain_other(value: Any, depth: int) -> Any:
    """What is no JSON type itself: looked at by what it holds."""
    kind = type(value)
    if isinstance(value, Items):
        return _plain_items(value, depth)
    if hasattr(kind, "__dataclass_fields__"):
        fields = {name: getattr(value, name) for name in kind.__dataclass_fields__ if hasattr(value, name)}
        return _plain_dict(fields, depth)
    if hasattr(kind, "__members__"):  # an enum, also one of integers or text
        return plain(value.value, depth)
    for base in (str, int, float):  # a subclass, such as numpy.float64
        if isinstance(value, base):
            return plain(base(value), depth)
    hint = _HINTS.get(kind.__name__) or ("use .item()" if kind.__module__ == "numpy" else "")
    raise _Fault("{} is not JSON{}".format(kind.__name__, ": " + hint if hint else ""))


def _plain_items(items: Items, depth: int) -> Any:
    """The elements as a list, or, when their JSON is over the limit, a reference to an artifact."""
    if depth > MAX_DEPTH:
        raise _Fault("nested more than {} deep".format(MAX_DEPTH))
    values: List[Any] = []
    size = 2
    iterator = enumerate(items)
    lines = None
    try:
        for place, child in iterator:
            try:
                new = plain(child, depth + 1)
            except _Fault as fault:
                fault.path.append("[{}]".format(place))
                raise
            line = compact(new).encode()
            if len(line) > INLINE_LIMIT:
                raise BadResult("element {} of ren.Items has {:,} bytes".format(place, len(line)))
            size += len(line) + 1
            if lines is None and size > INLINE_LIMIT:
                lines = artifacts.Lines()
                for value in values:
                    lines.add(compact(value).encode())
                values.clear()
            if lines is None:
                values.append(new)
            else:
                lines.add(line)
        return values if lines is None else lines.finish("items.jsonl")
    finally:
        if lines is not None:
            lines.discard()


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _Fault("text with a lone surrogate at {}".format(error.start)) from None


def _is_simple(key: Any) -> bool:
    return isinstance(key, str) and key.isidentifier() and len(key) <= 80


def _brief(key: Any) -> str:
    """A key in a message: quoted, escaped, short."""
    text = ascii(key)
    return text if len(text) <= 80 else text[:77] + "…"
