import NIOCore
import RenCore
import Testing

@testable import RenWorkers

/// The life of a worker, rule by rule, with no process.
@Suite("Worker connection")
struct WorkerConnectionTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private static let first = CallID(1)
    private static let second = CallID(2)

    private static func at(_ seconds: Double) -> NIODeadline { start + .nanoseconds(Int64(seconds * 1e9)) }

    private static func ready(calls: [CallID] = []) -> WorkerConnection {
        var connection = WorkerConnection(at: start)
        #expect(connection.hello(protocolNumber: 1, at: start) == .welcome)
        for call in calls { connection.assign(call, .blocking) }
        return connection
    }

    /// `#expect` cannot look into an `inout` argument.
    private static func check<Found: Equatable>(
        _ found: Found, _ wanted: Found, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(found == wanted, sourceLocation: sourceLocation)
    }

    struct Row: CustomTestStringConvertible {
        var testDescription: String
        var calls: [CallID] = [first]
        /// What happens, and the reason for which the worker is killed; nil when it lives on.
        var happens: @Sendable (inout WorkerConnection) -> Void
        var killedFor: WorkerConnection.KillReason?
    }

    @Test(
        "what costs a worker its life",
        arguments: [
            Row(testDescription: "an answer for an open call", happens: { _ = $0.answered(first, at: at(1)) }),
            Row(
                testDescription: "an answer for a call that was never sent",
                happens: { check($0.answered(CallID(99), at: at(1)), .kill) },
                killedFor: .violation("an answer for call 99, which is not open")),
            Row(
                testDescription: "two answers for one call",
                happens: {
                    check($0.answered(first, at: at(1)), .end(.init(kind: .blocking)))
                    check($0.answered(first, at: at(1)), .kill)
                }, killedFor: .violation("an answer for call 1, which is not open")),
            Row(
                testDescription: "hello twice", happens: { check($0.hello(protocolNumber: 1, at: at(1)), .kill) },
                killedFor: .violation("hello twice")),
            Row(
                testDescription: "a pong for no ping", happens: { check($0.pong(1, at: at(1)), .kill) },
                killedFor: .violation("a pong that no ping asked for")),
            Row(
                testDescription: "a ping answered in time",
                happens: {
                    check($0.tick(at: at(4.9)), .none)
                    check($0.tick(at: at(5)), .ping(1))
                    check($0.tick(at: at(9.9)), .none)
                    check($0.pong(1, at: at(9.9)), .none)
                    check($0.tick(at: at(10.1)), .none)
                }),
            Row(
                testDescription: "a ping not answered in time",
                happens: {
                    check($0.tick(at: at(5)), .ping(1))
                    check($0.tick(at: at(9.99)), .none)
                    check($0.tick(at: at(10)), .kill)
                }, killedFor: .silent),
            Row(
                testDescription: "a cancelled call that comes back in time",
                happens: {
                    check($0.cancel(first, kill: false, at: at(1)), .send)
                    check($0.answered(first, at: at(2.9)), .end(.init(kind: .blocking, wasAsked: true, killAt: at(3))))
                    check($0.tick(at: at(3)), .none)
                }),
            Row(
                testDescription: "a cancelled call that does not come back",
                happens: {
                    check($0.cancel(first, kill: false, at: at(1)), .send)
                    check($0.nextTick, at(3))
                    check($0.tick(at: at(2.9)), .none)
                    check($0.tick(at: at(3)), .kill)
                }, killedFor: .overdue),
            Row(
                testDescription: "a second cancel does not give more time",
                happens: {
                    _ = $0.cancel(first, kill: false, at: at(1))
                    _ = $0.cancel(first, kill: false, at: at(2))
                    check($0.tick(at: at(3)), .kill)
                }, killedFor: .overdue),
            Row(
                testDescription: "a call cancelled with kill",
                happens: { check($0.cancel(first, kill: true, at: at(1)), .kill) },
                killedFor: .overdue),
            Row(
                testDescription: "cancelling a call that is over",
                happens: {
                    _ = $0.answered(first, at: at(1))
                    check($0.cancel(first, kill: true, at: at(1)), .none)
                    check($0.ask(first), .none)
                }),
            Row(
                testDescription: "a connection that ends while the process lives on",
                happens: {
                    $0.hungUp(at: at(1))
                    check($0.tick(at: at(1.9)), .none)
                    check($0.tick(at: at(2)), .kill)
                }, killedFor: .hungUp),
            Row(
                testDescription: "a worker that is told to leave and stays", calls: [],
                happens: {
                    $0.leave(at: at(1))
                    check($0.tick(at: at(5.9)), .none)
                    check($0.tick(at: at(6)), .kill)
                }, killedFor: .lingering),
        ])
    func lives(_ row: Row) {
        var connection = Self.ready(calls: row.calls)
        row.happens(&connection)
        if let reason = row.killedFor {
            #expect(connection.phase == .killed(reason))
        } else {
            #expect(connection.phase == .ready)
        }
    }

    @Test("a worker that says no hello in 10 s is killed, and one of another protocol at once")
    func hello() {
        var mute = WorkerConnection(at: Self.start)
        #expect(mute.nextTick == Self.at(10))
        #expect(mute.tick(at: Self.at(9.9)) == .none)
        #expect(mute.tick(at: Self.at(10)) == .kill)
        #expect(mute.hello(protocolNumber: 1, at: Self.at(10)) == .kill)

        var other = WorkerConnection(at: Self.start)
        #expect(other.hello(protocolNumber: 2, at: Self.start) == .kill)
        #expect(other.phase == .killed(.violation("it speaks worker protocol 2, this engine speaks 1")))
    }

    @Test("an idle worker leaves after a minute, a busy one does not")
    func idle() {
        func tickToEnd(_ connection: inout WorkerConnection) -> WorkerConnection.TickAction {
            for second in stride(from: 5.0, through: 120, by: 1) {
                switch connection.tick(at: Self.at(second)) {
                case .ping(let id): #expect(connection.pong(id, at: Self.at(second)) == .none)
                case .none: continue
                case let action:
                    #expect(second == 60)
                    return action
                }
            }
            return .none
        }
        var idle = Self.ready()
        #expect(tickToEnd(&idle) == .leave)
        var busy = Self.ready(calls: [Self.first])
        #expect(tickToEnd(&busy) == .none)
    }

    struct DeathRow: CustomTestStringConvertible {
        var testDescription: String
        var calls: [CallID]
        var kill: WorkerConnection.KillReason?
        var ends: [String]
    }

    @Test(
        "how the calls of a dead worker end",
        arguments: [
            DeathRow(testDescription: "alone", calls: [first], ends: ["died alone: exit status 1"]),
            DeathRow(
                testDescription: "with others", calls: [first, second],
                ends: ["died with others: exit status 1", "died with others: exit status 1"]),
            DeathRow(
                testDescription: "killed for a cancelled call", calls: [first, second], kill: .overdue,
                ends: ["neighbour", "neighbour"]),
            DeathRow(testDescription: "the pool closed", calls: [first], kill: .closing, ends: ["neighbour"]),
            DeathRow(
                testDescription: "silent", calls: [first], kill: .silent,
                ends: ["died alone: ended by the engine: no answer to a ping within 5 s"]),
            DeathRow(
                testDescription: "bad frame", calls: [first], kill: .violation("a frame of 0 bytes"),
                ends: ["died alone: ended by the engine: a frame of 0 bytes"]),
            DeathRow(testDescription: "without calls", calls: [], ends: []),
        ])
    func deaths(_ row: DeathRow) {
        var connection = Self.ready(calls: row.calls)
        if let kill = row.kill { connection.kill(kill) }
        let ends = connection.exited("exit status 1").map { ending in
            switch ending.end {
            case .workerDied(true, let how): "died alone: \(how)"
            case .workerDied(false, let how): "died with others: \(how)"
            case .neighbourKilled: "neighbour"
            case .returned, .raised, .silent, .interrupted: "other"
            }
        }
        #expect(ends == row.ends)
        #expect(connection.phase == .gone)
        #expect(connection.answered(Self.first, at: Self.start) == .ignore)
        #expect(connection.nextTick == nil)
    }

    @Test("the first reason of a killing stands")
    func firstReason() {
        var connection = Self.ready(calls: [Self.first])
        connection.violated("bad")
        connection.kill(.closing)
        #expect(connection.phase == .killed(.violation("bad")))
        #expect(connection.tick(at: Self.at(100)) == .none)
    }

    @Test("A retired worker takes no calls, keeps those it has as long as they take, and then leaves at once")
    func retired() {
        var worker = Self.ready(calls: [Self.first])
        worker.retire()
        #expect(!worker.isReady && worker.phase == .ready)
        while case .ping(let id) = worker.tick(at: Self.at(5)) { Self.check(worker.pong(id, at: Self.at(5)), .none) }
        Self.check(worker.ask(Self.first), .send)
        Self.check(worker.answered(Self.first, at: Self.at(9)), .end(.init(kind: .blocking, wasAsked: true)))
        #expect(worker.nextTick == Self.at(9))
        Self.check(worker.tick(at: Self.at(9)), .leave)
        Self.check(worker.tick(at: Self.at(15)), .kill)
    }

    @Test(
        "How the calls of a worker end that a person has killed", arguments: [(false, true), (true, false)])
    func restarted(_ isAlone: Bool, _ isInnocent: Bool) {
        var worker = Self.ready(calls: [Self.first])
        worker.kill(.restarted(alone: isAlone))
        let ends = worker.exited("signal 9").map(\.end)
        if case .neighbourKilled? = ends.first {
            #expect(isInnocent)
        } else if case .workerDied(alone: true, "ended by a person")? = ends.first {
            #expect(!isInnocent)
        } else {
            Issue.record("\(ends)")
        }
    }
}

@Suite("Start policy")
struct StartPolicyTests {
    private let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test("failed starts wait longer and longer, and the fifth parks")
    func backOff() {
        var policy = StartPolicy()
        #expect(policy.mayStart(at: now))
        for milliseconds: Int64 in [500, 1000, 2000, 4000] {
            #expect(policy.failed(at: now, draw: 1) == .again)
            #expect(!policy.mayStart(at: now + .milliseconds(milliseconds - 1)))
            #expect(policy.mayStart(at: now + .milliseconds(milliseconds)))
        }
        #expect(policy.failed(at: now, draw: 1) == .park)
    }

    @Test("jitter takes up to half of the wait")
    func jitter() {
        var policy = StartPolicy()
        #expect(policy.failed(at: now, draw: 0) == .again)
        #expect(policy.mayStart(at: now + .milliseconds(250)))
        #expect(!policy.mayStart(at: now + .milliseconds(249)))
    }

    @Test("only a call that was answered makes old failures forgotten")
    func forgetting() {
        var policy = StartPolicy()
        for _ in 0..<4 { #expect(policy.failed(at: now, draw: 0) == .again) }
        policy.proved()
        #expect(policy.failed(at: now, draw: 0) == .park)
        var used = StartPolicy()
        for _ in 0..<4 { #expect(used.failed(at: now, draw: 0) == .again) }
        used.used()
        #expect(used.failed(at: now, draw: 0) == .again)
    }

    @Test("a parked set is tried when its file changes, looked at every 10 s")
    func parked() throws {
        let folder = try TemporaryFolder()
        let file = folder.path("a.py")
        var policy = StartPolicy()
        policy.park(at: now, files: [file])
        #expect(!policy.mayStart(at: now + .seconds(9)))
        #expect(policy.takeTry(at: now + .seconds(9), files: [file]) == false)
        #expect(policy.takeTry(at: now + .seconds(10), files: [file]) == false)
        try folder.write("a.py", "x = 1\n")
        #expect(policy.takeTry(at: now + .seconds(19), files: [file]) == false)
        #expect(policy.takeTry(at: now + .seconds(20), files: [file]) == true)
        #expect(policy.mayStart(at: now + .seconds(20)))
    }
}
