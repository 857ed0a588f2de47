import Foundation
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenWorkers
import Testing

/// What an engine that serves others needs: all open runs carried, function sets that come and go, flows by name.
@Suite(
    "A session that serves", .enabled(if: hasPython, "python3 (3.9 or later) is not here"), .timeLimit(.minutes(3)))
struct SessionTests {
    private static let shop = """
        import os, time
        import ren

        @ren.function
        def price(n: int) -> int:
            return n * 2

        @ren.function
        def waits(path: str) -> int:
            while not os.path.exists(path):
                time.sleep(0.01)
            return 7
        """

    private static func flow(_ name: String, _ nodes: String) throws -> Flow {
        let check = FlowFile.check(Array("flow: \(name)\n\(nodes)".utf8), as: .yaml)
        return try #require(check.flow, "\(check.errors)")
    }

    private static let priced = "nodes:\n  p: {function: shop.price, with: {n: 21}}\noutput: {var: nodes.p.output}"
    private static let paused = """
        nodes:
          ask: {pause: {message: Go on?, signal: go}}
          p: {function: shop.price, after: [ask], with: {n: 21}}
        output: {var: nodes.p.output}
        """

    private func start(
        _ session: Session, _ flow: Flow, _ id: String, _ files: [String] = []
    ) async throws -> RunNumber {
        let functions = try await session.load(files)
        return try await session.start(flow, input: [:], id: id, functions: functions, by: Asker(by: "test")).number
    }

    private func types(_ session: Session, _ run: RunNumber) throws -> [String] {
        try session.journal.read { view throws(RenError) in try view.page(of: run, after: .none) }.map(\.type.name)
    }

    private func signal(_ session: Session, _ run: RunNumber) async throws {
        try await session.engine.ask(run, .signal(name: "go", payload: Payload(hashing: [0x31])), by: Asker(by: "test"))
    }

    // MARK: Carrying

    @Test("An engine that carries all takes up every open run and writes nothing of it; one that cannot waits")
    func carryAll() async throws {
        let scratch = try Scratch()
        let good = try scratch.write("good/shop.py", Self.shop)
        let gone = try scratch.write("gone/shop.py", Self.shop)
        let changed = try scratch.write("changed/shop.py", Self.shop)
        var runs: [String: RunNumber] = [:]
        try await withSession(scratch) { session in
            let flow = try Self.flow("shop", Self.paused)
            for (id, file) in [("good", good), ("gone", gone), ("changed", changed)] {
                let run = try await start(session, flow, id, [file])
                #expect(await session.engine.rest(of: run) == .person)
                runs[id] = run
            }
            let held = try await start(session, flow, "held", [good])
            try await session.engine.ask(held, .pause(now: false, reason: nil), by: Asker(by: "test"))
            #expect(await session.engine.rest(of: held) == .person)
            runs["held"] = held
            let ended = try await start(session, try Self.flow("quick", Self.priced), "ended", [good])
            #expect(try await end(of: ended, in: session) == .succeeded)
        }
        try FileManager.default.removeItem(atPath: gone)
        try scratch.write("changed/shop.py", "import ren\n\n@ren.function\ndef other() -> int:\n    return 1\n")
        try await withSession(scratch, { $0.carries = .all }) { session in
            #expect(try EngineLock.holder(in: session.directory)?.carries == .all)
            try await eventually("journal.opened") {
                try session.journal.read { view throws(RenError) in try view.lastOpening()?.opening.carries } == .all
            }
            let before = try runs.mapValues { try types(session, $0) }
            try await session.carryOpenRuns()
            #expect(try runs.mapValues { try types(session, $0) } == before)
            #expect(await session.engine.carriedRuns() == [runs["good"]!, runs["held"]!])
            let unready = session.unready
            #expect(Set(unready.keys) == [runs["gone"]!, runs["changed"]!])
            #expect(unready[runs["gone"]!]?.code == .functionFileMissing)
            #expect(unready[runs["changed"]!]?.code == .functionMissing)
            try await signal(session, runs["good"]!)
            #expect(try await end(of: runs["good"]!, in: session) == .succeeded)
            #expect(try session.output(of: runs["good"]!) == 42)
            #expect(try !types(session, runs["good"]!).contains("run.resumed"))
            #expect(await session.engine.state(of: runs["held"]!)?.phase == .paused, "it stays paused")

            try scratch.write("gone/shop.py", Self.shop)
            await session.retryUnready()
            #expect(Set(session.unready.keys) == [runs["changed"]!])
            await #expect(throws: RenError.self) { try await session.carry(runs["changed"]!) }
            try scratch.write("changed/shop.py", Self.shop + "\n# mended\n")
            try await session.carry(runs["changed"]!)
            try await session.carry(runs["changed"]!)
            #expect(session.unready.isEmpty)
            for id in ["gone", "changed"] {
                try await signal(session, runs[id]!)
                #expect(try await end(of: runs[id]!, in: session) == .succeeded)
            }
            #expect(try types(session, runs["changed"]!) == types(session, runs["good"]!))
        }
    }

    @Test("What was in flight when the engine died is interrupted and tried again, without run.resumed")
    func carryInFlight() async throws {
        let scratch = try Scratch()
        let file = try scratch.write("shop.py", Self.shop)
        let go = scratch.path + "/go"
        let flow = try Self.flow(
            "slow", "nodes:\n  w: {function: shop.waits, with: {path: \(go)}}\noutput: {var: nodes.w.output}")
        var run = RunNumber.journal
        try await withSession(scratch) { session in
            run = try await start(session, flow, "slow", [file])
            try await eventually("the call") { try types(session, run).last == "node.started" }
        }
        try scratch.write("go", "")
        try await withSession(scratch, { $0.carries = .all }) { session in
            try await session.carryOpenRuns()
            #expect(try await end(of: run, in: session) == .succeeded)
            #expect(
                try types(session, run).dropFirst() == [
                    "node.started", "node.interrupted", "node.started", "node.succeeded", "run.succeeded",
                ])
        }
    }

    @Test("An engine of its own run waits for those of clients, paused ones too")
    func clients() async throws {
        let scratch = try Scratch()
        let file = try scratch.write("shop.py", Self.shop)
        try await withSession(scratch) { session in
            let left = try await start(session, try Self.flow("left", Self.paused), "left", [file])
            #expect(await session.engine.rest(of: left) == .person)
        }
        try await withSession(scratch) { session in
            try await session.waitUntilClientsAreDone(besides: nil)
            let own = try await start(session, try Self.flow("own", Self.paused), "own", [file])
            #expect(try await session.openClientRuns(besides: own) == [])
            try await session.waitUntilClientsAreDone(besides: own)
            let other = try await start(session, try Self.flow("other", Self.paused), "other", [file])
            #expect(try await session.openClientRuns(besides: own) == [other])
            let waiter = Task { try await session.waitUntilClientsAreDone(besides: own) }
            try await signal(session, own)
            #expect(try await end(of: own, in: session) == .succeeded)
            #expect(try await session.openClientRuns(besides: own) == [other])
            try await signal(session, other)
            try await waiter.value
            #expect(try await session.openClientRuns(besides: own) == [])
            let last = try await start(session, try Self.flow("last", Self.paused), "last", [file])
            let cancelled = Task { try await session.waitUntilClientsAreDone(besides: own) }
            cancelled.cancel()
            try await cancelled.value
            #expect(try await session.openClientRuns(besides: own) == [last])
        }
    }

    @Test("The lock says where the engine is reached, until it is told otherwise")
    func addresses() async throws {
        let scratch = try Scratch()
        try await withSession(scratch) { session in
            #expect(try EngineLock.holder(in: session.directory)?.addresses == [:])
            try session.announce(addresses: ["socket": "/x/ren.sock", "http": "127.0.0.1:7360"])
            let holder = try EngineLock.holder(in: session.directory)
            #expect(holder?.addresses == ["socket": "/x/ren.sock", "http": "127.0.0.1:7360"])
            #expect(holder?.carries == .own)
            let failure = Task { await session.failure() }
            await session.close()
            #expect(await failure.value == nil)
            try session.announce(addresses: [:])
        }
    }

    // MARK: Function sets

    @Test("Two runs have a function of the same name of their own, and a client's hashes must be right")
    func sets() async throws {
        let scratch = try Scratch()
        let one = try scratch.write("one/shop.py", Self.shop)
        let two = try scratch.write("two/shop.py", Self.shop.replacingOccurrences(of: "n * 2", with: "n * 3"))
        try await withSession(scratch) { session in
            let flow = try Self.flow("shop", Self.priced)
            for (file, output) in [(one, 42), (two, 63)] as [(String, Int64)] {
                let run = try await start(session, flow, "r\(output)", [file])
                #expect(try await end(of: run, in: session) == .succeeded)
                #expect(try session.output(of: run) == .integer(output))
            }
            let workers = await session.workers()
            #expect(workers.map(\.files) == [[one], [two]])
            let worker = try #require(workers[0].pool.workers.first)
            let id = workers[0].id(of: worker)
            #expect(worker.callsDone == 1 && id.hasSuffix("-1"))
            try await session.restart(worker: id, .afterCalls)
            for wrong in [id + "0", "x-1", "", "-", "00000000-1"] {
                let error = await #expect(throws: RenError.self) { try await session.restart(worker: wrong, .now) }
                #expect(error?.code == .workerNotFound)
            }
            let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: one)))
            let hash = Payload(hashing: bytes).hash
            _ = try await session.load([one], hashes: [one: hash])
            let error = await #expect(throws: RenError.self) {
                try await session.load([one], hashes: [one: Payload(hashing: [1]).hash])
            }
            #expect(error?.code == .functionChanged && error?.file == one)
            let relative = await #expect(throws: RenError.self) {
                try await session.load(["shop.py"], hashes: [:])
            }
            #expect(relative?.code == .functionFileMissing)
        }
    }

    @Test("A file that changes while workers live is run as it is now, and is recorded once")
    func changedFile() async throws {
        let scratch = try Scratch()
        let file = try scratch.write("shop.py", Self.shop)
        try await withSession(scratch) { session in
            let flow = try Self.flow("shop", Self.priced)
            let first = try await start(session, flow, "first", [file])
            #expect(try await end(of: first, in: session) == .succeeded)
            try scratch.write("shop.py", Self.shop.replacingOccurrences(of: "n * 2", with: "n * 5"))
            async let left = session.load([file])
            async let right = session.load([file])
            let both = try await [left, right]
            #expect(both[0].set == both[1].set)
            let second = try await start(session, flow, "second", [file])
            #expect(try await end(of: second, in: session) == .succeeded)
            #expect(try session.output(of: second) == 105)
            let noted = try types(session, .journal).count { $0 == "functions.recorded" }
            #expect(noted == 2)
            let hashes = try [first, second].map { run throws(RenError) in
                try session.journal.read { view throws(RenError) in try view.page(of: run, after: .none) }
                    .compactMap { if case .started(let start) = $0.event.fact { start.code } else { nil } }
            }
            #expect(hashes[0] != hashes[1] && hashes.map(\.count) == [1, 1])
        }
    }

    @Test("A pool ends when no run names its set, and comes back; a run that waits keeps it")
    func idlePools() async throws {
        let scratch = try Scratch()
        let file = try scratch.write("shop.py", Self.shop)
        let kept = try scratch.write("kept.py", Self.shop)
        try await withSession(scratch, { $0.poolIdle = .milliseconds(80) }) { session in
            let waiting = try await start(
                session, try Self.flow("w", Self.paused.replacingOccurrences(of: "shop.", with: "kept.")), "w", [kept])
            #expect(await session.engine.rest(of: waiting) == .person)
            let flow = try Self.flow("shop", Self.priced)
            for id in ["first", "second"] {
                let run = try await start(session, flow, id, [file])
                #expect(try await end(of: run, in: session) == .succeeded)
                try await eventually("the end of the pool") {
                    await session.workers().map(\.files) == [[kept]]
                }
            }
            try await eventually("the end of its socket") {
                try FileManager.default.contentsOfDirectory(atPath: session.directory.path)
                    .count { $0.hasSuffix(".sock") } == 1
            }
            try await signal(session, waiting)
            #expect(try await end(of: waiting, in: session) == .succeeded)
            try await eventually("the end of the last pool") { await session.workers().isEmpty }
        }
    }

    // MARK: Flows

    @Test("Flows by name and by version")
    func flows() async throws {
        let scratch = try Scratch()
        try await withSession(scratch) { session in
            let old = try Self.flow("products", Self.priced)
            let new = try Self.flow("products", Self.paused)
            let (first, isNew) = try await session.register(old)
            #expect(isNew)
            let (again, isNewAgain) = try await session.register(old)
            #expect(again == first && !isNewAgain)
            let second = try await session.register(new).hash
            _ = try await session.register(try Self.flow("product-images", Self.priced))
            let names = try session.journal.read { view throws(RenError) in try view.flowNames() }
            #expect(names == ["product-images", "products"])
            #expect(try session.flow(named: "products").hash == second)
            for length in [8, 12, 64] {
                let named = try session.flow(named: "products@\(first.description.prefix(length))")
                #expect(named.hash == first && named.flow.name == "products")
            }
            let rows: [(String, RenError.Code, String)] = [
                ("product", .flowNotFound, "products"), ("nothing-like-it", .flowNotFound, "ren flow register"),
                ("products@zz", .flowNotFound, "products@"), ("products@", .flowNotFound, "products@"),
                ("", .flowNotFound, "ren flow"), ("@", .flowNotFound, "ren flow"),
            ]
            for (text, code, hint) in rows {
                let error = #expect(throws: RenError.self) { try session.flow(named: text) }
                #expect(error?.code == code && error?.hint?.contains(hint) == true, "\(text): \(error?.hint ?? "")")
            }
            // Enough versions that two begin with the same digit.
            for number in 0..<17 {
                _ = try await session.register(
                    try Self.flow("many", "nodes:\n  a: {function: f\(number)}"))
            }
            let digits = try session.journal.read { view throws(RenError) in try view.flows(named: "many") }
                .map { $0.description.first! }
            let twice = try #require(digits.first { digit in digits.count { $0 == digit } > 1 })
            let error = #expect(throws: RenError.self) { try session.flow(named: "many@\(twice)") }
            #expect(error?.code == .flowAmbiguous)
        }
    }

    @Test("A check of a text finds what a file's does, looks at the functions, and stores nothing")
    func check() async throws {
        let scratch = try Scratch()
        let file = try scratch.write("shop.py", Self.shop)
        try await withSession(scratch, { $0.functionFiles = [file] }) { session in
            func codes(_ text: String, _ format: FlowFile.Format = .yaml, functions: Bool = true) async -> [String] {
                let check = await session.check(
                    flow: Array(text.utf8), as: format, file: "a.yaml", withFunctions: functions)
                #expect(check.errors.allSatisfy { $0.file == "a.yaml" } && (check.flow == nil) == !check.errors.isEmpty)
                return check.errors.map(\.code.rawValue)
            }
            #expect(await codes("flow: a\n" + Self.priced) == [])
            #expect(await codes("flow: a\nnodes: {p: {function: shop.prise, with: {n: 1}}}") == ["function.unknown"])
            #expect(
                await codes("flow: a\nnodes: {p: {function: shop.prise, with: {n: 1}}}", functions: false) == [])
            #expect(
                await Set(codes("flow: a\nnodes: {p: {function: shop.price, with: {m: 1}, retires: 3}}"))
                    == ["flow.unknown_key", "function.missing_argument", "function.unknown_argument"])
            #expect(await codes("flow: a\nnodes: [", .yaml).first?.hasPrefix("yaml.") == true)
            #expect(await codes(#"{"flow":"a","nodes":{"p":{"function":"shop.price","with":{"n":1}}}}"#, .json) == [])
            #expect(await codes("{", .json).first?.hasPrefix("json.") == true)
            #expect(await codes(String(repeating: " ", count: FlowFile.sizeMax + 1)) == ["file.too_large"])
            let noted = try types(session, .journal)
            #expect(!noted.contains("flow.registered"))
        }
    }

    // MARK: Trying functions

    @Test("A function is tried once, with nothing recorded")
    func attempts() async throws {
        let scratch = try Scratch()
        let file = try scratch.write(
            "shop.py",
            Self.shop + """


                @ren.function
                def breaks(n: int, ctx: ren.Context) -> int:
                    ctx.log.info("before", n=n)
                    ctx.checkpoint(n)
                    print("printed")
                    raise ValueError(f"no {n}")

                @ren.function
                def dies() -> int:
                    os._exit(3)

                @ren.function
                async def doubled(n: int) -> int:
                    return 2 * n
                """)
        try await withSession(scratch, { $0.functionFiles = [file] }) { session in
            // What the opening wrote is behind it.
            try session.journal.appendAndWait([], to: .journal, after: Batch.anyVersion)
            let before = try session.journal.read { view throws(RenError) in try view.head().sequence }
            #expect(returned(try await session.attempt("shop.price", input: ["n": 4])) == 8)
            #expect(returned(try await session.attempt("shop.price", input: 5)) == 10)
            #expect(returned(try await session.attempt("shop.doubled", input: ["n": 4])) == 8)
            let broken = try await session.attempt("shop.breaks", input: ["n": 4])
            guard case .raised(let failure) = broken.end else { throw RenError(.internalError, "\(broken.end)") }
            #expect(failure.name == "ValueError" && failure.message == "no 4")
            #expect(broken.trace?.contains("raise ValueError") == true)
            #expect(broken.logs.map(\.text).contains("before") && broken.logs.map(\.text).contains("printed"))
            guard case .died("exit status 3") = try await session.attempt("shop.dies", input: [:]).end else {
                throw RenError(.internalError, "it lives")
            }
            let begun = ContinuousClock.now
            let late = try await session.attempt(
                "shop.waits", input: ["path": "/nowhere"], timeout: .milliseconds(300))
            guard case .timedOut = late.end else { throw RenError(.internalError, "\(late.end)") }
            #expect(late.duration >= .milliseconds(300) && ContinuousClock.now - begun < .seconds(20))
            for (name, input, code) in [
                ("shop.prise", ["n": 1], "function.unknown"), ("shop.price", ["n": "x"], "input.invalid"),
                ("shop.price", ["m": 1], "input.invalid"), ("shop.price", [:], "input.invalid"),
            ] as [(String, JSON, String)] {
                let error = await #expect(throws: RenError.self) { try await session.attempt(name, input: input) }
                #expect(error?.code.rawValue == code, "\(name) \(input): \(String(describing: error))")
            }
            #expect(await session.workers().isEmpty, "the runs' pools are not touched")
            let after = try session.journal.read { view throws(RenError) in try view.head().sequence }
            #expect(after == before)
            let alone = try await FunctionProbe.attempt(
                "shop.price", input: ["n": 3], files: [file], in: DataDirectory(scratch.path + "/other"), install: .no
            ) { _ in }
            #expect(returned(alone) == 6)
        }
    }

    @Test("A Swift function is tried without taking a slot of the runs")
    func swiftAttempts() async throws {
        struct Odd: Error, CustomStringConvertible { var description: String { "odd" } }
        let scratch = try Scratch()
        try await withSession(scratch, { $0.slots = 1 }) { session in
            session.swift.register(FunctionSignature(name: "half")) { bytes, context in
                context.log("halving")
                try await context.checkpointJSON([0x31])
                guard let n = Int(String(decoding: bytes, as: UTF8.self)), n.isMultiple(of: 2) else { throw Odd() }
                return Array("\(n / 2)".utf8)
            }
            session.swift.register(FunctionSignature(name: "sleeps")) { _, _ in
                try await Task.sleep(for: .seconds(100))
                return []
            }
            session.swift.reserve(.swift)
            let half = try await session.attempt("half", input: 8)
            #expect(returned(half) == 4 && half.logs.map(\.text) == ["halving"])
            guard case .raised(let failure) = try await session.attempt("half", input: 7).end else {
                throw RenError(.internalError, "it was even")
            }
            #expect(failure.name == "Odd")
            guard case .timedOut = try await session.attempt("sleeps", input: 1, timeout: .milliseconds(50)).end else {
                throw RenError(.internalError, "it woke up")
            }
            let error = await #expect(throws: RenError.self) { try await session.attempt("halve", input: 7) }
            #expect(error?.code == .functionUnknown && error?.hint?.contains("half") == true)
            session.swift.release(.swift)
        }
    }

    private func returned(_ trial: FunctionTrial) -> JSON? {
        guard case .returned(let bytes) = trial.end else { return nil }
        return try? JSON(parsing: bytes)
    }
}

/// Opens a session, lends it, and closes it whatever happens.
func withSession(
    _ scratch: Scratch, _ adjust: (inout Session.Options) -> Void = { _ in },
    _ body: (Session) async throws -> Void
) async throws {
    var options = Session.Options()
    adjust(&options)
    let session = try await Session(scratch.path + "/data", options)
    do {
        try await body(session)
        await session.close()
    } catch {
        await session.close()
        throw error
    }
}

/// How a run ended; it may have ended long before.
func end(of run: RunNumber, in session: Session) async throws -> RunStatus? {
    _ = await session.engine.rest(of: run)
    return try session.journal.read { view throws(RenError) in try view.run(run)?.status }
}

/// Waits for something that nobody tells of.
func eventually(
    _ what: String, limit: Duration = .seconds(30), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < end else {
            Issue.record("not within \(limit): \(what)", sourceLocation: sourceLocation)
            return
        }
        // A poll, because nobody tells us; not a wait for time to pass.
        try await Task.sleep(for: .milliseconds(5))
    }
}
