import Foundation
import NIOCore
import RenCore
import RenJSON
import Testing

@testable import RenWorkers

/// Tests that start processes: one after another, so that their time limits mean something on a small machine.
@Suite(.serialized, .enabled(if: PoolFixture.hasPython, "Python 3.9 or later"))
enum ProcessTests {
    /// Calls to real Python workers.
    @Suite("Worker pool", .timeLimit(.minutes(3)))
    struct WorkerPoolTests {}

    /// Programs that speak the protocol badly, in the place of the SDK.
    @Suite("Bad workers", .timeLimit(.minutes(3)))
    struct BadWorkerTests {}

    @Suite("Python environments", .timeLimit(.minutes(5)))
    struct EnvironmentTests {}
}

extension ProcessTests.WorkerPoolTests {
    private func fixture(processes: Int = 1, _ adjust: (inout WorkerSettings) -> Void = { _ in }) throws -> PoolFixture
    {
        try PoolFixture("calls.py", pythonCalls, processes: processes, adjust)
    }

    @Test("discovery tells what the files offer")
    func discovery() async throws {
        let fixture = try fixture()
        let found = try await fixture.pool.discover()
        let double = try #require(found.signatures["calls.double"])
        #expect(double.isAsync && double.policy.retry?.attempts == 3)
        #expect(found.signatures["calls.add"]?.isAsync == false)
        let file = try #require(found.files.first)
        #expect(file.path == fixture.folder.path("calls.py"))
        #expect(file.hash == Digest(hashing: Array(try Data(contentsOf: URL(fileURLWithPath: file.path)))))
        #expect(double.codeHash == file.hash)
        #expect(file.signatures.arrayValue?.count == found.signatures.count)
        #expect(fixture.pool.signatures.count == found.signatures.count)
        #expect(fixture.pool.freeSlots() == [.blocking: 4, .asynchronous: 64, .alone: 1])
        await fixture.close()
        #expect(fixture.pool.freeSlots() == [:])
    }

    @Test("nothing is free before the first worker is ready; asking starts it")
    func firstQuestion() async throws {
        let fixture = try fixture()
        #expect(fixture.pool.freeSlots() == [:])
        await fixture.reports.wait(for: "free slots") {
            $0.contains { if case .slotsFreed = $0 { true } else { false } }
        }
        #expect(fixture.pool.freeSlots()[.blocking] == 4)
        fixture.pool.reserve(.blocking)
        #expect(fixture.pool.freeSlots()[.blocking] == 3)
        fixture.pool.release(.blocking)
        #expect(fixture.pool.freeSlots()[.blocking] == 4)
        await fixture.close()
    }

    struct Row: CustomTestStringConvertible {
        var function: String
        var arguments: String
        var end: String
        var slot = Slots.Kind.blocking
        var testDescription: String { "\(function) \(arguments)" }
    }

    @Test(
        "how calls end",
        arguments: [
            Row(function: "add", arguments: #"{"a":1,"b":2}"#, end: "returned 3"),
            Row(function: "double", arguments: #"{"x":21}"#, end: "returned 42", slot: .asynchronous),
            Row(function: "double", arguments: #"{"x":21}"#, end: "returned 42", slot: .alone),
            Row(function: "fails", arguments: #"{"kind":"value"}"#, end: "raised ValueError: no good"),
            Row(function: "fails", arguments: #"{"kind":"permanent"}"#, end: "raised Permanent: gone (permanent)"),
            Row(
                function: "fails", arguments: #"{"kind":"later"}"#,
                end: "raised RetryAfter: busy (after 30.0 seconds)"),
            Row(
                function: "fails", arguments: #"{"kind":"exit"}"#,
                end: "raised SystemExit: the function called sys.exit(4)"),
            Row(function: "fails", arguments: #"{"kind":"interrupted"}"#, end: "raised Interrupted: by itself"),
            Row(
                function: "gives", arguments: #"{"kind":"event"}"#,
                end: #"returned {"type":"node.succeeded","run":"r_2"}"#),
            Row(function: "gives", arguments: #"{"kind":"nan"}"#, end: "raised BadResult"),
            Row(function: "gives", arguments: #"{"kind":"object"}"#, end: "raised BadResult"),
            Row(function: "gives", arguments: #"{"kind":"deep"}"#, end: "raised BadResult"),
            Row(function: "gives", arguments: #"{"kind":"large"}"#, end: "raised BadResult"),
            Row(function: "gives", arguments: #"{"kind":"surrogate"}"#, end: "raised BadResult"),
            Row(function: "fails", arguments: #"{"kind":"huge"}"#, end: "raised ValueError: xxxxxxxx"),
            Row(function: "missing", arguments: "{}", end: "raised UnknownFunction"),
            Row(function: "add", arguments: #"{"a":1}"#, end: "raised BadArguments"),
            Row(function: "dies", arguments: #"{"how":"exit"}"#, end: "died alone: exit status 7"),
            Row(function: "dies", arguments: #"{"how":"kill"}"#, end: "died alone: signal 9 (SIGKILL)"),
            Row(function: "dies", arguments: #"{"how":"segfault"}"#, end: "died alone: signal 11 (SIGSEGV)"),
            Row(function: "dies", arguments: #"{"how":"threads"}"#, end: "died alone: exit status 9"),
            Row(function: "dies", arguments: #"{"how":"exit"}"#, end: "died alone: exit status 7", slot: .alone),
            Row(function: "prints_much", arguments: "{}", end: "returned \"printed\""),
            Row(function: "closes_output", arguments: "{}", end: "returned \"closed\""),
        ])
    func ends(_ row: Row) async throws {
        let fixture = try fixture()
        let call = fixture.start("calls.\(row.function)", row.arguments, row.slot)
        let end = try #require(await fixture.reports.end(of: call))
        #expect(end.words.hasPrefix(row.end), "\(end.words)")
        #expect(end.words.utf8.count < 3000)
        // The pool serves the next call, whatever became of this one.
        let next = fixture.start("calls.add", #"{"a":20,"b":22}"#)
        #expect(await fixture.reports.end(of: next)?.words == "returned 42")
        #expect(fixture.pool.freeSlots()[.blocking] == 4)
        await fixture.close()
        #expect(fixture.reports.ends(of: call).count == 1)
    }

    @Test("a failure's trace is in the log before its end")
    func traces() async throws {
        let fixture = try fixture()
        let call = fixture.start("calls.fails", #"{"kind":"value"}"#)
        let end = try #require(await fixture.reports.end(of: call))
        guard case .raised(let failure, _, _) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(failure.frame?.hasPrefix("calls.py:") == true)
        let all = fixture.reports.all
        let log = try #require(
            all.firstIndex { if case .log(let line) = $0 { line.text.contains("ValueError: no good") } else { false } })
        let ended = try #require(all.firstIndex { $0.endedCall == call })
        #expect(log < ended)
        await fixture.close()
    }

    @Test("a function knows its call")
    func context() async throws {
        let fixture = try fixture()
        let call = fixture.start("calls.told") { $0.checkpoint = Array(#"{"page":3}"#.utf8) }
        #expect(
            await fixture.reports.end(of: call)?.words
                == #"returned {"run":"r_1","node":"node","key":"k1","attempt":1,"#
                + #""idempotency_key":"r_1/node/k1","checkpoint":{"page":3}}"#
        )
        await fixture.close()
    }

    @Test("what a function says reaches the engine, and a checkpoint waits for its answer")
    func saying() async throws {
        let fixture = try fixture()
        let call = fixture.start("calls.says")
        await fixture.reports.wait(for: "checkpoint") {
            $0.contains { if case .checkpoint = $0 { true } else { false } }
        }
        #expect(fixture.reports.ends(of: call).isEmpty)
        for case .checkpoint(let id, let request, let payload) in fixture.reports.all {
            #expect(id == call)
            #expect(payload.bytes == Array(#"{"at":1}"#.utf8))
            fixture.pool.saved(id, request: request, refused: nil)
        }
        #expect(await fixture.reports.end(of: call)?.words == "returned \"said\"")
        await fixture.reports.wait(for: "lines of the descriptors") { all in
            ["from the descriptor", "\u{1B}[31m<script>\u{FFFD}"].allSatisfy { text in
                all.contains { if case .log(let line) = $0 { line.text == text } else { false } }
            }
        }
        let logs = fixture.reports.logs(of: call)
        for text in ["printed", "complained", "logged"] { #expect(logs.contains(text), "\(logs)") }
        #expect(
            fixture.reports.all.contains {
                if case .progress(call, done: 1, total: 2, text: "half") = $0 { true } else { false }
            })
        await fixture.close()
    }

    @Test("a call that prints too much is told what was lost, before its end, and the next one hears nothing of it")
    func lostLines() async throws {
        let fixture = try fixture()
        let count = 12_000
        let call = fixture.start("calls.prints_lines", "{\"count\":\(count)}")
        #expect(await fixture.reports.end(of: call)?.words == "returned null")
        let next = fixture.start("calls.add", #"{"a":1,"b":2}"#)
        #expect(await fixture.reports.end(of: next)?.words == "returned 3")
        let logs = fixture.reports.logs(of: call)
        let lost = logs.compactMap { text in
            text.hasSuffix("more than 1 MiB of output in a second") ? Int(text.prefix { $0 != " " }) : nil
        }
        #expect(!lost.isEmpty)
        #expect(logs.count - lost.count + lost.reduce(0, +) == count)
        #expect(fixture.reports.logs(of: next).isEmpty && fixture.reports.logs(of: nil).isEmpty)
        await fixture.close()
    }

    @Test("a lazy argument is read page by page")
    func pages() async throws {
        let fixture = try fixture()
        let call = fixture.start("calls.total") { $0.lazy = [Call.LazyArgument(name: "values", total: 3)] }
        for from in [0, 2] {
            await fixture.reports.wait(for: "read from \(from)") { all in
                all.contains { if case .read(call, _, "values", from) = $0 { true } else { false } }
            }
            for case .read(let id, let request, _, from) in fixture.reports.all {
                let values = from == 0 ? ["1", "2"] : ["39"]
                fixture.pool.page(
                    id, request: request, values: values.map { Array($0.utf8) }, next: from == 0 ? 2 : nil)
            }
        }
        #expect(await fixture.reports.end(of: call)?.words == "returned 42")
        await fixture.close()
    }

    // MARK: Stopping

    enum Asking: CaseIterable { case pause, stop, cancel }

    @Test("a function that listens is interrupted", arguments: Asking.allCases)
    func interruption(_ asking: Asking) async throws {
        let fixture = try fixture()
        for (function, slot) in [("waits", Slots.Kind.blocking), ("sleeps", .asynchronous)] {
            // Pausing does not cancel a coroutine; it only tells it.
            if asking == .pause, function == "sleeps" { continue }
            let marker = fixture.folder.path(function)
            let call = fixture.start("calls.\(function)", #"{"marker":"\#(marker)"}"#, slot)
            try await eventually("the function runs") { FileManager.default.fileExists(atPath: marker) }
            switch asking {
            case .pause: fixture.pool.askToPause([call])
            case .stop: fixture.pool.askToStop([call])
            case .cancel: fixture.pool.cancel([call], kill: false)
            }
            #expect(await fixture.reports.end(of: call)?.words == "interrupted")
        }
        #expect(fixture.reports.exits.isEmpty)
        await fixture.close()
    }

    @Test("a late result of a cancelled call still comes")
    func lateResult() async throws {
        let fixture = try fixture()
        let marker = fixture.folder.path("late")
        let call = fixture.start("calls.late", #"{"marker":"\#(marker)"}"#)
        try await eventually("the function runs") { FileManager.default.fileExists(atPath: marker) }
        fixture.pool.cancel([call], kill: false)
        #expect(await fixture.reports.end(of: call)?.words == "returned \"late\"")
        await fixture.close()
    }

    @Test("a cancelled call that hangs costs its process, and its neighbours are not blamed", arguments: [false, true])
    func overdue(_ kills: Bool) async throws {
        let fixture = try fixture { $0.limits.cancel = .milliseconds(300) }
        let markers = ["hanging", "neighbour"].map(fixture.folder.path)
        let hanging = fixture.start("calls.hangs", #"{"marker":"\#(markers[0])"}"#)
        let neighbour = fixture.start("calls.waits", #"{"marker":"\#(markers[1])"}"#)
        try await eventually("both run") { markers.allSatisfy(FileManager.default.fileExists) }
        fixture.pool.cancel([hanging], kill: kills)
        #expect(await fixture.reports.end(of: neighbour)?.words == "neighbour killed")
        #expect(await fixture.reports.end(of: hanging)?.words == "neighbour killed")
        await fixture.close()
    }

    @Test("a worker that dies with others in it blames nobody")
    func shared() async throws {
        let fixture = try fixture()
        let marker = fixture.folder.path("neighbour")
        let neighbour = fixture.start("calls.waits", #"{"marker":"\#(marker)"}"#)
        try await eventually("it runs") { FileManager.default.fileExists(atPath: marker) }
        let guilty = fixture.start("calls.dies", #"{"how":"kill"}"#)
        #expect(await fixture.reports.end(of: guilty)?.words == "died with others: signal 9 (SIGKILL)")
        #expect(await fixture.reports.end(of: neighbour)?.words == "died with others: signal 9 (SIGKILL)")
        await fixture.close()
    }

    @Test("a call that wants a process to itself gets one")
    func alone() async throws {
        let fixture = try fixture()
        let marker = fixture.folder.path("neighbour")
        let neighbour = fixture.start("calls.waits", #"{"marker":"\#(marker)"}"#)
        try await eventually("it runs") { FileManager.default.fileExists(atPath: marker) }
        let guilty = fixture.start("calls.dies", #"{"how":"kill"}"#, .alone)
        #expect(await fixture.reports.end(of: guilty)?.words == "died alone: signal 9 (SIGKILL)")
        #expect(fixture.reports.ends(of: neighbour).isEmpty)
        fixture.pool.cancel([neighbour], kill: false)
        #expect(await fixture.reports.end(of: neighbour)?.words == "interrupted")
        await fixture.close()
    }

    @Test("a process that stops itself is noticed by its silence", arguments: ["stop", "term"])
    func silence(_ how: String) async throws {
        let fixture = try fixture {
            $0.limits.pingEvery = .milliseconds(100)
            $0.limits.pong = .seconds(1)
        }
        let call = fixture.start("calls.dies", #"{"how":"\#(how)"}"#)
        if how == "term" {
            // It ignores SIGTERM but lives: only the end of the pool ends it.
            let other = fixture.start("calls.add", #"{"a":1,"b":1}"#)
            #expect(await fixture.reports.end(of: other)?.words == "returned 2")
        } else {
            #expect(
                await fixture.reports.end(of: call)?.words
                    == "died alone: ended by the engine: no answer to a ping within 1 s")
        }
        await fixture.close()
    }

    // MARK: Processes

    @Test("calls spread over the processes, up to their slots")
    func spreading() async throws {
        let fixture = try fixture(processes: 2)
        _ = try await fixture.pool.discover()
        let markers = (0..<8).map { fixture.folder.path("m\($0)") }
        let calls = markers.map { fixture.start("calls.waits", #"{"marker":"\#($0)"}"#) }
        try await eventually("all run") { markers.allSatisfy(FileManager.default.fileExists) }
        #expect(fixture.reports.processes.count == 2)
        #expect(fixture.pool.freeSlots()[.blocking] == 0)
        fixture.pool.askToStop(calls)
        for call in calls { #expect(await fixture.reports.end(of: call)?.words == "interrupted") }
        #expect(fixture.pool.freeSlots()[.blocking] == 8)
        await fixture.close()
    }

    @Test("many calls at once come back once each")
    func many() async throws {
        let fixture = try fixture(processes: 2)
        let calls = (0..<500).map { fixture.start("calls.double", #"{"x":\#($0)}"#, .asynchronous) }
        for (number, call) in calls.enumerated() {
            #expect(await fixture.reports.end(of: call)?.words == "returned \(2 * number)")
        }
        #expect(fixture.reports.all.count { $0.endedCall != nil } == 500)
        await fixture.close()
    }

    @Test("idle processes leave, and the next question starts one")
    func idle() async throws {
        let fixture = try fixture { $0.limits.idle = .milliseconds(100) }
        _ = try await fixture.pool.discover()
        await fixture.reports.wait(for: "exit") { $0.contains { if case .workerExited = $0 { true } else { false } } }
        #expect(fixture.reports.exits == ["exit status 0"])
        let call = fixture.start("calls.add", #"{"a":1,"b":1}"#)
        #expect(await fixture.reports.end(of: call)?.words == "returned 2")
        await fixture.close()
    }

    @Test("what a worker leaves running in its session ends with it")
    func descendants() async throws {
        let fixture = try fixture()
        let marker = fixture.folder.path("child")
        let call = fixture.start("calls.leaves_child", #"{"marker":"\#(marker)"}"#)
        _ = await fixture.reports.end(of: call)
        let child = try #require(Int32(String(contentsOfFile: marker, encoding: .utf8)))
        #expect(kill(child, 0) == 0)
        await fixture.close()
        try await eventually("the child is gone") { Self.isGone(child) }
    }

    @Test("a daemon that left the session holds nobody up")
    func daemons() async throws {
        let fixture = try fixture()
        let marker = fixture.folder.path("daemon")
        let call = fixture.start("calls.leaves_daemon", #"{"marker":"\#(marker)"}"#)
        #expect(await fixture.reports.end(of: call)?.words == "returned \"left\"")
        let daemon = try #require(Int32(String(contentsOfFile: marker, encoding: .utf8)))
        await fixture.close()
        kill(daemon, SIGKILL)
    }

    private static var hasProc: Bool { FileManager.default.fileExists(atPath: "/proc/self/fd") }

    /// Gone, or waiting for somebody else to ask how it ended.
    private static func isGone(_ process: Int32) -> Bool {
        guard kill(process, 0) == 0 else { return true }
        let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)  // gone meanwhile: no file
        return status?.split(separator: ")").last?.split(separator: " ").first == "Z"
    }

    @Test("a worker has three descriptors and its socket, and not the engine's environment", .enabled(if: hasProc))
    func inheritance() async throws {
        setenv("REN_TEST_SECRET", "canary", 1)
        let leaky = open("/etc/passwd", O_RDONLY)  // without FD_CLOEXEC
        defer { close(leaky) }
        let fixture = try PoolFixture("calls.py", pythonInheritance)
        let descriptors = fixture.start("calls.descriptors")
        #expect(await fixture.reports.end(of: descriptors)?.words == #"returned ["/dev/null","pipe","pipe","socket"]"#)
        let environment = fixture.start("calls.environment")
        let names = try #require(await fixture.reports.end(of: environment)?.words)
        for name in ["SECRET", "TOKEN", "REN_WORKER_SOCKET"] { #expect(!names.contains(name), "\(names)") }
        await fixture.close()
    }

    @Test("closing ends running calls as not to blame")
    func closing() async throws {
        let fixture = try fixture()
        let marker = fixture.folder.path("running")
        let call = fixture.start("calls.hangs", #"{"marker":"\#(marker)"}"#)
        try await eventually("it runs") { FileManager.default.fileExists(atPath: marker) }
        await fixture.close()
        #expect(fixture.reports.ends(of: call).map(\.words) == ["neighbour killed"])
        let late = fixture.start("calls.add", #"{"a":1,"b":1}"#)
        #expect(await fixture.reports.end(of: late)?.words == "neighbour killed")
    }

    // MARK: Files that do not load

    @Test("a file that cannot be imported is named, and parks the set until it changes")
    func broken() async throws {
        let fixture = try PoolFixture("shop.py", "import no_such_package\n")
        let error = await #expect(throws: RenError.self) { _ = try await fixture.pool.discover() }
        #expect(error?.code == .functionBroken)
        #expect(error?.file == fixture.folder.path("shop.py"))
        #expect(error?.message.hasPrefix("shop.py: ModuleNotFoundError: No module named 'no_such_package'") == true)
        #expect(error?.hint?.contains("`requires`") == true)
        #expect(fixture.pool.freeSlots() == [:])
        #expect(fixture.pool.parked?.contains("no_such_package") == true)
        #expect(fixture.reports.all.contains { if case .parked(_, "shop.py", _) = $0 { true } else { false } })

        try fixture.folder.write("shop.py", "import ren\n@ren.function\ndef one(): return 1\n")
        _ = try await fixture.pool.discover()
        #expect(fixture.pool.parked == nil)
        #expect(fixture.reports.all.contains { if case .unparked = $0 { true } else { false } })
        let call = fixture.start("shop.one")
        #expect(await fixture.reports.end(of: call)?.words == "returned 1")
        await fixture.close()
    }

    @Test("calls that wait for a worker which never comes are given back")
    func parkedCalls() async throws {
        let fixture = try PoolFixture("shop.py", "raise RuntimeError('not today')\n")
        let call = fixture.start("shop.one", "{}", .alone)
        #expect(await fixture.reports.end(of: call)?.words == "neighbour killed")
        #expect(fixture.pool.parked?.contains("not today") == true)
        await fixture.close()
    }

    @Test("a Python that cannot be started is said so")
    func noPython() async throws {
        let folder = try TemporaryFolder()
        let pool = WorkerPool(
            set: Digest(hashing: []), files: [], python: folder.path("python"), sdk: folder.root, sockets: folder.root,
            settings: WorkerSettings(directory: folder.root, variables: [:], artifacts: folder.path("artifacts")),
            sink: { _ in })
        let error = await #expect(throws: RenError.self) { _ = try await pool.discover() }
        #expect(error?.code == .workerFailed)
        #expect(error?.message.contains("could not be started") == true)
        await pool.shutDown()
    }

    @Test("a long path of the data directory is no obstacle")
    func longPath() async throws {
        let folder = try TemporaryFolder()
        let deep = folder.path(String(repeating: "d", count: 120))
        try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
        let socket = try WorkerSocket(in: deep)
        #expect(socket.path.utf8.count <= SocketPlace.pathMax)
        let mode = try FileManager.default.attributesOfItem(atPath: socket.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let parent = URL(fileURLWithPath: socket.path).deletingLastPathComponent().path
        #expect(try FileManager.default.attributesOfItem(atPath: parent)[.posixPermissions] as? Int == 0o700)
        closeFile(socket.descriptor)
        socket.remove()
        #expect(!FileManager.default.fileExists(atPath: parent))
    }
}
