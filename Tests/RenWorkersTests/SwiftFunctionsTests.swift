import RenCore
import RenJSON
import Synchronization
import Testing

@testable import RenWorkers

@Suite("Swift functions", .timeLimit(.minutes(1)))
struct SwiftFunctionsTests {
    private struct Odd: Error {}

    /// Opens once, for functions that wait for the test.
    private final class Gate: Sendable {
        private let state = Mutex((isOpen: false, waiting: [CheckedContinuation<Void, Never>]()))

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }

        func pass() async {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
        }
    }

    private let reports = Reports()

    private func host(slots: Int = 4, _ body: @escaping SwiftFunctions.Body) -> SwiftFunctions {
        let host = SwiftFunctions(slots: slots, sink: reports.add)
        host.register(FunctionSignature(name: "f"), body)
        return host
    }

    private func start(_ host: SwiftFunctions, _ number: Int = 1, function: String = "f", arguments: String = "1")
        -> CallID
    {
        let id = CallID(number)
        let call = Call(
            id: id, function: function, slot: .swift, run: "r", flow: "f", node: "n", key: nil, index: nil, attempt: 1,
            idempotencyKey: "r/n", deadline: nil, arguments: Array(arguments.utf8))
        host.reserve(.swift)
        host.start([call])
        return id
    }

    struct Row: CustomTestStringConvertible {
        var testDescription: String
        var body: SwiftFunctions.Body
        var end: String
    }

    @Test(
        "how calls end",
        arguments: [
            Row(testDescription: "a value", body: { bytes, _ in bytes }, end: "returned 1"),
            Row(testDescription: "no JSON", body: { _, _ in Array("nonsense".utf8) }, end: "raised BadResult"),
            Row(
                testDescription: "17 MiB", body: { _, _ in Array(repeating: UInt8(ascii: "1"), count: 17 << 20) },
                end: "raised BadResult: 17825792 bytes are over"),
            Row(testDescription: "an error", body: { _, _ in throw Odd() }, end: "raised Odd: Odd()"),
            Row(
                testDescription: "permanent", body: { _, _ in throw Permanent("gone") },
                end: "raised Permanent: gone (permanent)"),
            Row(
                testDescription: "retry after", body: { _, _ in throw RetryAfter(.seconds(3), "busy") },
                end: "raised RetryAfter: busy (after 3.0 seconds)"),
            Row(
                testDescription: "interrupted unasked", body: { _, _ in throw Interrupted() },
                end: "raised Interrupted: stopped because"),
        ])
    func ends(_ row: Row) async {
        let host = host { try await row.body($0, $1) }
        let call = start(host)
        let end = await reports.end(of: call)
        #expect(end?.words.hasPrefix(row.end) == true, "\(end?.words ?? "")")
        #expect(host.freeSlots() == [.swift: 4])
        await host.shutDown()
    }

    @Test("an unknown function fails for good")
    func unknown() async {
        let host = host { bytes, _ in bytes }
        let call = start(host, function: "g")
        #expect(
            await reports.end(of: call)?.words == "raised UnknownFunction: this program has no function “g” (permanent)"
        )
        #expect(host.freeSlots() == [.swift: 4])
    }

    @Test("a cancelled call keeps its slot until it returns, and its late result still comes")
    func lateResult() async {
        let gate = Gate()
        let host = host { bytes, context in
            await gate.pass()
            return Array("\(context.isCancelled)".utf8)
        }
        let call = start(host)
        host.cancel([call], kill: true)
        #expect(host.freeSlots() == [.swift: 3])
        #expect(reports.ends(of: call).isEmpty)
        gate.open()
        #expect(await reports.end(of: call)?.words == "returned true")
        #expect(host.freeSlots() == [.swift: 4])
    }

    @Test("asked to pause or stop, a function that checks is interrupted", arguments: [false, true])
    func interruption(_ pauses: Bool) async {
        let began = Gate()
        let gate = Gate()
        let host = host { bytes, context in
            began.open()
            await gate.pass()
            try context.check()
            return bytes
        }
        let call = start(host)
        await began.pass()
        if pauses { host.askToPause([call]) } else { host.askToStop([call]) }
        gate.open()
        #expect(await reports.end(of: call)?.words == "interrupted")
        #expect(reports.all.contains { if case .alive(call) = $0 { true } else { false } })
    }

    @Test("a task that heeds cancellation is interrupted")
    func cancellation() async {
        let began = Gate()
        let host = host { bytes, _ in
            began.open()
            try await Task.sleep(for: .seconds(600))
            return bytes
        }
        let call = start(host)
        await began.pass()
        host.cancel([call], kill: false)
        #expect(await reports.end(of: call)?.words == "interrupted")
    }

    @Test(
        "a checkpoint returns when it is durable, throws when refused or cancelled",
        arguments: [
            ("saved", "returned 1"), ("refused", "raised Permanent: full (permanent)"), ("cancelled", "interrupted"),
        ])
    func checkpoints(_ answer: String, _ wanted: String) async throws {
        let host = host { bytes, context in
            try await context.checkpointJSON(Array("{\"at\":1}".utf8))
            return bytes
        }
        let call = start(host)
        await reports.wait(for: "checkpoint") { $0.contains { if case .checkpoint = $0 { true } else { false } } }
        #expect(reports.ends(of: call).isEmpty)
        for case .checkpoint(let id, let request, let payload) in reports.all {
            #expect(payload.bytes == Array("{\"at\":1}".utf8))
            switch answer {
            case "saved": host.saved(id, request: request, refused: nil)
            case "refused": host.saved(id, request: request, refused: "full")
            default: host.cancel([id], kill: false)
            }
        }
        #expect(await reports.end(of: call)?.words == wanted)
    }

    @Test(
        "bad checkpoints are refused at once",
        arguments: [(0, "must be JSON"), (1 << 20 + 1, "over the limit of 1 MiB")])
    func badCheckpoints(_ size: Int, _ reason: String) async {
        let host = host { bytes, context in
            try await context.checkpointJSON(Array(repeating: UInt8(ascii: "1"), count: size))
            return bytes
        }
        let call = start(host)
        let words = await reports.end(of: call)?.words ?? ""
        #expect(words.contains(reason), "\(words)")
    }

    @Test("logs and progress are reported, and nothing after the end")
    func reporting() async {
        let kept = Mutex<FunctionContext?>(nil)
        let host = host { bytes, context in
            kept.withLock { $0 = context }
            context.log(String(repeating: "x", count: 9000), level: .warning, fields: ["a": 1])
            context.progress(1, of: 2, "half")
            return bytes
        }
        let call = start(host)
        _ = await reports.end(of: call)
        #expect(reports.logs(of: call).map(\.utf8.count) == [8192])
        #expect(
            reports.all.contains {
                if case .progress(call, done: 1, total: 2, text: "half") = $0 { true } else { false }
            })
        let count = reports.all.count
        kept.withLock { $0 }?.log("late")
        #expect(reports.all.count == count)
    }

    @Test("blocking functions do not hold up the others")
    func blocking() async {
        let first = Gate()
        let host = SwiftFunctions(slots: 3, sink: reports.add)
        host.register(FunctionSignature(name: "waits")) { bytes, _ in
            await first.pass()
            return bytes
        }
        host.register(FunctionSignature(name: "opens")) { bytes, _ in
            first.open()
            return bytes
        }
        let calls = [
            start(host, 1, function: "waits"), start(host, 2, function: "waits"), start(host, 3, function: "opens"),
        ]
        for call in calls { #expect(await reports.end(of: call)?.words == "returned 1") }
    }

    @Test("closing waits for what runs")
    func closing() async {
        let began = Gate()
        let host = host { bytes, context in
            began.open()
            while !context.isCancelled { await Task.yield() }
            try context.check()
            return bytes
        }
        let call = start(host)
        await began.pass()
        await host.shutDown()
        #expect(reports.ends(of: call).map(\.words) == ["interrupted"])
        #expect(host.freeSlots() == [.swift: 0])
    }

    @Test("of many words only the newest are sent, the last one always")
    func throttle() {
        var throttle = Throttle<Int>()
        let now = ContinuousClock.now
        let interval = Duration.milliseconds(200)
        #expect(throttle.offer(1, at: now, interval: interval) == .send)
        #expect(throttle.offer(2, at: now + .milliseconds(10), interval: interval) == .later(now + interval))
        #expect(throttle.offer(3, at: now + .milliseconds(20), interval: interval) == .waits)
        #expect(throttle.take(at: now + interval) == 3)
        #expect(throttle.take(at: now + interval) == nil)
        #expect(throttle.offer(4, at: now + interval, interval: interval) == .send)
    }
}

@Suite("Report outbox")
struct ReportOutboxTests {
    @Test("all reports arrive once, in the order of each sender")
    func delivery() async {
        let reports = Reports()
        let outbox = ReportOutbox(sink: reports.add)
        await withTaskGroup { group in
            for sender in 0..<4 {
                group.addTask {
                    for number in 0..<1000 {
                        outbox.send([.progress(CallID(sender), done: Double(number), total: nil, text: nil)])
                    }
                }
            }
        }
        await reports.wait(for: "all of them") { $0.count == 4000 }
        for sender in 0..<4 {
            let found = reports.all.compactMap { report -> Double? in
                if case .progress(CallID(sender), let done, _, _) = report { done } else { nil }
            }
            #expect(found == (0..<1000).map(Double.init))
        }
    }
}
