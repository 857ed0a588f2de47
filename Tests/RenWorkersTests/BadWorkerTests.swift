import Foundation
import NIOCore
import RenCore
import Testing

@testable import RenWorkers

extension ProcessTests.BadWorkerTests {
    /// What it does stands in the name of its file.
    private static let program = #"""
        import json, os, signal, socket, struct, sys, time
        mode = os.path.basename(sys.argv[1])[:-3]
        if mode == "exits_0": sys.exit(0)
        if mode == "exits_1": sys.stderr.write("last words\n"); sys.exit(1)
        if mode == "segfault": os.kill(os.getpid(), signal.SIGSEGV)
        if mode == "killed": os.kill(os.getpid(), signal.SIGKILL)
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.connect(os.environ["REN_WORKER_SOCKET"])
        def send(text):
            body = text if isinstance(text, bytes) else text.encode()
            s.sendall(struct.pack(">I", len(body)) + body)
        def read():
            head = s.recv(4, socket.MSG_WAITALL)
            if len(head) < 4: os._exit(0)
            return json.loads(s.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL))
        def hello(**more):
            function = {"name": "m.f", "file": sys.argv[1], "line": 1, "async": False, "lists": [],
                        "takes_context": False, "parameters": {"type": "object", "properties": {}, "additionalProperties": True}}
            message = {"type": "hello", "protocol": 1, "token": os.environ["REN_WORKER_TOKEN"], "pid": os.getpid(),
                       "python": "3", "sdk": "0", "executable": sys.executable, "functions": [function],
                       "files": [{"path": sys.argv[1], "sha256": "00" * 32}]}
            message.update(more)
            send(json.dumps(message))
        def forever():
            while True: time.sleep(60)
        if mode == "mute": forever()
        if mode == "wrong_protocol": hello(protocol=2); forever()
        if mode == "wrong_token": hello(token="0" * 64); forever()
        if mode == "no_token": hello(token=""); forever()
        if mode == "talks_first": send('{"type":"result","call":1,"value":1}'); forever()
        if mode == "bad_function": hello(functions=[{"name": "m.f", "timeout": "soon"}]); forever()
        hello()
        call = read()
        while call["type"] != "call": call = read()
        number = call["call"]
        def result(value, id=number): send('{"type":"result","call":%d,"value":%s}' % (id, value))
        if mode == "good": result(1)
        if mode == "hello_twice": hello()
        if mode == "unknown_call": result(1, 999)
        if mode == "twice": result(1); result(2)
        if mode == "length_0": s.sendall(struct.pack(">I", 0))
        if mode == "length_4_gib": s.sendall(struct.pack(">I", 0xFFFFFFFF))
        if mode == "large_100_mb":
            s.sendall(struct.pack(">I", 100 << 20))
            try: s.sendall(b"x" * (100 << 20))
            except OSError: pass
        if mode == "garbage": send(b"\x00\xff garbage")
        if mode == "half_a_frame": s.sendall(struct.pack(">I", 1000) + b'{"type"')
        if mode == "drips":
            for byte in struct.pack(">I", 1000) + b'{"type":"result"': s.sendall(bytes([byte])); time.sleep(0.2)
        if mode == "unknown_type": send('{"type":"dance"}')
        if mode == "no_pong": pass
        if mode == "hangs_up": s.close()
        if mode == "hangs_up_and_exits": s.close(); sys.exit(5)
        if mode == "invalid_utf8": send(b'{"type":"result","call":%d,"value":"\xff"}' % number)
        if mode == "surrogate": result('"\\ud800"')
        if mode == "nan": result("NaN")
        if mode == "infinity": result("-Infinity")
        if mode == "deep": result("[" * 10000 + "]" * 10000)
        if mode == "duplicate_keys": result('{"a":1,"a":2}')
        if mode == "answers_and_dies": result(1); os._exit(1)
        if mode == "interrupted": send('{"type":"interrupted","call":%d}' % number)
        if mode == "asks_for_others":
            for kind in ('"progress","done":1', '"alive"', '"checkpoint","id":1,"value":1',
                         '"read","id":1,"argument":"a","from":0'):
                send('{"type":%s,"call":999}' % kind)
            result(1)
        if mode == "large_checkpoint":
            send('{"type":"checkpoint","call":%d,"id":1,"value":"%s"}' % (number, "x" * (2 << 20)))
            result(json.dumps(read().get("error")))
        if mode in ("half_a_frame", "drips", "no_pong", "hangs_up"): forever()
        while True:
            frame = read()
            if frame["type"] == "ping": send('{"type":"pong","id":%d}' % frame["id"])
            if frame["type"] == "leave": sys.exit(0)
        """#

    private func fixture(_ mode: String) throws -> PoolFixture {
        try PoolFixture("\(mode).py", "", worker: Self.program) {
            if ["mute", "wrong_token", "no_token", "talks_first"].contains(mode) { $0.limits.hello = .seconds(1) }
            $0.limits.hangUp = .milliseconds(200)
            $0.limits.pingEvery = .milliseconds(200)
            $0.limits.pong = .seconds(2)
        }
    }

    @Test(
        "a worker that is no good from the start is said to be so",
        arguments: [
            ("exits_0", "exit status 0"), ("exits_1", "exit status 1\nlast words"), ("segfault", "signal 11 (SIGSEGV)"),
            ("killed", "signal 9 (SIGKILL)"), ("mute", "no hello"), ("wrong_token", "no hello"),
            ("no_token", "no hello"),
            ("talks_first", "no hello"), ("wrong_protocol", "it speaks worker protocol 2, this engine speaks 1"),
            ("bad_function", "timeout of m.f: \"soon\" is no time"),
        ])
    func starts(_ mode: String, _ reason: String) async throws {
        let fixture = try fixture(mode)
        let error = await #expect(throws: RenError.self) { _ = try await fixture.pool.discover() }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect((fixture.pool.freeSlots()[.blocking] ?? 0) == 0)
        await fixture.close()
    }

    @Test("five failed starts park the set")
    func parking() async throws {
        let fixture = try fixture("exits_1")
        for _ in 0..<5 {
            await #expect(throws: RenError.self) { _ = try await fixture.pool.discover() }
        }
        #expect(fixture.pool.parked?.contains("last words") == true)
        #expect(fixture.reports.all.contains { if case .parked(_, "worker", _) = $0 { true } else { false } })
        await fixture.close()
    }

    @Test(
        "a bad word ends the worker, its call, and nothing else",
        arguments: [
            ("good", "returned 1", true), ("asks_for_others", "returned 1", true),
            ("hello_twice", "died alone: ended by the engine: hello twice", false),
            ("unknown_call", "died alone: ended by the engine: an answer for call 999, which is not open", false),
            ("twice", "returned 1", false),
            ("length_0", "died alone: ended by the engine: a frame of 0 bytes; 1 to 16777216 are allowed", false),
            (
                "length_4_gib",
                "died alone: ended by the engine: a frame of 4294967295 bytes; 1 to 16777216 are allowed", false
            ),
            (
                "large_100_mb",
                "died alone: ended by the engine: a frame of 104857600 bytes; 1 to 16777216 are allowed", false
            ),
            ("garbage", "died alone: ended by the engine: a frame that is no JSON object", false),
            ("unknown_type", "died alone: ended by the engine: a message of the unknown type “dance”", false),
            ("half_a_frame", "died alone: ended by the engine: no answer to a ping", false),
            ("drips", "died alone: ended by the engine: no answer to a ping", false),
            ("no_pong", "died alone: ended by the engine: no answer to a ping", false),
            ("hangs_up", "died alone: it closed its connection", false),
            ("hangs_up_and_exits", "died alone: exit status 5", false),
            ("answers_and_dies", "returned 1", false),
            ("invalid_utf8", "raised BadResult", true), ("surrogate", "raised BadResult", true),
            ("nan", "raised BadResult", true),
            ("infinity", "raised BadResult", true), ("deep", "raised BadResult", true),
            ("duplicate_keys", "raised BadResult", true),
            ("interrupted", "raised Interrupted: the function stopped although nobody had asked it to", true),
            ("large_checkpoint", "returned \"a checkpoint of 2097154 bytes is over 1 MiB\"", true),
        ])
    func words(_ mode: String, _ wanted: String, _ survives: Bool) async throws {
        let fixture = try fixture(mode)
        let call = fixture.start("m.f")
        let end = try #require(await fixture.reports.end(of: call))
        #expect(end.words.hasPrefix(wanted), "\(end.words)")
        if survives {
            #expect(fixture.reports.exits.isEmpty)
        } else {
            await fixture.reports.wait(for: "exit") {
                $0.contains { if case .workerExited = $0 { true } else { false } }
            }
        }
        #expect(fixture.reports.ends(of: call).count == 1)
        #expect(
            !fixture.reports.all.contains { report in
                switch report {
                case .progress, .alive, .checkpoint, .read: true
                default: false
                }
            })
        await fixture.close()
    }
}
