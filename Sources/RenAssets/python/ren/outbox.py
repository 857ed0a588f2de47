"""Frames on their way to the engine, and things to do a little later.

One thread, the process's main one, writes; everybody else only appends. So the results of many
calls go out in one write, and no thread of the protocol ever waits for the engine to read.
"""

from __future__ import annotations

import heapq
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Callable, List, Optional, Tuple


class Outbox:
    """A queue of frames with one writer."""

    ROOM = 8 * 1024 * 1024
    """Bytes that may wait before functions have to: one that prints without end must not fill memory."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._emptied = threading.Condition(self._lock)
        self._frames: List[bytes] = []
        self._size = 0
        self._timers: List[Tuple[float, int, Callable[[], None]]] = []
        self._timer_count = 0
        self._closing = False
        self.abandoned = False

    def put(self, frame: bytes) -> None:
        """Appends a frame. Never waits."""
        if self.abandoned:
            return
        with self._lock:
            self._frames.append(frame)
            self._size += len(frame)
            self._filled.notify()

    def wait_for_room(self) -> None:
        """Waits while too much is queued. Not for the threads of the protocol."""
        if self._size > self.ROOM and not self.abandoned:
            with self._lock:
                self._emptied.wait_for(lambda: self._size <= self.ROOM)

    def later(self, when: float, action: Callable[[], None]) -> None:
        """Runs `action`, which must not wait, at `when` (monotonic seconds) or soon after."""
        if self.abandoned:
            return
        with self._lock:
            self._timer_count += 1
            heapq.heappush(self._timers, (when, self._timer_count, action))
            self._filled.notify()

    def close(self) -> None:
        """Lets `run` return once everything is written."""
        with self._lock:
            self._closing = True
            self._filled.notify()

    def abandon(self) -> None:
        """In a forked child: nothing is sent any more, and no lock of the parent is touched."""
        self.abandoned = True

    def run(self) -> None:
        """Writes until `close`. Raises `OSError` when the engine is gone."""
        while True:
            with self._lock:
                due = self._wait()
                frames, self._frames = self._frames, []
                if not frames and not due and self._closing:
                    return
            if frames:
                self._connection.sendall(b"".join(frames))
                with self._lock:
                    self._size -= sum(map(len, frames))
                    self._emptied.notify_all()
            for action in due:
                action()

    def _wait(self) -> List[Callable[[], None]]:
        """Waits for frames or timers; the timers that are due. The lock is held."""
        while True:
            now = time.monotonic()
            due = []
            while self._timers and self._timers[0][0] <= now:
                due.append(heapq.heappop(self._timers)[2])
            if due or self._frames or self._closing:
                return due
            self._filled.wait(self._timers[0][0] - now if self._timers else None)


class Throttle:
    """The newest frame of a kind, at most one per interval; the last one is never lost."""

    def __init__(self, outbox: Outbox, interval: float, send: Callable[[bytes], None]) -> None:
        self._outbox = outbox
        self._interval = interval
        self._send = send
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._is_timed = False
        self._waiting: Optional[bytes] = None

    def offer(self, frame: bytes) -> None:
        """Sends the frame now or, when one has just been sent, at the end of the interval."""
        with self._lock:
            self._waiting = frame
            if self._is_timed:
                return
        self._tick()

    def send_now(self, frame: bytes) -> None:
        """Sends the frame in place of one that waits."""
        with self._lock:
            self._waiting = frame
        self.flush()

    def flush(self) -> None:
        """Sends the frame that waits, if there is one."""
        with self._lock:
            frame, self._waiting = self._waiting, None
            self._free_at = time.monotonic() + self._interval
        if frame is not None:
            self._send(frame)

    def _tick(self) -> None:
        """Sends what waits if it is time; else comes back when it is."""
        with self._lock:
            self._is_timed = self._waiting is not None and time.monotonic() < self._free_at
            if self._is_timed:
                self._outbox.later(self._free_at, self._tick)
                return
        self.flush()
