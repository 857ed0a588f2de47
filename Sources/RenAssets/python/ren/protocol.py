"""Frames of worker protocol 1: a 4-byte big-endian length, then one JSON object in UTF-8.

Knows bytes and JSON text, not what the messages mean.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

VERSION = 1
LIMIT = 16 * 1024 * 1024
"""Most bytes of JSON in one frame."""

compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode
"""A value that is known to be JSON, as text without spaces."""


class ProtocolError(Exception):
    """The other side sent what cannot be a frame."""


def frame(body: bytes) -> bytes:
    """One JSON object as a frame."""
    if len(body) > LIMIT:
        raise ProtocolError("a frame of {:,} bytes is over the limit of {:,}".format(len(body), LIMIT))
    return len(body).to_bytes(4, "big") + body


def message(fields: Dict[str, Any]) -> bytes:
    """A message as a frame. Text with lone surrogates is sent with `?` in their place."""
    return frame(compact(fields).encode("utf-8", "replace"))


def value_message(head: Dict[str, Any], name: str, value: bytes) -> bytes:
    """A message whose last member is JSON already: it is spliced in as it stands."""
    return frame(b'%s,"%s":%s}' % (compact(head).encode()[:-1], name.encode(), value))


def cut(text: str, limit: int, tail: int = 0) -> str:
    """Text of at most `limit` bytes of UTF-8, with a note where something was left out.

    The last `tail` bytes are kept. Lone surrogates become `?`.
    """
    if len(text) * 4 <= limit and text.isascii():
        return text
    if len(text) > 4 * limit:  # do not encode 1 GB to keep 2 KiB of it
        text = text[: 2 * limit] + text[len(text) - 2 * limit :]
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return data.decode()
    head = data[: limit - tail - len(_CUT.encode())].decode("utf-8", "ignore")
    return head + _CUT + data[len(data) - tail :].decode("utf-8", "ignore") * bool(tail)


_CUT = " … (cut) … "


class FrameReader:
    """Turns received bytes into messages, however they were cut on the way."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> List[Dict[str, Any]]:
        """The messages that are complete with `data`. Raises `ProtocolError`."""
        self._bytes += data
        messages = []
        start, end = 0, len(self._bytes)
        while end - start >= 4:
            length = int.from_bytes(self._bytes[start : start + 4], "big")
            if not 0 < length <= LIMIT:
                raise ProtocolError("a frame length of {:,} bytes".format(length))
            if end - start - 4 < length:
                break
            messages.append(self._decode(self._bytes[start + 4 : start + 4 + length]))
            start += 4 + length
        if start:
            del self._bytes[:start]
        return messages

    @staticmethod
    def _decode(body: bytearray) -> Dict[str, Any]:
        try:
            found = json.loads(body.decode())
        except (ValueError, RecursionError) as error:
            raise ProtocolError("a frame that is not JSON: {}".format(error)) from error
        if not isinstance(found, dict):
            raise ProtocolError("a frame that is not a JSON object")
        return found
