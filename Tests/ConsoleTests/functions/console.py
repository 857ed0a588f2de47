"""Functions of runs that the tests of the console look at."""

import asyncio
import os
import random
from pathlib import Path

import ren

#: When it is there, what failed works.
HEALED = Path(__file__).with_name("healed")
#: While it is there, the last of every hundred go on.
HELD = Path(__file__).with_name("held")

HOSTILE = {
    "script": "<script>window.hacked = true</script><img src=x onerror='window.hacked = true'>",
    "ansi": "\x1b[31mred\x1b[0m and \x1b[1mbold\x1b[0m \x1b]0;title\x07\x1b[2Jcleared",
    "bidi": "abc \u202e gnp.exe \u2066 hidden \u200b zero",
    "long": "x" * 1_000_000,
    "lines": "one\ntwo\r\nthree\0four\x07",
}


@ren.function
def numbers(count: int) -> list:
    """Lists so many products."""
    return [{"sku": f"sku-{n:05d}"} for n in range(count)]


@ren.function
async def work(sku: str, ctx: ren.Context, seconds: float = 0) -> dict:
    """Takes a while, and fails for every hundredth until that is healed."""
    ctx.log.info("reads", sku=sku)
    await asyncio.sleep(seconds * random.uniform(0.5, 1.5))
    while int(sku[-5:]) % 100 == 99 and HELD.exists():
        await asyncio.sleep(0.05)
    if int(sku[-5:]) % 100 == 7 and not HEALED.exists():
        raise TimeoutError(f"read of {sku} timed out")
    return {"sku": sku}


@ren.function
def export(count: int) -> dict:
    return {"exported": count}


@ren.function
def hostile(kind: str, ctx: ren.Context) -> dict:
    text = HOSTILE[kind]
    ctx.log.info(text)
    return {"text": text[:50_000], text[:80]: 1}


@ren.function
def fail(text: str) -> None:
    raise ValueError(text)


@ren.function
def gate(path: str) -> str:
    """Ends when a file is there."""
    import time

    while not os.path.exists(path):
        time.sleep(0.02)
    return path
