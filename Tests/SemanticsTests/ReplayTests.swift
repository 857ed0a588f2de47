import LMDB
import RenCore
import RenJSON
import RenWorkers
import Testing

@testable import RenEngine
@testable import RenJournal

@Suite("Replay")
struct ReplayTests {
    /// Every kind of node, and every way that an attempt ends.
    private static func play(on kind: JournalKind = .memory) throws -> Stage {
        let stage = try Stage(
            """
            list: {function: f, with: {n: {var: input.n}}}
            m: {function: g, after: [list], each: {var: nodes.list.output}, key: {var: item.id}, when: {var: item.id},
              with: {id: {var: item.id}}, concurrency: 2, tolerate: 1, retry: {attempts: 2, every: 5s, jitter: 0}}
            again: {function: h, after: [m], each: {var: nodes.m.items}}
            enough: {after: [m], condition: {">=": [{var: nodes.m.succeeded}, 2]}}
            few: {function: f, after: [enough.else]}
            ask:
              after: [enough.then]
              pause: {message: {cat: [Go on with, " ", {var: input.n}]}, signal: go, form: {type: object}, timeout: 1h}
            late: {after: [enough.then], pause: {message: Well?, signal: well, timeout: 10m}, on_error: {value: nobody}}
            risky:
              after: [ask]
              function: f
              with: {said: {var: nodes.ask.output}}
              on_error: {value: {instead: {var: input.n}}}
            """,
            top: "output: {all: {var: nodes.m.items}, lost: {var: nodes.m.failures}, risky: {var: nodes.risky.output}}",
            input: ["n": 4], on: kind)
        try stage.succeed("list", [["id": "a"], ["id": "b"], ["id": ""], ["id": "d"], ["id": "e"]])
        let first = try stage.end("m[0]", .returned(Payload(hashing: Array("1".utf8))))
        try stage.ask(.attemptEnded(first.subject, token: first.token, .returned(Payload(hashing: Array("1".utf8)))))
        try stage.fail("m[1]", "Gone")
        try stage.end("m[3]", .workerDied(alone: true, how: "signal 9"))
        try stage.ask(.pause(now: true, reason: "lunch"))
        try stage.ask(.resume(takingUp: false, reason: nil))
        try stage.pass(.seconds(5))
        // The first calls return late: the pause ended their attempts.
        while let unit = stage.functions.running.first(where: { $0 != "m[1]" }) { try stage.succeed(unit, 3) }
        try stage.fail("m[1]", "Gone")
        try stage.crash()
        while let unit = stage.functions.running.first(where: { $0.hasPrefix("again") }) { try stage.succeed(unit, 2) }
        try stage.signal("go", ["by": "me"])
        try stage.pass(.seconds(600))
        try stage.fail("risky")
        #expect(stage.runStatus == "succeeded")
        return stage
    }

    private static func report(_ stage: Stage) throws -> ReplayReport {
        try Replayer.replay(
            stage.mailbox.number, plans: [stage.mailbox.plan], in: stage.journal, artifacts: nil)
    }

    @Test("Every event of a history follows from those before it", arguments: JournalKind.allCases)
    func follows(_ kind: JournalKind) throws {
        let stage = try Self.play(on: kind)
        let report = try Self.report(stage)
        #expect(report.isWhole, "\(String(describing: report.divergence))")
        #expect(report.state == stage.mailbox.state)
        #expect(report.explained == Int(stage.mailbox.state.version.rawValue))
        #expect(ReplayReport.Kind.allCases.allSatisfy { report.counts[$0, default: 0] > 0 }, "\(report.counts)")
        #expect(report.byOperands == 0 && report.taken == 0)
    }

    @Test("A run that goes on is replayed as far as it has got")
    func open() throws {
        let stage = try Stage("a: {function: f}\nb: {function: f, after: [a]}", on: .memory)
        try stage.succeed("a", 1)
        #expect(try Self.report(stage).isWhole)
        let report = try Replayer.replay(
            stage.mailbox.number, plans: [stage.mailbox.plan], in: stage.journal, artifacts: nil, upTo: RunVersion(2))
        #expect(report.explained == 2 && report.isWhole)
    }

    @Test("After a reopening a result stands while its input is the recorded one", arguments: ["same", "other"])
    func kept(_ output: String) throws {
        let stage = try Stage(
            "a: {function: f}\nb: {function: f, after: [a], with: {x: {var: nodes.a.output}}}", on: .memory)
        try stage.succeed("a", "same")
        try stage.succeed("b")
        let run = stage.mailbox.number
        let started = try #require(
            try stage.journal.read { view throws(RenError) in try view.recorded(run, RunVersion(2))?.event.fact })
        var reopening = Reopening()
        reopening.again = [NodeNumber(0)]
        reopening.affected = [NodeNumber(1)]
        let time = stage.now
        var events = [
            Event(.runReopened(reopening), .run, at: time, by: "test"),
            Event(started, .node(NodeNumber(0)), at: time, attempt: 2, previous: RunVersion(3)),
            Event(.succeeded(instead: nil), .node(NodeNumber(0)), at: time, attempt: 2, previous: RunVersion(8)),
            Event(.kept(), .node(NodeNumber(1)), at: time, previous: RunVersion(5), cause: RunVersion(5)),
            Event(.runSucceeded, .run, at: time),
        ]
        events[2].payload = PayloadMark(Payload(hashing: JSON.string(output).compact))
        try stage.journal.appendAndWait(events, to: run, after: RunVersion(6))
        let report = try Self.report(stage)
        guard output == "other" else {
            #expect(report.isWhole && report.explained == 11, "\(report)")
            return
        }
        #expect(report.divergence?.recorded.version == RunVersion(10))
        guard case .event(let expected)? = report.divergence?.expected, case .started = expected.fact else {
            Issue.record("\(report)")
            return
        }
    }

    // MARK: Planted divergences

    struct Plant: Sendable, CustomTestStringConvertible {
        var name: String
        /// The event that is changed: the first of this type that `node` names.
        var type: EventType
        var node: String?
        /// In its place; nothing: it is left out.
        var change: @Sendable (Event) -> [Event]
        /// The replay says that this type is expected; nil: nothing of its kind.
        var expected: EventType?

        var testDescription: String { name }

        init(
            _ name: String, _ type: EventType, _ node: String? = nil, expected: EventType? = nil,
            _ change: @escaping @Sendable (inout Event) -> Void
        ) {
            (self.name, self.type, self.node, self.expected) = (name, type, node, expected)
            self.change = { event in
                var event = event
                change(&event)
                return [event]
            }
        }

        init(leavingOut type: EventType, _ node: String? = nil, expected: EventType?) {
            (name, self.type, self.node, self.expected) = ("without \(type.name)", type, node, expected)
            change = { _ in [] }
        }
    }

    static let plants: [Plant] = [
        Plant("another way", .nodeDecided, "enough", expected: .nodeDecided) { event in
            guard case .decided(_, let operands) = event.fact else { return }
            event.fact = .decided(way: "else", operands: operands)
        },
        Plant("other operands", .nodeDecided, "enough", expected: .nodeDecided) {
            $0.fact = .decided(way: "then", operands: ["nodes.m.succeeded": 9])
        },
        Plant("another input", .nodeStarted, "list", expected: .nodeStarted) {
            $0.fact = .started(AttemptStart(input: .zero, code: nil))
        },
        Plant("another input of an item", .itemStarted, "again", expected: .itemStarted) {
            $0.fact = .started(AttemptStart(input: .zero, code: nil))
        },
        Plant("a number of an attempt", .nodeStarted, "list", expected: .nodeStarted) { $0.attempt = 2 },
        Plant("another reason to skip", .nodeSkipped, "few", expected: .nodeSkipped) {
            $0.fact = .skipped(.upstreamFailed, operands: nil)
        },
        Plant("an item that when lets in", .itemSkipped, "m") {
            $0.subject = .item(NodeNumber(1), ItemIndex(1))
        },
        Plant("another source of a map", .mapOpened, "m", expected: .mapOpened) {
            $0.fact = .mapOpened(MapOpening(total: 5, source: .zero, concurrency: 2))
        },
        Plant("another payload of a map", .mapOpened, "m", expected: .mapOpened) {
            $0.payload = PayloadMark(Payload(hashing: Array(#"{"keys":null,"values":[1,2,3,4,5]}"#.utf8)))
        },
        Plant("other counts", .mapClosed, "m", expected: .mapClosed) {
            var counts = MapCounts()
            counts.succeeded = 5
            $0.fact = .mapClosed(counts)
        },
        Plant("another message", .nodeWaiting, "ask", expected: .nodeWaiting) { event in
            guard case .waiting(var wait) = event.fact else { return }
            wait.message = "Stop"
            event.fact = .waiting(wait)
        },
        Plant("another deadline", .nodeWaiting, "late", expected: .nodeWaiting) { event in
            guard case .waiting(var wait) = event.fact else { return }
            wait.until = nil
            event.fact = .waiting(wait)
        },
        Plant("a signal that nobody waits for", .signalReceived) { $0.fact = .signalReceived(name: "stop") },
        Plant("a signal's data beside its form", .signalReceived) {
            $0.payload = PayloadMark(Payload(hashing: Array("1".utf8)))
        },
        Plant("the wrong cause", .nodeSucceeded, "ask", expected: .nodeSucceeded) { $0.cause = RunVersion(1) },
        Plant("another value of on_error", .nodeSucceeded, "late", expected: .nodeSucceeded) {
            $0.payload = PayloadMark(Payload(hashing: Array("1".utf8)))
        },
        Plant("a retry too much", .itemFailed, "m", expected: .itemFailed) {
            $0.fact = .attemptFailed(Failure("Gone", "it broke"), retryAt: $0.time)
        },
        Plant("a retry before its time", .itemAttemptFailed, "m") {
            $0.fact = .attemptFailed(Failure("Gone", "it broke"), retryAt: $0.time + .seconds(500))
        },
        Plant("an end of an attempt that was over", .itemInterrupted, "m") { $0.attempt = 9 },
        Plant("a stop that nobody asked for", .itemInterrupted, "m") { $0.fact = .interrupted(.stop) },
        Plant("a result rejected for another reason", .resultRejected, expected: .resultRejected) {
            $0.fact = .resultRejected(.finished)
        },
        Plant("a pause that cannot be", .runPaused, expected: .runPaused) { $0.fact = .runStopped },
        Plant("another error of a node", .nodeSucceeded, "risky", expected: .nodeSucceeded) {
            $0.fact = .succeeded(instead: Failure("Other", "it broke"))
        },
        Plant("another output", .runSucceeded, expected: .runSucceeded) {
            $0.payload = PayloadMark(Payload(hashing: Array("{}".utf8)))
        },
        Plant("another end", .runSucceeded, expected: .runSucceeded) { $0.fact = .runFailed(Failure("No", "")) },
        Plant("another flow", .runCreated) { event in
            guard case .runCreated(var creation) = event.fact else { return }
            creation.flow = .zero
            event.fact = .runCreated(creation)
        },
        Plant("a time that goes back", .nodeDecided, "enough") { $0.time = Timestamp(nanoseconds: 1) },
        Plant("a node that the flow lacks", .nodeDecided, "enough") { $0.subject = .node(NodeNumber(99)) },
        Plant("an event of the journal", .runPaused) { $0.fact = .journalClosed },
        Plant(leavingOut: .nodeSkipped, "few", expected: .nodeSkipped),
        Plant(leavingOut: .mapClosed, "m", expected: .mapClosed),
        Plant(leavingOut: .nodeDecided, "enough", expected: nil),
        Plant(leavingOut: .signalReceived, expected: nil),
        Plant(leavingOut: .itemStarted, "m", expected: .itemStarted),
    ]

    @Test("A planted change is found", arguments: plants)
    func planted(_ plant: Plant) throws {
        let stage = try Self.play()
        let flow = stage.mailbox.plan.flow
        var found = false
        let (copy, version) = try Copy.of(stage) { recorded in
            let name = recorded.event.subject.node.map { flow.nodes[$0.index].name }
            guard !found, recorded.type == plant.type, plant.node == nil || plant.node == name else {
                return [recorded.event]
            }
            found = true
            return plant.change(recorded.event)
        }
        try #require(found)
        let report = try copy.replay(stage.mailbox.plan)
        let divergence = try #require(report.divergence, "\(report)")
        #expect(divergence.recorded.version.rawValue >= version.rawValue, "\(divergence)")
        switch divergence.expected {
        case .event(let event): #expect(EventType(event) == plant.expected, "\(divergence)")
        case .nothing(let why): #expect(plant.expected == nil && !why.isEmpty, "\(divergence)")
        }
    }

    // MARK: Pruned payloads

    @Test("Without its values a decision follows from its operands, or does not")
    func pruned() throws {
        let big = String(repeating: "x", count: 3_000)
        let stage = try Stage(
            """
            a: {function: f}
            large: {after: [a], condition: {">": [{var: nodes.a.output.n}, 10]}}
            b: {function: f, after: [large.then], with: {text: {var: nodes.a.output.text}}}
            """, on: .memory)
        try stage.succeed("a", ["n": 12, "text": .string(big)])
        try stage.succeed("b")
        for (way, isRight) in [("then", true), ("else", false)] {
            let (copy, _) = try Copy.of(stage) { recorded in
                var event = recorded.event
                if case .decided(_, let operands) = event.fact { event.fact = .decided(way: way, operands: operands) }
                return [event]
            }
            try copy.prune()
            let report = try copy.replay(stage.mailbox.plan)
            guard isRight else {
                guard case .event(let expected)? = report.divergence?.expected, case .decided("then", _) = expected.fact
                else {
                    Issue.record("\(report)")
                    continue
                }
                continue
            }
            #expect(report.isWhole && report.byOperands == 1 && report.taken == 1, "\(report)")
        }
    }

    @Test("An event that cannot be read ends the replay, with what was explained before it")
    func unreadable() throws {
        let stage = try Self.play()
        let (copy, _) = try Copy.of(stage) { [$0.event] }
        try copy.damage(JournalSequence(9))
        let report = try copy.replay(stage.mailbox.plan)
        #expect(report.unreadable?.version == RunVersion(9) && report.explained == 8 && !report.isWhole)
    }
}

/// A run's events in another journal, changed on the way.
private struct Copy {
    let store: MemoryStore
    let journal: StoreJournal
    let run: RunNumber

    /// - Returns: the copy, and the version from which it may differ.
    static func of(
        _ stage: Stage, _ change: (RecordedEvent) throws -> [Event]
    ) throws -> (copy: Copy, version: RunVersion) {
        let store = MemoryStore()
        try Rebuild.writeFormat(in: store)
        let journal = try StoreJournal(store)
        let copy = Copy(store: store, journal: journal, run: journal.reserveRun())
        let recorded = try stage.journal.read { view throws(RenError) in
            try view.page(of: stage.mailbox.number, after: .none, limit: 10_000)
        }
        var events: [Event] = []
        var version: RunVersion?
        /// Where an event stands in the copy.
        var places: [RunVersion: RunVersion] = [.none: .none]
        var gone: RunVersion?
        for each in recorded {
            let changed = try change(each)
            if changed.isEmpty { gone = each.version }
            for var event in changed {
                if let length = event.payload?.length, length >= 0, event.payload?.bytes == nil {
                    let bytes = try stage.journal.read { view throws(RenError) in
                        try view.payload(stage.mailbox.number, each.version)
                    }
                    event.payload = PayloadMark(Payload(hashing: bytes))
                }
                if gone != nil {
                    // What links to the event that is gone links to the one before it.
                    event.previous = places[event.previous] ?? .none
                    event.cause = places[event.cause] ?? .none
                }
                events.append(event)
                places[each.version] = RunVersion(events.count)
            }
            if changed.isEmpty { places[each.version] = places[each.event.previous] ?? RunVersion.none }
            if version == nil, changed.count != 1 || !same(changed[0], each.event) { version = each.version }
        }
        try journal.appendAndWait(events, to: copy.run, after: .none)
        return (copy, version ?? RunVersion.none)
    }

    private static func same(_ left: Event, _ right: Event) -> Bool {
        left.fact == right.fact && left.subject == right.subject && left.time == right.time
            && left.attempt == right.attempt && left.cause == right.cause && left.payload?.hash == right.payload?.hash
    }

    func replay(_ plan: Plan) throws -> ReplayReport {
        try Replayer.replay(run, plans: [plan], in: journal, artifacts: nil)
    }

    /// Deletes what retention would delete: all payloads that stand in chunks.
    func prune() throws {
        let transaction = try store.beginWrite()
        try transaction.removeAll(in: .payloads)
        try transaction.commit()
    }

    /// Flips a bit of a record.
    func damage(_ sequence: JournalSequence) throws {
        let transaction = try store.beginWrite()
        let found = try store.read { snapshot throws(RenError) in
            try snapshot.value(of: Key(sequence), in: .events) { Array($0) }
        }
        var bytes = try #require(found)
        bytes[bytes.count / 2] ^= 1
        try transaction.put(bytes, for: Key(sequence), in: .events)
        try transaction.commit()
    }
}
