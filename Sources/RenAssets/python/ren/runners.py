"""Where functions run: blocking ones in threads, `async` ones on one event loop of their own."""

from __future__ import annotations

import contextvars
import queue
import sys
import threading
from collections import deque

from .errors import Interrupted
from .output import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Deque, List, Optional

    from .calls import Call


class BlockingRunner:
    """Up to `limit` threads, each started when there is work for it and nobody is free."""

    def __init__(self) -> None:
        self.limit = 4
        self._calls: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open = 0
        self._threads = 0

    def submit(self, call: Call) -> None:
        """Runs the call as soon as a thread is free."""
        with self._lock:
            self._open += 1
            starts = self._open > self._threads and self._threads < self.limit
            self._threads += starts
        self._calls.put(call)
        if starts:
            threading.Thread(target=self._work, name="ren-{}".format(self._threads), daemon=True).start()

    def _work(self) -> None:
        while True:
            call = self._calls.get()
            # A context of its own: what a function sets in context variables ends with its call.
            contextvars.copy_context().run(self._run, call)
            del call
            with self._lock:
                self._open -= 1

    @staticmethod
    def _run(call: Call) -> None:
        current.set(call)
        try:
            if call.stopping:
                raise Interrupted("the call was not begun")
            value = call.function.callable(**call.arguments())
        except BaseException as error:  # also SystemExit: a function does not end the process
            call.fail(error)
        else:
            call.succeed(value)


class AsyncRunner:
    """One event loop in a thread of its own, with up to `limit` calls at a time."""

    def __init__(self) -> None:
        self.limit = 64
        self._lock = threading.Lock()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._waiting: Deque[Call] = deque()
        self._running = 0

    def start(self) -> asyncio.AbstractEventLoop:
        """Starts the loop, once. Importing asyncio takes as long as starting Python: better before the first call."""
        with self._lock:
            if self._loop is None:
                import asyncio

                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._serve, args=(self._loop,), name="ren-async", daemon=True).start()
            return self._loop

    def submit(self, calls: List[Call]) -> None:
        """Runs the calls in turn; one wake-up of the loop for all of them."""
        self.start().call_soon_threadsafe(self._begin, calls)

    @staticmethod
    def _serve(loop: asyncio.AbstractEventLoop) -> None:
        import asyncio

        asyncio.set_event_loop(loop)
        while True:
            try:
                loop.run_forever()
            except BaseException as error:  # SystemExit in a task that a function left behind
                sys.stderr.write("ren: {!r} in a background task was ignored\n".format(error))

    def _begin(self, calls: List[Call]) -> None:
        self._waiting.extend(calls)
        loop = self._loop
        assert loop is not None
        while self._waiting and self._running < self.limit:
            call = self._waiting.popleft()
            self._running += 1
            call.task = loop.create_task(self._run(call))

    async def _run(self, call: Call) -> None:
        current.set(call)
        try:
            if call.stopping:
                raise Interrupted("the call was not begun")
            value = await call.function.callable(**await call.arguments_async())
        except BaseException as error:
            call.fail(error)
        else:
            call.succeed(value)
        finally:
            self._running -= 1
            if self._waiting:
                self._begin([])
