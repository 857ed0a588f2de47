"""One call in a worker: the `ctx` of its function, and how its end reaches the engine."""

from __future__ import annotations

import threading
import time

from .context import Context
from .errors import Interrupted, RenError
from .failure import failure, is_interruption
from .items import LazyItems, LineItems
from .outbox import Throttle
from .output import LINE_LIMIT, Lines
from .protocol import compact, cut, frame, message, value_message
from .values import encode, encode_checkpoint, encode_result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

    from .function import Function
    from .outbox import Outbox

    Answer = Union[Dict[str, Any], BaseException]

PROGRESS_SECONDS = 0.2
CHECKPOINT_SECONDS = 1.0
ALIVE_SECONDS = 1.0


class Call(Context):
    """A call from its frame to its one end. After the end nothing more is sent about it."""

    def __init__(
        self,
        head: Dict[str, Any],
        function: Function,
        outbox: Outbox,
        folders: Sequence[str],
        ended: Callable[[Call], None],
    ) -> None:
        super().__init__(
            run=head.get("run", ""),
            flow=head.get("flow", ""),
            node=head.get("node", ""),
            key=head.get("key"),
            index=head.get("index"),
            attempt=head.get("attempt", 1),
            idempotency_key=head.get("idempotency_key", ""),
            deadline=head.get("deadline"),
            checkpoint=head.get("checkpoint"),
        )
        self.number: int = head["call"]
        self.function = function
        self.task: Any = None
        self._arguments: Dict[str, Any] = head.get("args") or {}
        self._lazy: Dict[str, int] = head.get("lazy") or {}
        self._outbox = outbox
        self._folders = folders
        self._on_end = ended
        self._lock = threading.Lock()
        self._ended = False
        self._paused = False
        self._cancelled = False
        self._alive_at = time.monotonic()  # the call itself is the first sign of life
        self._throttles: Dict[str, Throttle] = {}
        self._lines: Dict[str, Lines] = {}
        self._requests: Dict[int, Callable[[Answer], None]] = {}
        self._request_count = 0

    # What the function sees ------------------------------------------------------------------------

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def check(self) -> None:
        if self.stopping:
            raise Interrupted("the call was cancelled" if self._cancelled else "the run pauses")
        now = time.monotonic()
        if now - self._alive_at >= ALIVE_SECONDS:
            self._alive_at = now
            self._send(frame(b'{"type":"alive","call":%d}' % self.number))

    def progress(self, done: float, total: Optional[float] = None, text: str = "") -> None:
        for number in (done, total):
            if number is not None and (isinstance(number, bool) or not isinstance(number, (int, float))):
                raise TypeError("ctx.progress takes numbers, not {!r}".format(number))
        fields = {"type": "progress", "call": self.number, "done": done, "total": total}
        fields["text"] = cut(str(text), LINE_LIMIT)
        self._throttle("progress", PROGRESS_SECONDS).offer(message(fields))

    def checkpoint(self, value: Any, wait: bool = False) -> None:
        data = encode_checkpoint(value)
        self._outbox.wait_for_room()
        throttle = self._throttle("checkpoint", CHECKPOINT_SECONDS)
        head = {"type": "checkpoint", "call": self.number}
        if wait:
            answer = self._ask(lambda number: throttle.send_now(value_message({**head, "id": number}, "value", data)))
            if "error" in answer:
                raise RenError("the checkpoint was refused: {}".format(answer["error"]))
        else:
            throttle.offer(value_message({**head, "id": self._next_request()}, "value", data))
        self.last_checkpoint = value

    def _write_log(self, level: str, text: str, fields: Dict[str, Any]) -> None:
        head = {"type": "log", "call": self.number, "level": level, "text": cut(text, LINE_LIMIT)}
        head["time"] = time.time()
        if fields:
            self._send(value_message(head, "fields", _fields(fields)))
        else:
            self._send(message(head))

    # What it prints and logs -----------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether nothing can be said about the call any more, also because this is a forked child."""
        return self._ended or self._outbox.abandoned

    def take_output(self, level: str, text: str) -> None:
        """Takes printed text as log lines."""
        with self._lock:
            lines = self._lines.setdefault(level, Lines()).feed(text)
        for line in lines:
            self._write_log(level, line, {})

    def log_record(self, level: str, text: str, logger: str) -> None:
        """Takes a record of `logging`."""
        self._write_log(level, text, {} if logger == "root" else {"logger": logger})

    # What the engine says --------------------------------------------------------------------------

    @property
    def stopping(self) -> bool:
        """Whether `check` raises: pause or cancel has come."""
        return self._paused or self._cancelled

    def pause(self) -> None:
        """The run pauses."""
        self._paused = True

    def cancel(self) -> None:
        """The engine wants the call to end now. Nobody waits for an answer any more."""
        self._cancelled = True
        for deliver in list(self._requests.values()):
            deliver(Interrupted("the call was cancelled"))
        task = self.task
        if task is not None:
            task.get_loop().call_soon_threadsafe(task.cancel)

    def answer(self, head: Dict[str, Any]) -> None:
        """A page or the fate of a checkpoint has come."""
        deliver = self._requests.get(head.get("id", 0))
        if deliver is not None:
            deliver(head)
        elif "error" in head:
            self._outbox.put(message({**_log_head(self.number), "text": "refused: {}".format(head["error"])}))

    # Arguments -------------------------------------------------------------------------------------

    def arguments(self) -> Dict[str, Any]:
        """The arguments, for a blocking function. Raises `BadArguments`."""
        found, whole = self._bind()
        for name in whole:
            found[name] = list(found[name])
        return self._complete(found)

    async def arguments_async(self) -> Dict[str, Any]:
        """The arguments, for an `async` function. Raises `BadArguments`."""
        found, whole = self._bind()
        for name in whole:
            found[name] = [value async for value in found[name]]
        return self._complete(found)

    def _bind(self) -> Tuple[Dict[str, Any], List[str]]:
        """The arguments with lazy ones in them, and which of those the function wants as lists."""
        signature = self.function.signature
        signature.check_names(self._arguments, self._lazy)
        found = self._arguments
        stored = [name for name in found if LineItems.is_reference(found[name])]
        if not self._lazy and not stored:
            return found, []
        lists = signature.lists
        for name in stored:
            found[name] = LineItems(found[name], None if name in lists else signature.element_converter(name))
        for name, total in self._lazy.items():
            convert = None if name in lists else signature.element_converter(name)
            found[name] = LazyItems(total, *self._readers(name), convert)
        return found, [name for name in lists if name in self._lazy or name in stored]

    def _complete(self, found: Dict[str, Any]) -> Dict[str, Any]:
        signature = self.function.signature
        found = signature.convert(found)
        if signature.context is not None:
            found[signature.context] = self
        return found

    def _readers(self, name: str) -> Tuple[Callable[[int], Any], Callable[[int], Any]]:
        """How the pages of a lazy argument are read, waiting and awaiting."""
        head = {"type": "read", "call": self.number}

        def request(start: int) -> Callable[[int], None]:
            return lambda number: self._send(message({**head, "id": number, "argument": name, "from": start}))

        def page(answer: Dict[str, Any]) -> Tuple[List[Any], Optional[int]]:
            if "error" in answer:
                raise RenError("argument {!r} cannot be read: {}".format(name, answer["error"]))
            return answer["values"], answer.get("next")

        async def read_async(start: int) -> Tuple[List[Any], Optional[int]]:
            return page(await self._ask_async(request(start)))

        return lambda start: page(self._ask(request(start))), read_async

    # Questions to the engine -----------------------------------------------------------------------

    def _next_request(self) -> int:
        with self._lock:
            self._request_count += 1
            return self._request_count

    def _ask(self, send: Callable[[int], None]) -> Dict[str, Any]:
        """Sends a request and waits for its answer. Raises `Interrupted` on cancel."""
        arrived = threading.Event()
        box: List[Answer] = []

        def deliver(answer: Answer) -> None:
            box.append(answer)
            arrived.set()

        number = self._open_request(deliver)
        try:
            send(number)
            arrived.wait()
        finally:
            del self._requests[number]
        return _opened(box[0])

    async def _ask_async(self, send: Callable[[int], None]) -> Dict[str, Any]:
        import asyncio

        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()

        def resolve(answer: Answer) -> None:
            if not future.done():
                future.set_result(answer)

        def deliver(answer: Answer) -> None:
            loop.call_soon_threadsafe(resolve, answer)

        number = self._open_request(deliver)
        try:
            send(number)
            return _opened(await future)
        finally:
            del self._requests[number]

    def _open_request(self, deliver: Callable[[Answer], None]) -> int:
        if self.is_over:
            raise RuntimeError("the call is over: its ctx and its lazy arguments cannot be used any more")
        number = self._next_request()
        self._requests[number] = deliver
        if self._cancelled:
            deliver(Interrupted("the call was cancelled"))
        return number

    # The end ---------------------------------------------------------------------------------------

    def succeed(self, value: Any) -> None:
        """The function returned."""
        try:
            data = encode_result(value)
        except BaseException as error:  # BadResult, or what the iterable of ren.Items raised
            self.fail(error)
        else:
            self._end(frame(b'{"type":"result","call":%d,"value":%b}' % (self.number, data)))

    def fail(self, error: BaseException) -> None:
        """The function raised."""
        if self.stopping and is_interruption(error):
            self._end(message({"type": "interrupted", "call": self.number}))
        else:
            self._end(message(failure(self.number, error, self._folders)))

    def _end(self, last: bytes) -> None:
        if self._outbox.abandoned:  # a forked child has come back from the function: it has no business here
            import os

            os._exit(0)
        for level, lines in list(self._lines.items()):
            rest = lines.finish()
            if rest:
                self._write_log(level, rest, {})
        if "checkpoint" in self._throttles:
            self._throttles["checkpoint"].flush()
        with self._lock:
            if self._ended:
                return
            self._ended = True
            self._outbox.put(last)
        self._on_end(self)

    def _send(self, data: bytes) -> None:
        self._outbox.wait_for_room()
        self._put(data)

    def _put(self, data: bytes) -> None:
        if self._outbox.abandoned:
            return
        with self._lock:
            if not self._ended:
                self._outbox.put(data)

    def _throttle(self, kind: str, seconds: float) -> Throttle:
        found = self._throttles.get(kind)
        if found is None:
            found = self._throttles.setdefault(kind, Throttle(self._outbox, seconds, self._put))
        return found


def _log_head(number: int) -> Dict[str, Any]:
    return {"type": "log", "call": number, "level": "warning", "time": time.time()}


def _opened(answer: Answer) -> Dict[str, Any]:
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _fields(fields: Dict[str, Any]) -> bytes:
    """The fields of a log line as JSON; what is not JSON as text, because a log line must not fail the attempt."""
    members: Dict[str, bytes] = {}
    for name, value in fields.items():
        try:
            data = encode(value)
        except Exception:
            data = compact(cut(str(value), LINE_LIMIT)).encode()
        members[compact(cut(name, 200))] = data
    joined = b",".join(b"%s:%s" % (name.encode(), data) for name, data in members.items())
    if len(joined) > 8 * LINE_LIMIT:
        joined = b'"cut":' + compact(cut(joined.decode(), LINE_LIMIT)).encode()
    return b"{" + joined + b"}"
