import Foundation
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenWorkers
import Synchronization

/// One round: the work of a case, in this process, on a data directory of its own.
struct Round {
    let bench: Bench
    let directory: String

    static let result = Array(
        #"{"i":0,"ok":true,"name":"item-00000000","data":"\#(String(repeating: "x", count: 145))"}"#.utf8)

    func run() async throws {
        switch bench.name {
        case .append: try await append()
        case .chain: try await measured("nodes") { try await self.flow(Self.chain(self.bench.count), [:], $0) }
        case .fanout: try await fanout()
        case .manyruns: try await measured("runs") { try await self.many($0) }
        case .startup: try await startup()
        // The parent measures it; this process only fills the journal.
        case .serve: try fill()
        case .resume: try await resume()
        // They have no rounds.
        case .fill, .state: break
        }
    }

    private func report(_ name: String, _ value: Double) {
        print("\(name) \(value)")
    }

    // MARK: Journal alone

    private func append() async throws {
        let journal = try LMDBJournal.open(directory: directory + "/journal")
        defer { journal.close() }
        let count = bench.count
        for submitters in [1, 64] {
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for submitter in 0..<submitters {
                    group.addTask {
                        try await Self.appendAlone(
                            journal, "r\(submitters)-\(submitter)", count / submitters)
                    }
                }
                try await group.waitForAll()
            }
            report("events_per_s_\(submitters)", Double(bench.count) / ((ContinuousClock.now - start) / .seconds(1)))
        }
    }

    private static func appendAlone(_ journal: StoreJournal, _ id: String, _ count: Int) async throws {
        let run = journal.reserveRun()
        let hash = Digest(hashing: [])
        let creation = RunCreation(id: id, flow: hash, flowName: "bench", functions: nil)
        var version = RunVersion.none
        for index in 0..<count {
            let time = Timestamp(nanoseconds: Int64(index))
            let payload = PayloadMark(Payload(hashing: result))
            let event =
                index == 0
                ? Event(.runCreated(creation), .run, at: time, payload: payload)
                : Event(.signalReceived(name: "bench"), .run, at: time, payload: payload)
            version = try await journal.append([event], to: run, after: version).version
        }
    }

    // MARK: Runs

    static func chain(_ count: Int) -> JSON {
        var nodes = JSONObject()
        for index in 0..<count {
            nodes["n\(index)"] =
                index == 0
                ? ["function": "bench.step"] : ["function": "bench.step", "after": [.string("n\(index - 1)")]]
        }
        return ["flow": "bench", "nodes": .object(nodes)]
    }

    private func session(slots: Int? = nil) async throws -> Session {
        var options = Session.Options()
        options.command = "ren-bench"
        options.slots = slots
        let session = try await Session(directory + "/data", options)
        session.swift.register(FunctionSignature(name: "bench.step")) { _, _ in Self.result }
        return session
    }

    private func measured(_ unit: String, _ work: (Session) async throws -> Void) async throws {
        let opening = ContinuousClock.now
        let session = try await session(slots: bench.window)
        report("open_s", (ContinuousClock.now - opening) / .seconds(1))
        let diskBefore = Disk.bytes(below: directory + "/data/journal")
        let start = ContinuousClock.now
        try await work(session)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        report("seconds", seconds)
        report("\(unit)_per_s", Double(bench.count) / seconds)
        report(
            "disk_bytes_per_\(unit.dropLast())",
            Double(Disk.bytes(below: directory + "/data/journal") - diskBefore) / Double(bench.count))
        report("rss_anon_mb", Disk.memory("RssAnon"))
        report("peak_rss_mb", Disk.memory("VmHWM"))
        await session.close()
    }

    private func flow(_ source: JSON, _ input: JSON, _ session: Session) async throws {
        let flow = try FlowDecoder.decode(stored: source.compact)
        let started = try await session.start(
            flow, input: input, id: nil, functions: LoadedFunctions(), by: Asker(by: "bench"))
        try require(await session.engine.rest(of: started.number), started.number, session)
        try reportOpening(started.number, session)
    }

    /// From the run's begin to `map.opened`, where its first node has one.
    private func reportOpening(_ run: RunNumber, _ session: Session) throws {
        let times = try session.journal.read { view throws(RenError) -> (Timestamp, Timestamp)? in
            guard let map = try view.node(run, NodeNumber(0))?.map, let row = try view.run(run),
                let opened = try view.recorded(run, map.opened)
            else { return nil }
            return (row.created, opened.event.time)
        }
        guard let (created, opened) = times else { return }
        report("map_open_s", (opened - created) / .seconds(1))
    }

    private func require(_ rest: Engine.Rest?, _ run: RunNumber, _ session: Session) throws {
        let status = try session.journal.read { view throws(RenError) in try view.run(run)?.status }
        guard status == .succeeded else {
            throw RenError(
                .internalError, "the run ended as \(String(describing: status)): \(String(describing: rest))")
        }
    }

    private func fanout() async throws {
        let window = bench.window ?? 256
        let items = JSON.array((0..<bench.count).map { .integer(Int64($0)) })
        var map: JSONObject = ["each": ["var": "input.items"], "concurrency": .integer(Int64(window))]
        if bench.keys { map["key"] = ["cat": ["sku-", ["var": "item"]]] }
        guard bench.mode == .python else {
            map["function"] = "bench.step"
            let source: JSON = ["flow": "bench", "nodes": ["m": .object(map)]]
            return try await measured("items") { try await self.flow(source, ["items": items], $0) }
        }
        map["function"] = "bench_step.step"
        let source: JSON = ["flow": "bench", "nodes": ["m": .object(map)]]
        let file = directory + "/bench_step.py"
        try """
        import ren

        @ren.function
        async def step(item):
            return {"i": item, "ok": True, "name": f"item-{item:08d}", "data": "x" * 145}
        """.write(toFile: file, atomically: true, encoding: .utf8)
        try await measured("items") { session in
            let functions = try await session.functions.load([file], install: .no) { _ in }
            let flow = try FlowDecoder.decode(stored: source.compact)
            let start = ContinuousClock.now
            let started = try await session.start(
                flow, input: ["items": items], id: nil, functions: functions, by: Asker(by: "bench"))
            try self.require(await session.engine.rest(of: started.number), started.number, session)
            self.report(
                "items_per_s_after_start", Double(self.bench.count) / ((ContinuousClock.now - start) / .seconds(1)))
        }
    }

    private func many(_ session: Session) async throws {
        let flow = try FlowDecoder.decode(stored: Self.chain(5).compact)
        let left = Countdown(bench.count)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<(bench.window ?? 1) {
                group.addTask {
                    while left.take() {
                        let started = try await session.start(
                            flow, input: [:], id: nil, functions: LoadedFunctions(), by: Asker(by: "bench"))
                        _ = await session.engine.rest(of: started.number)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    // MARK: Starting and crashing

    private func startup() async throws {
        if ProcessInfo.processInfo.environment["REN_BENCH_FILL"] != nil { return try fill() }
        let session = try await session()
        report("start_s", sinceStart)
        report("rss_anon_mb", Disk.memory("RssAnon"))
        report("rss_mb", Disk.memory("VmRSS"))
        await session.close()
    }

    /// Puts finished runs into a journal that no engine has open.
    private func fill() throws {
        try FileManager.default.createDirectory(
            atPath: directory + "/data", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var options = JournalOptions()
        options.durability = .none
        let journal = try LMDBJournal.open(directory: directory + "/data/journal", options: options)
        defer { journal.close() }
        let flow = try FlowDecoder.decode(stored: Self.chain(1).compact)
        let payload = Payload(hashing: flow.source.compact)
        let time = Timestamp(nanoseconds: 1)
        let registered = Event(.flowRegistered(name: "bench"), .run, at: time, payload: PayloadMark(payload))
        let version = try journal.read { view throws(RenError) in try view.version(of: .journal) }
        _ = try journal.appendAndWait([registered], to: .journal, after: version)
        let filled = DispatchSemaphore(value: 0)
        let input = PayloadMark(Payload(hashing: Array("{}".utf8)))
        for index in 0..<bench.stored {
            let creation = RunCreation(id: "r\(index)", flow: payload.hash, flowName: "bench", functions: nil)
            let isLast = index == bench.stored - 1
            journal.submit(
                Batch(
                    run: journal.reserveRun(), after: .none,
                    events: [
                        Event(.runCreated(creation), .run, at: time, payload: input),
                        Event(.runSucceeded, .run, at: time),
                    ]
                ) { _ in if isLast { filled.signal() } })
        }
        filled.wait()
    }

    private var sinceStart: Double {
        let start = ProcessInfo.processInfo.environment["REN_BENCH_START"].flatMap(Double.init) ?? 0
        return Date().timeIntervalSince1970 - start
    }

    private func resume() async throws {
        let kills = ProcessInfo.processInfo.environment["REN_BENCH_KILL"] != nil
        let count = directory + "/count.txt"
        // The first process finds no such file.
        let before = (try? String(contentsOfFile: count, encoding: .utf8))?.split(separator: "\n").count ?? 0
        let done = Atomic<Int>(0)
        let first = Mutex<Double?>(nil)
        let session = try await session()
        session.swift.register(FunctionSignature(name: "bench.step")) { _, context in
            if kills, context.node == "n500" { kill(getpid(), SIGKILL) }
            first.withLock { $0 = $0 ?? self.sinceStart }
            done.add(1, ordering: .relaxed)
            let handle = open(count, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            _ = "\(context.node)\n".withCString { write(handle, $0, strlen($0)) }
            close(handle)
            return Self.result
        }
        if kills { return try await flow(Self.chain(bench.count), [:], session) }
        let run = try session.journal.read { view throws(RenError) in try view.findRun("@last").number }
        try await session.takeUp(run, functions: nil, by: Asker(by: "bench"))
        try require(await session.engine.rest(of: run), run, session)
        let names = try String(contentsOfFile: count, encoding: .utf8).split(separator: "\n")
        report("steps_before_kill", Double(before))
        report("executed_again", Double(names.count - Set(names).count))
        report("restart_to_first_step_s", first.withLock { $0 } ?? .nan)
        report("restart_to_end_s", sinceStart)
        await session.close()
    }
}

/// Work that several tasks share.
private final class Countdown: Sendable {
    private let left: Mutex<Int>

    init(_ count: Int) {
        left = Mutex(count)
    }

    /// Whether there was something left to take.
    func take() -> Bool {
        left.withLock { count in
            count -= 1
            return count >= 0
        }
    }
}
