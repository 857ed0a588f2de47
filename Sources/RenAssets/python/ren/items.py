"""`ren.Items`: a long list that is not in memory as a whole, as an argument or as a result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, AsyncIterator, Callable, Dict, Iterable, List, Optional, Tuple


class Items(Sequence):  # type: ignore[type-arg]
    """A lazy sequence of JSON values.

    As a result, `ren.Items(iterable)` lets a function return more than fits into a message: above
    16 MiB the engine gets an artifact of JSON Lines. As an argument it reads the engine's list page
    by page: `len`, `for`, `async for`, `items[17]`, `items[10:20]`.

    A generator is walked once, and has neither length nor indexes.
    """

    def __init__(self, iterable: Iterable[Any] = ()) -> None:
        if not hasattr(iterable, "__iter__"):
            hint = "; collect it first: ren.Items([x async for x in …])" * hasattr(iterable, "__aiter__")
            raise TypeError("ren.Items takes an iterable, not {}{}".format(type(iterable).__name__, hint))
        self._source: Optional[Iterable[Any]] = iterable

    def __class_getitem__(cls, item: Any) -> Any:
        """`ren.Items[dict]` in a type hint."""
        import types

        return types.GenericAlias(cls, item)

    def _sequence(self) -> Sequence[Any]:
        """The source, if it is more than a generator. `list` asks for `len` and wants a `TypeError`."""
        if not isinstance(self._source, Sequence):
            raise TypeError("ren.Items of a generator have neither length nor indexes: give them a list")
        return self._source

    def _open(self) -> Iterable[Any]:
        """The source; a generator is handed out once."""
        source = self._source
        if source is None:
            raise RuntimeError("the iterable of these ren.Items is used up: it can be walked once")
        if isinstance(source, Iterator):
            self._source = None
        return source

    def __iter__(self) -> Iterator[Any]:
        return iter(self._open())

    async def __aiter__(self) -> AsyncIterator[Any]:
        for value in self:
            yield value

    def __len__(self) -> int:
        return len(self._sequence())

    def __getitem__(self, index: Any) -> Any:
        return self._sequence()[index]

    def __repr__(self) -> str:
        known = isinstance(self._source, Sequence)
        return "<ren.Items of {}>".format(len(self) if known else "unknown length")


class LineItems(Items):
    """A long list that an earlier function returned as `ren.Items`: an artifact of JSON Lines.

    Walks read the file line by line; the first index or slice notes where each line begins.
    """

    def __init__(self, reference: Dict[str, Any], convert: Optional[Callable[[Any], Any]] = None) -> None:
        from .artifacts import folder

        self._path = folder() + "/" + reference["artifact"].partition(":")[2]
        self._total: int = reference["lines"]
        self._convert = convert
        self._starts: Optional[List[int]] = None

    @staticmethod
    def is_reference(value: Any) -> bool:
        """Whether an argument is what `ren.Items` became on its way."""
        if not isinstance(value, dict) or not isinstance(value.get("lines"), int):
            return False
        name = value.get("artifact")
        return isinstance(name, str) and name.startswith("sha256:") and len(name) == 71 and name[7:].isalnum()

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[Any]:
        with open(self._path, "rb") as file:
            for line in file:
                yield self._value(line)

    async def __aiter__(self) -> AsyncIterator[Any]:
        for value in self:
            yield value

    def __getitem__(self, index: Any) -> Any:
        places = range(self._total)[index]  # understands negative places, raises IndexError
        if self._starts is None:
            with open(self._path, "rb") as file:
                starts = [0]
                for line in file:
                    starts.append(starts[-1] + len(line))
            self._starts = starts
        with open(self._path, "rb") as file:
            if isinstance(places, int):
                return self._read(file, places)
            return [self._read(file, place) for place in places]

    def _read(self, file: Any, place: int) -> Any:
        assert self._starts is not None
        file.seek(self._starts[place])
        return self._value(file.readline())

    def _value(self, line: bytes) -> Any:
        import json

        value = json.loads(line)
        return value if self._convert is None else self._convert(value)

    def __repr__(self) -> str:
        return "<ren.Items of {}>".format(self._total)


class LazyItems(Items):
    """An argument that stays with the engine and is read page by page.

    The newest page is kept, so a walk costs one request per page; jumping about costs one each.
    """

    STRIDE = 256

    def __init__(
        self,
        total: int,
        read: Callable[[int], Tuple[List[Any], Optional[int]]],
        read_async: Callable[[int], Any],
        convert: Optional[Callable[[Any], Any]] = None,
    ) -> None:
        self._total = total
        self._read = read
        self._read_async = read_async
        self._convert = convert
        self._kept: Tuple[int, List[Any], Optional[int]] = (0, [], 0)

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[Any]:
        start: Optional[int] = 0 if self._total else None
        while start is not None:
            values, start = self._page(start)
            yield from values

    async def __aiter__(self) -> AsyncIterator[Any]:
        start: Optional[int] = 0 if self._total else None
        while start is not None:
            page = self._remembered(start) or self._keep(start, await self._read_async(start))
            for value in page[0]:
                yield value
            start = page[1]

    def __reversed__(self) -> Iterator[Any]:
        for stop in range(self._total, 0, -self.STRIDE):
            yield from reversed(self[max(0, stop - self.STRIDE) : stop])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._slice(range(self._total)[index])
        place = range(self._total)[index]  # understands negative places, raises IndexError
        start, values, _ = self._kept
        if start <= place < start + len(values):
            return values[place - start]
        return self._page(place)[0][0]

    def _slice(self, wanted: range) -> List[Any]:
        """The places of `wanted`, read forward in one go whatever its step."""
        if not wanted:
            return []
        first, last = min(wanted), max(wanted)
        found: List[Any] = []
        start: Optional[int] = first
        while start is not None and start <= last:
            values, start = self._page(start)
            found += values
        return [found[place - first] for place in wanted]

    def _page(self, start: int) -> Tuple[List[Any], Optional[int]]:
        return self._remembered(start) or self._keep(start, self._read(start))

    def _remembered(self, start: int) -> Optional[Tuple[List[Any], Optional[int]]]:
        """The rest of the kept page from `start` on, if that lies in it."""
        kept_start, values, following = self._kept
        offset = start - kept_start
        if 0 <= offset < len(values):
            return (values[offset:] if offset else values), following
        return None

    def _keep(self, start: int, page: Tuple[List[Any], Optional[int]]) -> Tuple[List[Any], Optional[int]]:
        """Remembers a page that came, after a look whether it can be one."""
        values, following = page
        if not values or (following is not None and following != start + len(values)):
            raise RuntimeError(
                "the engine's page from {} has {} values and goes on at {}".format(start, len(values), following)
            )
        if self._convert is not None:
            values = [self._convert(value) for value in values]
        self._kept = (start, values, following)
        return values, following

    def __repr__(self) -> str:
        return "<ren.Items of {}>".format(self._total)
