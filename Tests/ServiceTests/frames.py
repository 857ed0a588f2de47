"""WebSocket frames byte by byte, also those that no client would send (RFC 6455, section 5.2)."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import time
from pathlib import Path

from service import Service

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
HELLO = json.dumps({"op": "hello", "client": "tests/1"}).encode()


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    first = (0x80 if fin else 0) | (reserved << 4) | opcode
    head = announced(first, len(payload), masked)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def announced(first: int, length: int, masked: bool = True) -> bytes:
    """The head of a frame without mask and payload."""
    bit = 0x80 if masked else 0
    if length < 126:
        return bytes([first, bit | length])
    if length < 65536:
        return bytes([first, bit | 126]) + struct.pack(">H", length)
    return bytes([first, bit | 127]) + struct.pack(">Q", length)


class RawSocket:
    """An upgraded connection."""

    def __init__(self, service: Service, *fields: str, token: bool = True, buffer: int | None = None) -> None:
        self.wire = socket.socket()
        if buffer:
            self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.wire.settimeout(10)
        self.wire.connect((service.host, service.port))
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", key)
        self.wire.sendall(service.head_of("GET", "/api/v1/stream", *upgrade, *fields, token=token))
        self.received = b""
        while b"\r\n\r\n" not in self.received:
            piece = self.wire.recv(4096)
            assert piece, f"closed in the handshake after {self.received!r}"
            self.received += piece
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        self.status = int(self.head.split()[1])

    def __enter__(self) -> RawSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def send(self, data: bytes) -> None:
        # It may be closed while we still speak: why stands in what was received.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wire.sendall(data)

    def next(self, seconds: float = 10) -> tuple[int, bytes] | None:
        """Opcode and payload of the next frame; nil at the end of the connection."""
        self.wire.settimeout(seconds)
        head = self._take(2)
        if head is None:
            return None
        assert not head[1] & 0x80, "a server never masks"
        length = head[1] & 0x7F
        if length == 126:
            length = struct.unpack(">H", self._take(2) or b"\0\0")[0]
        elif length == 127:
            length = struct.unpack(">Q", self._take(8) or bytes(8))[0]
        payload = self._take(length)
        return None if payload is None else (head[0] & 0x0F, payload)

    def close_code(self, seconds: float = 10) -> int | None:
        """Reads up to the close frame and says why; nil for an end without one."""
        deadline = time.monotonic() + seconds
        while got := self.next(max(0.01, deadline - time.monotonic())):
            opcode, payload = got
            if opcode == CLOSE:
                return struct.unpack(">H", payload[:2])[0] if payload else 1005
        return None

    def is_ended(self, seconds: float = 5) -> bool:
        """Whether the TCP connection ends; what still comes is dropped."""
        self.wire.settimeout(seconds)
        try:
            while self.wire.recv(65536):
                pass
        except ConnectionResetError:
            pass
        except TimeoutError:
            return False
        return True

    def waiting_bytes(self) -> int:
        """What the service has handed to the kernel and we have not taken, on systems that tell."""
        ours, theirs = (f":{address[1]:04X}" for address in (self.wire.getsockname(), self.wire.getpeername()))
        for line in Path("/proc/net/tcp").read_text().splitlines():
            _, local, remote, _, queues, *_ = line.split()
            if local.endswith(theirs) and remote.endswith(ours):
                return int(queues.split(":")[0], 16)
        return 0

    def _take(self, count: int) -> bytes | None:
        while len(self.received) < count:
            try:
                piece = self.wire.recv(65536)
            except ConnectionResetError:
                return None
            if not piece:
                return None
            self.received += piece
        taken, self.received = self.received[:count], self.received[count:]
        return taken
