import NIOCore
import RenCore
import RenJSON
import Testing

@testable import RenWorkers

@Suite("Frames")
struct FrameTests {
    private static func frame(_ body: String) -> [UInt8] {
        let length = UInt32(body.utf8.count)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + Array(body.utf8)
    }

    @Test("bodies come out whole, however the bytes are cut", arguments: [1, 2, 3, 5, 7, 64])
    func cutting(_ size: Int) throws {
        let bodies = ["{}", String(repeating: "x", count: 300), "{\"type\":\"pong\"}"]
        let bytes = bodies.flatMap(Self.frame)
        var reader = FrameReader()
        var found: [String] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            reader.append(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)]))
            while let body = try reader.next() { found.append(String(buffer: body)) }
        }
        #expect(found == bodies)
    }

    @Test(
        "a length that cannot be is refused before its bytes come",
        arguments: [0, 16 << 20 + 1, 100 << 20, UInt32.max] as [UInt32])
    func lengths(_ length: UInt32) {
        var reader = FrameReader()
        reader.append(ByteBuffer(integer: length))
        #expect(throws: ProtocolViolation("a frame of \(length) bytes; 1 to 16777216 are allowed")) {
            _ = try reader.next()
        }
    }

    @Test("the largest frame is waited for")
    func largest() throws {
        var reader = FrameReader()
        reader.append(ByteBuffer(integer: UInt32(16 << 20)))
        #expect(try reader.next() == nil)
        reader.append(ByteBuffer(repeating: 0x20, count: 16 << 20))
        #expect(try reader.next()?.readableBytes == 16 << 20)
    }
}

@Suite("Worker messages")
struct WorkerMessageTests {
    private static func read(_ text: String) throws -> String {
        let message = try Array(text.utf8).withUnsafeBytes { try WorkerMessage(parsing: $0) }
        switch message {
        case .hello(let hello):
            return "hello \(hello.protocolNumber) \(hello.token) \(hello.functions.count) \(hello.files.count)"
        case .broken(let broken, let token): return "broken \(broken.file) \(broken.failure.name) \(token ?? "-")"
        case .answer(let call, .result(let value)): return "result \(call) \(String(decoding: value, as: UTF8.self))"
        case .answer(let call, .failure(let failure, let trace, let permanent, let wait)):
            let when = wait.map { " after \($0)" } ?? ""
            return
                "failure \(call) \(failure.name): \(failure.message) at \(failure.frame ?? "-") \(trace ?? "-")"
                + " \(permanent)\(when)"
        case .answer(let call, .interrupted): return "interrupted \(call)"
        case .progress(let call, let done, let total, let text):
            return "progress \(call) \(done) \(total.map { "\($0)" } ?? "-") \(text ?? "-")"
        case .alive(let call): return "alive \(call)"
        case .checkpoint(let call, let request, let value):
            return "checkpoint \(call) \(request) \(String(decoding: value, as: UTF8.self))"
        case .log(let line):
            return
                "log \(line.call.map { "\($0)" } ?? "-") \(line.level) \(line.text)"
                + " \(line.fields.map { "\($0)" } ?? "-")"
        case .read(let call, let request, let argument, let from): return "read \(call) \(request) \(argument) \(from)"
        case .pong(let id): return "pong \(id)"
        }
    }

    @Test(
        "each message is understood",
        arguments: [
            (#"{"type":"result","call":7,"value":{"a":[1,2]}}"#, #"result 7 {"a":[1,2]}"#),
            (#"{"type":"result","call":7,"value":null}"#, "result 7 null"),
            (#"{ "call": 7, "value": [1, 2], "type": "result", "more": 1 }"#, "result 7 [1, 2]"),
            (#"{"type":"result","call":7,"value":}"#, "error"),
            // What stands in `value` is looked at when the call is ended, with the failure BadResult.
            (#"{"type":"result","call":7,"value":NaN}"#, "result 7 NaN"),
            (#"{"type":"result","value":1}"#, "error"),
            (#"{"type":"result","call":-1,"value":1}"#, "error"),
            (#"{"type":"result","call":"7","value":1}"#, "error"),
            (#"{"type":"result","call":99999999999999999999,"value":1}"#, "error"),
            (
                #"{"type":"failure","call":7,"error":{"name":"ValueError","message":"no","frame":"a.py:1","trace":"T"}}"#,
                "failure 7 ValueError: no at a.py:1 T false"
            ),
            (
                #"{"type":"failure","call":7,"error":{"name":"E","message":"m"},"permanent":true,"retry_after":1.5}"#,
                "failure 7 E: m at - - true after 1.5 seconds"
            ),
            (
                #"{"type":"failure","call":7,"error":{"name":"E","message":"m"},"retry_after":1e300}"#,
                "failure 7 E: m at - - false after 31622400.0 seconds"
            ),
            (#"{"type":"failure","call":7,"error":{}}"#, "error"),
            (#"{"type":"interrupted","call":7}"#, "interrupted 7"),
            (#"{"type":"progress","call":7,"done":3,"total":null,"text":"t"}"#, "progress 7 3.0 - t"),
            (#"{"type":"alive","call":7}"#, "alive 7"),
            (#"{"type":"checkpoint","call":7,"id":2,"value":{"at":1}}"#, #"checkpoint 7 2 {"at":1}"#),
            (#"{"type":"checkpoint","call":7,"id":2,"value":[1,}"#, "error"),
            (#"{"type":"log","call":7,"level":"warning","text":"x","time":1.0}"#, "log 7 warning x -"),
            (#"{"type":"log","level":"odd","text":"x","time":1.0}"#, "log - info x -"),
            (#"{"type":"read","call":7,"id":3,"argument":"a","from":512}"#, "read 7 3 a 512"),
            (#"{"type":"pong","id":9}"#, "pong 9"),
            (
                #"{"type":"hello","protocol":1,"token":"t","functions":[{}],"files":[]}"#, "hello 1 t 1 0"
            ),
            (#"{"type":"hello","protocol":1,"token":"t","functions":[],"files":[{"path":"a"}]}"#, "error"),
            (#"{"type":"broken","file":"/a.py","error":{"name":"E","message":""}}"#, "broken /a.py E -"),
            (#"{"type":"broken","token":"t","file":"/a.py","error":{"name":"E","message":""}}"#, "broken /a.py E t"),
            (#"{"type":"dance"}"#, "error"),
            (#"{"type":7}"#, "error"),
            ("{}", "error"),
            ("[]", "error"),
            ("garbage", "error"),
            (#"{"type":"alive","call":7"#, "error"),
            (#"{"type":"alive","call":7} tail"#, "error"),
            ("\u{0}\u{1}\u{2}", "error"),
        ])
    func messages(_ text: String, _ wanted: String) {
        let found = Result { try Self.read(text) }
        switch found {
        case .success(let message): #expect(message == wanted)
        case .failure(let error): #expect(wanted == "error", "\(error)")
        }
    }

    @Test(
        "results are checked at the door",
        arguments: [
            ("{\"a\":[1,2.5,\"x\"]}", true), ("NaN", false), ("Infinity", false), ("\"\\ud800\"", false),
            ("{\"a\":1,\"a\":2}", false),
            ("", false), ("1 2", false), (String(repeating: "[", count: 64) + String(repeating: "]", count: 64), true),
            (String(repeating: "[", count: 65) + String(repeating: "]", count: 65), false),
            (String(repeating: "[", count: 10_000), false),
        ])
    func results(_ text: String, _ isGood: Bool) throws {
        switch AttemptEnd.returned(unchecked: Array(text.utf8)) {
        case .returned(let payload):
            #expect(isGood)
            #expect(payload.bytes == Array(text.utf8))
            #expect(payload.hash == Digest(hashing: Array(text.utf8)))
        case .raised(let failure, permanent: false, retryAfter: nil):
            #expect(!isGood)
            #expect(failure.name == "BadResult")
        case let other: Issue.record("\(other)")
        }
        #expect(throws: Never.self) { _ = try JSON(parsing: "\"\(Digest(hashing: []))\"") }
    }

    @Test("invalid UTF-8 is no result")
    func invalidText() {
        guard case .raised(let failure, _, _) = AttemptEnd.returned(unchecked: [0x22, 0xFF, 0x22]) else {
            Issue.record("taken")
            return
        }
        #expect(failure.name == "BadResult")
    }
}

@Suite("Frames for workers")
struct MessageWriterTests {
    private func bodies(_ write: (inout MessageWriter) -> Void) throws -> [JSON] {
        var writer = MessageWriter()
        write(&writer)
        var reader = FrameReader()
        reader.append(ByteBuffer(bytes: writer.take()))
        #expect(writer.bytes.isEmpty)
        var found: [JSON] = []
        while let body = try reader.next() { found.append(try JSON(parsing: String(buffer: body))) }
        return found
    }

    @Test("many frames stand behind each other, each with its length")
    func frames() throws {
        let found = try bodies { writer in
            writer.welcome(blocking: 4, async: 64)
            writer.pause(CallID(7))
            writer.cancel(CallID(8))
            writer.ping(9)
            writer.saved(CallID(7), request: 1, refused: nil)
            writer.saved(CallID(7), request: 2, refused: "no")
            writer.page(CallID(7), request: 3, values: [Array("1".utf8), Array("{}".utf8)], next: nil)
            writer.leave()
        }
        #expect(
            found == [
                ["type": "welcome", "blocking": 4, "async": 64], ["type": "pause", "call": 7],
                ["type": "cancel", "call": 8],
                ["type": "ping", "id": 9], ["type": "saved", "call": 7, "id": 1],
                ["type": "saved", "call": 7, "id": 2, "error": "no"],
                ["type": "page", "call": 7, "id": 3, "values": [1, [:]], "next": nil], ["type": "leave"],
            ])
    }

    @Test("a call carries all that the function may ask for")
    func call() throws {
        var call = Call(
            id: CallID(7), function: "shop.scrape", slot: .blocking, run: "r_1", flow: "products", node: "scrape",
            key: "sku-1", index: 17, attempt: 2, idempotencyKey: "r_1/scrape/sku-1",
            deadline: Timestamp(nanoseconds: 1_500_000_000), arguments: Array(#"{"url":"u"}"#.utf8))
        call.lazy = [Call.LazyArgument(name: "all", total: 10_000)]
        call.checkpoint = Array("[1]".utf8)
        let whole = call
        let found = try bodies { writer in
            let fits = writer.call(whole)
            #expect(fits)
        }
        #expect(
            found == [
                [
                    "type": "call", "call": 7, "function": "shop.scrape", "run": "r_1", "flow": "products",
                    "node": "scrape",
                    "key": "sku-1", "index": 17, "attempt": 2, "idempotency_key": "r_1/scrape/sku-1", "deadline": 1.5,
                    "lazy": ["all": 10_000], "checkpoint": [1], "args": ["url": "u"],
                ]
            ])
    }

    @Test("what does not fit into a frame is not sent")
    func tooLarge() throws {
        let large = Array("\"".utf8) + Array(repeating: UInt8(ascii: "x"), count: 16 << 20) + Array("\"".utf8)
        let call = Call(
            id: CallID(1), function: "f", slot: .blocking, run: "r", flow: "f", node: "n", key: nil, index: nil,
            attempt: 1,
            idempotencyKey: "k", deadline: nil, arguments: large)
        let found = try bodies { writer in
            let fits = writer.call(call)
            #expect(!fits)
            writer.page(CallID(1), request: 4, values: [large], next: 1)
        }
        #expect(found.count == 1)
        #expect(found.first?["error"]?.stringValue == "a value of the page is over the limit of 16 MiB")
    }
}

@Suite("Output of workers")
struct OutputTests {
    @Test("lines are cut at 8 KiB and the rest is counted")
    func lines() {
        var cutter = LineCutter()
        #expect(cutter.feed(Array("a\nb".utf8)) == ["a"])
        #expect(cutter.feed(Array("c\r\n\n".utf8)) == ["bc", ""])
        #expect(cutter.finish() == nil)
        #expect(cutter.feed(Array(repeating: UInt8(ascii: "x"), count: 20_000)).isEmpty)
        #expect(cutter.feed(Array(repeating: UInt8(ascii: "x"), count: 1_000_000)).isEmpty)
        #expect(cutter.finish() == String(repeating: "x", count: 8192) + "… (1011808 bytes more)")
        #expect(cutter.feed([0xFF, 0x0A]) == ["\u{FFFD}"])
    }

    @Test("1 MiB a second is taken, what was dropped is said once, to the call that lost it")
    func allowance() {
        var allowance = LogAllowance()
        let (first, second) = (CallID(1), CallID(2))
        let taken = [
            allowance.take(1 << 20, of: first, at: 5), allowance.take(1, of: first, at: 5),
            allowance.take(1, of: first, at: 5), allowance.take(1, of: nil, at: 5),
            allowance.take(1, of: second, at: 6),
        ]
        #expect(taken == [true, false, false, false, true])
        let told = [second, first, first, nil].map { allowance.takeDropped(of: $0) }
        #expect(told == [0, 2, 0, 1])
    }

    @Test(
        "texts are cut at whole characters",
        arguments: [
            ("abc", 3, "abc"), ("abcdef", 5, "ab…"), ("äöüäöü", 8, "äö…"), ("😀😀", 7, "😀…"),
        ])
    func cutting(_ text: String, _ limit: Int, _ wanted: String) {
        #expect(text.cut(to: limit) == wanted)
        #expect(text.cut(to: limit).utf8.count <= limit)
    }

    @Test("a long trace keeps its first and its last lines")
    func traces() {
        let trace = "first\n" + String(repeating: "middle\n", count: 10_000) + "last"
        let cut = trace.cutInTheMiddle()
        #expect(cut.hasPrefix("first\n") && cut.hasSuffix("last"))
        #expect(cut.utf8.count <= LogLine.textMax)
    }
}
