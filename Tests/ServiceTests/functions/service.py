"""Functions that the tests of the service run."""

import asyncio
import os
import time

import ren


@ren.function
def echo(value: object = None) -> object:
    return value


@ren.function
def note(log: str, ctx: ren.Context) -> str:
    """Leaves one line in a file: what happened is counted outside of ren."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, f"{ctx.run}\n".encode())
    finally:
        os.close(file)
    return ctx.run


@ren.function
def numbers(count: int) -> list:
    return list(range(count))


@ren.function
async def double(n: int, seconds: float = 0) -> int:
    await asyncio.sleep(seconds)
    return 2 * n


@ren.function
def slow(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@ren.function
def say(text: str, ctx: ren.Context) -> None:
    ctx.log.info(text)


@ren.function
def third(n: int) -> int:
    """Fails for every third number."""
    if n % 3 == 0:
        raise ValueError(f"{n} is a third one")
    return n


@ren.function
def file(text: str, ctx: ren.Context) -> dict:
    return ctx.artifact("text.txt", text.encode())
