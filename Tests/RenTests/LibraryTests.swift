import Ren
import RenCore
import RenJSON
import RenWorkers
import Synchronization
import Testing

@Suite("The library", .timeLimit(.minutes(2)))
struct LibraryTests {
    private struct Order: Codable {
        var name: String
        var prices: [Double]
    }

    private struct Bill: Codable, Equatable {
        var name: String
        var total: Double
        var attempt: Int
    }

    private static let flow = """
        flow: billing
        input:
          type: object
          properties: {name: {type: string}, prices: {type: array}}
          required: [name]
        nodes:
          bill: {function: bill, with: {name: {var: input.name}, prices: {var: input.prices}}}
          ask: {pause: {message: Send it?, signal: send}, after: [bill]}
          send: {function: send, after: [ask], with: {bill: {var: nodes.bill.output}, to: {var: nodes.ask.output}}}
        output: {sent: {var: nodes.send.output}, bill: {var: nodes.bill.output}}
        """

    private func register(_ ren: Ren, calls: Counter = Counter()) {
        ren.function("bill") { (order: Order, context: FunctionContext) in
            calls.add("bill")
            return Bill(name: order.name, total: order.prices.reduce(0, +), attempt: context.attempt)
        }
        struct Sending: Codable {
            var bill: Bill
            var to: String
        }
        ren.function("send") { (sending: Sending, _: FunctionContext) in
            calls.add("send")
            return "\(sending.bill.name) to \(sending.to)"
        }
    }

    private static let input: JSON = ["name": "tea", "prices": [1.5, 2.25]]
    private static let output: JSON = [
        "sent": "tea to me", "bill": ["name": "tea", "total": 3.75, "attempt": 1],
    ]

    @Test("Typed functions, a signal and the result")
    func result() async throws {
        let scratch = try Scratch()
        try await withRen(scratch) { ren in
            register(ren)
            #expect(try scratch.load(Self.flow, into: ren) == "billing")
            let run = try await ren.start("billing", id: "first", input: Self.input)
            #expect(run.id == "first")
            #expect(try await run.wait() == .waiting)
            try await run.signal("send", "me")
            #expect(try await sorted(run.result()) == sorted(Self.output))
            #expect(try await run.wait() == .succeeded)
        }
    }

    /// Members in the order of their names: Foundation's encoder has none.
    private func sorted(_ json: JSON) -> [UInt8] { json.canonical }

    @Test("Events from the start and after a sequence: no gap, none twice, and an end")
    func events() async throws {
        let scratch = try Scratch()
        try await withRen(scratch) { ren in
            register(ren)
            try scratch.load(Self.flow, into: ren)
            let run = try await ren.start("billing", input: Self.input)
            let live = Task { try await Self.all(run.events()) }
            #expect(try await run.wait() == .waiting)
            try await run.signal("send", "me")
            _ = try await run.result()
            let all = try await live.value
            #expect(all.map(\.version) == Array(1...UInt64(all.count)))
            #expect(all.first?.type == "run.created" && all.last?.type == "run.succeeded")
            #expect(all.map(\.type).contains("signal.received"))
            #expect(all.first { $0.type == "node.started" }?.node == "bill")
            // Each place that a reader may have left at, the last one too.
            for (index, event) in all.enumerated() {
                let rest = try await Self.all(run.events(from: .after(event.sequence)))
                #expect(rest.map(\.version) == all[(index + 1)...].map(\.version))
            }
        }
    }

    private static func all(_ events: AsyncThrowingStream<RunEvent, any Error>) async throws -> [RunEvent] {
        var all: [RunEvent] = []
        for try await event in events { all.append(event) }
        return all
    }

    @Test("Pause keeps the next node from beginning; resume lets it go on")
    func pause() async throws {
        let scratch = try Scratch()
        try await withRen(scratch) { ren in
            let gate = Gate()
            let calls = Counter()
            ren.function("slow") { (_: [String: String], _: FunctionContext) in
                calls.add("slow")
                await gate.wait()
                return 1
            }
            ren.function("next") { (_: [String: String], _: FunctionContext) in
                calls.add("next")
                return 2
            }
            try scratch.load(
                "flow: two\nnodes:\n  a: {function: slow, with: {}}\n  b: {function: next, after: [a], with: {}}\noutput: {var: nodes.b.output}",
                into: ren)
            let run = try await ren.start("two")
            try await run.pause(reason: "lunch")
            await #expect(throws: RenError.self) { try await run.pause() }
            gate.open()
            #expect(try await run.wait() == .waiting)
            #expect(calls.count("next") == 0)
            let error = await #expect(throws: RenError.self) { try await run.result() }
            #expect(error?.code.rawValue == "run.waiting")
            try await run.resume()
            #expect(try await run.result() == 2)
            let late = await #expect(throws: RenError.self) { try await run.resume() }
            #expect(late?.code == .runFinished || late?.code == .runNotFound)
        }
    }

    @Test("A failing run says why; a stopped one that it was stopped")
    func failure() async throws {
        struct Broken: Error, CustomStringConvertible { var description: String { "no paper" } }
        let scratch = try Scratch()
        try await withRen(scratch) { ren in
            ren.function("print") { (_: [String: String], _: FunctionContext) -> Int in throw Broken() }
            ren.function("give up") { (_: [String: String], _: FunctionContext) -> Int in throw Permanent("gone") }
            try scratch.load("flow: a\nnodes:\n  p: {function: print}", into: ren)
            try scratch.load(
                "flow: b\nnodes:\n  p: {function: give up, retry: {attempts: 5, every: 1h}}", into: ren, as: "b.yaml")
            try scratch.load("flow: c\nnodes:\n  p: {pause: {message: Wait}}", into: ren, as: "c.yaml")
            let failed = try await ren.start("a")
            let error = await #expect(throws: RenError.self) { try await failed.result() }
            #expect(error?.code.rawValue == "run.failed")
            #expect(error?.message.contains("Broken: no paper") == true)
            let permanent = await #expect(throws: RenError.self) { try await ren.start("b").result() }
            #expect(permanent?.message.contains("Permanent: gone") == true)
            let stopped = try await ren.start("c")
            try await stopped.stop()
            let stop = await #expect(throws: RenError.self) { try await stopped.result() }
            #expect(stop?.code.rawValue == "run.stopped")
        }
    }

    @Test(
        "Refused before a run exists",
        arguments: [
            ("nothing", [:], "flow.not_found"), ("billing", ["name": 3], "input.invalid"),
            ("billing", [:], "input.invalid"),
        ] as [(String, JSON, String)])
    func refused(_ flow: String, _ input: JSON, _ code: String) async throws {
        let scratch = try Scratch()
        try await withRen(scratch) { ren in
            register(ren)
            try scratch.load(Self.flow, into: ren)
            let error = await #expect(throws: RenError.self) { try await ren.start(flow, input: input) }
            #expect(error?.code.rawValue == code)
            await #expect(throws: RenError.self) { try await ren.resume("@last") }
        }
    }

    @Test("A flow that calls what nobody registered is refused with its place")
    func unknownFunction() async throws {
        let scratch = try Scratch()
        try await withRen(scratch) { ren in
            try scratch.load(Self.flow, into: ren)
            let problems = await #expect(throws: FlowProblems.self) {
                try await ren.start("billing", input: Self.input)
            }
            #expect(problems?.errors.map(\.code) == [.functionUnknown, .functionUnknown])
            #expect(throws: FlowProblems.self) { try scratch.load("flow: x\nnodes: {a: {functoin: f}}", into: ren) }
        }
    }

    @Test("An id taken by an equal run gives that run; by another one it is refused, and the engine goes on")
    func sameID() async throws {
        let scratch = try Scratch()
        let calls = Counter()
        try await withRen(scratch) { ren in
            register(ren, calls: calls)
            try scratch.load(Self.flow, into: ren)
            let run = try await ren.start("billing", id: "x", input: Self.input)
            #expect(try await run.wait() == .waiting)
            let same = try await ren.start("billing", id: "x", input: Self.input)
            #expect(same.id == run.id)
            let error = await #expect(throws: RenError.self) {
                try await ren.start("billing", id: "x", input: ["name": "coffee", "prices": []])
            }
            #expect(error?.code == .runExists)
            try await same.signal("send", "me")
            #expect(try await sorted(run.result()) == sorted(Self.output))
            #expect(try await sorted(ren.start("billing", id: "x", input: Self.input).result()) == sorted(Self.output))
        }
        #expect(calls.count("bill") == 1 && calls.count("send") == 1)
    }

    @Test("A second engine on the directory is refused; after close another one goes on where the first stopped")
    func closeAndResume() async throws {
        let scratch = try Scratch()
        let calls = Counter()
        let first = try await Ren(data: scratch.data)
        register(first, calls: calls)
        try scratch.load(Self.flow, into: first)
        let run = try await first.start("billing", id: "kept", input: Self.input)
        #expect(try await run.wait() == .waiting)
        let error = await #expect(throws: RenError.self) { try await Ren(data: scratch.data) }
        #expect(error?.code.rawValue == "engine.locked")
        await first.close()
        // The first one is still in memory: closing it has given the directory back.
        try await withRen(scratch) { ren in
            register(ren, calls: calls)
            let resumed = try await ren.resume("@last")
            #expect(resumed.id == "kept")
            #expect(try await resumed.wait() == .waiting)
            try await resumed.signal("send", "me")
            #expect(try await sorted(resumed.result()) == sorted(Self.output))
            let types = try await Self.all(resumed.events()).map(\.type)
            #expect(types.count { $0 == "run.resumed" } == 1)
        }
        withExtendedLifetime(first) {}
        try await withRen(scratch) { ren in
            let ended = try await ren.resume("kept").result()
            #expect(sorted(ended) == sorted(Self.output), "an ended run as it is")
        }
        #expect(calls.count("bill") == 1 && calls.count("send") == 1)
    }

    @Test("Closing while a run goes on tells whoever waits, and loses nothing")
    func closeWhileRunning() async throws {
        let scratch = try Scratch()
        let calls = Counter()
        func register(_ ren: Ren, ends: Bool) {
            ren.function("work") { (_: [String: String], context: FunctionContext) in
                calls.add("work")
                while !ends {
                    try context.check()
                    await Task.yield()
                }
                return "done in attempt \(context.attempt)"
            }
        }
        let first = try await Ren(data: scratch.data)
        register(first, ends: false)
        try scratch.load("flow: one\nnodes:\n  a: {function: work}\noutput: {var: nodes.a.output}", into: first)
        let run = try await first.start("one", id: "open")
        let waiter = Task { try await run.result() }
        while calls.count("work") == 0 { await Task.yield() }
        await first.close()
        let error = await #expect(throws: RenError.self) { try await waiter.value }
        #expect(error?.code.rawValue == "engine.closed" || error?.code.rawValue == "run.waiting")
        try await withRen(scratch) { ren in
            register(ren, ends: true)
            let result = try await ren.resume("open").result()
            #expect(result == "done in attempt 2")
        }
    }

    @Test("A map over Swift functions gives its results in order")
    func map() async throws {
        let scratch = try Scratch()
        try await withRen(scratch, slots: 4) { ren in
            struct Item: Codable { var n: Int }
            ren.function("square") { (item: Item, _: FunctionContext) in item.n * item.n }
            try scratch.load(
                "flow: squares\nnodes:\n  m: {function: square, each: {var: input}, with: {n: {var: item}}}\noutput: {var: nodes.m.items}",
                into: ren)
            let run = try await ren.start("squares", input: .array((0..<300).map { .integer($0) }))
            let result = try await run.result()
            #expect(result == .array((0..<300).map { .integer($0 * $0) }), "\(result)")
        }
    }
}

/// Counts calls by name.
final class Counter: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func add(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }

    func count(_ name: String) -> Int { counts.withLock { $0[name] ?? 0 } }
}

/// Holds functions back until the test opens it.
final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
