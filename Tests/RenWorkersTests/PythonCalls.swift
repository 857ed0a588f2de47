/// Functions for the tests of calls, good and bad ones.
let pythonCalls = #"""
    import asyncio, os, signal, subprocess, sys, threading, time
    import ren

    @ren.function
    def add(a: int, b: int) -> int:
        return a + b

    @ren.function(retry=3, timeout="2m")
    async def double(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    @ren.function
    def told(ctx: ren.Context) -> dict:
        return {"run": ctx.run, "node": ctx.node, "key": ctx.key, "attempt": ctx.attempt,
                "idempotency_key": ctx.idempotency_key, "checkpoint": ctx.last_checkpoint}

    @ren.function
    def fails(kind: str):
        if kind == "value": raise ValueError("no good")
        if kind == "permanent": raise ren.Permanent("gone")
        if kind == "later": raise ren.RetryAfter(30, "busy")
        if kind == "exit": sys.exit(4)
        if kind == "huge": raise ValueError("x" * 10_000_000)
        if kind == "interrupted": raise ren.Interrupted("by itself")

    @ren.function
    def gives(kind: str):
        if kind == "nan": return float("nan")
        if kind == "object": return object()
        if kind == "deep":
            value = []
            for _ in range(10_000): value = [value]
            return value
        if kind == "large": return "x" * (20 * 1024 * 1024)
        if kind == "surrogate": return "\ud800"
        if kind == "event": return {"type": "node.succeeded", "run": "r_2"}

    @ren.function
    def dies(how: str):
        if how == "exit": os._exit(7)
        if how == "kill": os.kill(os.getpid(), signal.SIGKILL)
        if how == "segfault":
            import ctypes
            ctypes.string_at(0)
        if how == "threads":
            def end(): os._exit(9)
            threading.Thread(target=end).start()
            time.sleep(60)
        if how == "term":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True: time.sleep(1)
        if how == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)

    @ren.function
    def waits(marker: str, ctx: ren.Context):
        open(marker, "w").close()
        while True:
            ctx.check()
            time.sleep(0.01)

    @ren.function
    def hangs(marker: str):
        open(marker, "w").close()
        while True:
            time.sleep(0.01)

    @ren.function
    async def sleeps(marker: str):
        open(marker, "w").close()
        await asyncio.sleep(600)

    @ren.function
    def late(marker: str, ctx: ren.Context):
        open(marker, "w").close()
        while not ctx.cancelled: time.sleep(0.01)
        return "late"

    @ren.function
    def says(ctx: ren.Context):
        print("printed")
        sys.stderr.write("complained\n")
        ctx.log.info("logged", size=3)
        ctx.progress(1, 2, "half")
        ctx.checkpoint({"at": 1}, wait=True)
        os.write(1, b"from the descriptor\n")
        os.write(2, b"\x1b[31m<script>\xff\n")
        return "said"

    @ren.function
    def prints_much():
        line = b"x" * 65536
        for _ in range(800): os.write(1, line)
        for _ in range(800): os.write(2, line)
        return "printed"

    @ren.function
    def prints_lines(count: int):
        for _ in range(count): print("x" * 1000)

    @ren.function
    def closes_output():
        os.close(1)
        os.close(2)
        return "closed"

    @ren.function
    def total(values: list) -> int:
        return sum(values)

    @ren.function
    def leaves_child(marker: str):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open(marker + ".new", "w") as file: file.write(str(child.pid))
        os.rename(marker + ".new", marker)
        return child.pid

    @ren.function
    def leaves_daemon(marker: str):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                with open(marker + ".new", "w") as file: file.write(str(os.getpid()))
                os.rename(marker + ".new", marker)
                time.sleep(600)
            os._exit(0)
        os.wait()
        while not os.path.exists(marker): time.sleep(0.01)
        return "left"
    """#

/// What a worker has from the engine. Without `async` functions, since a loop of asyncio has descriptors of its own.
let pythonInheritance = #"""
    import os
    import ren

    @ren.function
    def descriptors():
        paths = ["/proc/self/fd/" + name for name in os.listdir("/proc/self/fd")]
        return sorted(os.readlink(path).split(":")[0] for path in paths if os.path.lexists(path))

    @ren.function
    def environment():
        return sorted(os.environ)
    """#
