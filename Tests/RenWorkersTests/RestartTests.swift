import Foundation
import RenCore
import Testing

@testable import RenWorkers

extension ProcessTests {
    /// Looking at worker processes, and replacing them.
    @Suite("Workers seen and replaced", .timeLimit(.minutes(3)))
    struct RestartTests {
        private static let text = """
            import os, time
            import ren

            @ren.function
            def pid() -> int:
                return os.getpid()

            @ren.function
            def waits(path: str) -> int:
                os.write(2, b"waiting\\n")
                while not os.path.exists(path):
                    time.sleep(0.01)
                return os.getpid()
            """

        private func fixture(processes: Int = 1) throws -> PoolFixture {
            try PoolFixture("calls.py", Self.text, processes: processes)
        }

        /// Starts a call that waits for a file, and returns when its worker has it.
        private func startWaiting(
            _ fixture: PoolFixture, _ slot: Slots.Kind = .blocking
        ) async throws -> (call: CallID, worker: WorkerSnapshot) {
            let call = fixture.start("calls.waits", #"{"path":"\#(fixture.folder.path("go"))"}"#, slot)
            await fixture.reports.wait(for: "line of call \(call)") { reports in
                reports.contains { if case .log(let line) = $0 { line.text == "waiting" } else { false } }
            }
            let workers = await fixture.pool.snapshot().workers
            return (call, try #require(workers.first { $0.calls.contains { $0.id == call } }))
        }

        @Test("A snapshot tells of calls, memory, stderr and ends")
        func snapshot() async throws {
            let fixture = try fixture()
            #expect(await fixture.pool.snapshot().workers.isEmpty)
            let (call, worker) = try await startWaiting(fixture)
            #expect(worker.state == .ready && !worker.isAlone && worker.number == 1 && worker.end == nil)
            #expect(worker.process == fixture.reports.processes.first)
            #expect(worker.callsDone == 0 && worker.age > .zero)
            #expect(worker.lastErrorLines == ["waiting"])
            #if os(Linux)
            let bytes = try #require(worker.residentBytes)
            #expect((1 << 20..<1 << 30).contains(bytes))
            #endif
            let current = try #require(worker.calls.first)
            #expect(current.id == call && current.function == "calls.waits" && current.run == "r_1")
            #expect(current.node == "node" && current.key == "k1" && current.attempt == 1 && current.age >= .zero)
            #expect(await fixture.pool.isIdle() == false)
            try fixture.folder.write("go", "")
            _ = await fixture.reports.end(of: call)
            let after = try #require(await fixture.pool.snapshot().workers.first)
            #expect(after.callsDone == 1 && after.calls.isEmpty)
            #expect(await fixture.pool.isIdle())
            await fixture.close()
            let closed = await fixture.pool.snapshot()
            #expect(closed.workers.map(\.state) == [.exited] && closed.restarts == 0)
            #expect(closed.workers.first?.end == "exit status 0")
        }

        @Test("A worker that is restarted after its calls ends them, and another takes new ones meanwhile")
        func afterCalls() async throws {
            let fixture = try fixture()
            let (call, worker) = try await startWaiting(fixture)
            #expect(await fixture.pool.restart(worker.number, .afterCalls))
            let other = fixture.start("calls.pid")
            let end = try #require(await fixture.reports.end(of: other)).words
            #expect(end.hasPrefix("returned ") && end != "returned \(worker.process ?? 0)")
            #expect(fixture.pool.freeSlots()[.blocking] == 4, "what the old one still does holds no slot")
            let states = await fixture.pool.snapshot().workers.map(\.state)
            #expect(states == [.stopping, .ready])
            try fixture.folder.write("go", "")
            #expect(await fixture.reports.end(of: call)?.words == "returned \(worker.process ?? 0)")
            await fixture.reports.wait(for: "the end of the old one") {
                $0.contains { if case .workerExited = $0 { true } else { false } }
            }
            #expect(fixture.reports.exits == ["exit status 0"])
            #expect(fixture.pool.freeSlots()[.blocking] == 4)
            #expect(await fixture.pool.snapshot().restarts == 0)
            #expect(await !fixture.pool.restart(worker.number, .afterCalls), "it is gone")
            await fixture.close()
        }

        @Test(
            "A worker that is restarted at once is killed, and its calls say so",
            arguments: [
                (Slots.Kind.blocking, "neighbour killed"), (.alone, "died alone: ended by a person"),
            ])
        func now(_ slot: Slots.Kind, _ words: String) async throws {
            let fixture = try fixture()
            let (call, worker) = try await startWaiting(fixture, slot)
            #expect(worker.isAlone == (slot == .alone))
            #expect(await fixture.pool.restart(worker.number, .now))
            #expect(await fixture.reports.end(of: call)?.words == words)
            let next = fixture.start("calls.pid")
            #expect(await fixture.reports.end(of: next)?.words.hasPrefix("returned ") == true)
            let snapshot = await fixture.pool.snapshot()
            #expect(snapshot.restarts == 1 && snapshot.parked == nil)
            #expect(snapshot.workers.first { $0.number == worker.number }?.end == "signal 9 (SIGKILL)")
            await fixture.close()
        }

        @Test("An idle worker that is restarted is replaced without work")
        func idle() async throws {
            let fixture = try fixture()
            _ = try await fixture.pool.discover()
            #expect(await fixture.pool.restart(1, .afterCalls))
            await fixture.reports.wait(for: "two workers and an end") { reports in
                reports.count { if case .workerStarted = $0 { true } else { false } } == 2
                    && reports.contains { if case .workerExited = $0 { true } else { false } }
            }
            #expect(await !fixture.pool.restart(77, .now))
            await fixture.close()
        }

        @Test("A file that has changed is run by new workers; the old ones finish what they have")
        func changed() async throws {
            let fixture = try fixture()
            let before = try await fixture.pool.discover()
            let (call, worker) = try await startWaiting(fixture)
            try fixture.folder.write("calls.py", Self.text + "\n\n@ren.function\ndef added() -> int:\n    return 7\n")
            #expect(try await fixture.pool.discover().files.map(\.hash) == before.files.map(\.hash), "nobody said so")
            let set = try FunctionSet(files: before.files.map(\.path))
            let after = try await fixture.pool.discover(set.files.map(\.hash))
            #expect(after.files.map(\.hash) == set.files.map(\.hash))
            #expect(fixture.pool.signatures["calls.added"]?.codeHash == set.files[0].hash)
            let added = fixture.start("calls.added")
            #expect(await fixture.reports.end(of: added)?.words == "returned 7")
            try fixture.folder.write("go", "")
            #expect(await fixture.reports.end(of: call)?.words == "returned \(worker.process ?? 0)")
            await fixture.close()
        }
    }
}

@Suite("Socket places")
struct SocketPlaceTests {
    @Test(
        "In the folder up to 100 bytes, else in a fresh folder of this user's",
        arguments: [(99, true), (100, true), (101, false), (200, false)])
    func length(_ bytes: Int, _ isInFolder: Bool) throws {
        let scratch = try TemporaryFolder()
        let name = "ren.sock"
        let folder = scratch.path(String(repeating: "d", count: bytes - scratch.root.utf8.count - name.utf8.count - 2))
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let place = try SocketPlace(name, in: folder)
        #expect((place.path == "\(folder)/\(name)") == isInFolder)
        #expect(place.path.utf8.count <= SocketPlace.pathMax && place.path.hasSuffix("/\(name)"))
        let descriptor = try place.bind()
        let manager = FileManager.default
        #expect(try manager.attributesOfItem(atPath: place.path)[.posixPermissions] as? Int == 0o600)
        let parent = URL(fileURLWithPath: place.path).deletingLastPathComponent().path
        if !isInFolder { #expect(try manager.attributesOfItem(atPath: parent)[.posixPermissions] as? Int == 0o700) }
        closeFile(descriptor)
        if isInFolder {
            // Nobody listens: what an engine left that was killed makes way.
            #expect(manager.fileExists(atPath: place.path))
            closeFile(try SocketPlace(name, in: folder).bind())
        }
        place.remove()
        #expect(!manager.fileExists(atPath: place.path) && manager.fileExists(atPath: parent) == isInFolder)
    }

    @Test("What is no dead socket is left alone, and binding refused")
    func occupied() throws {
        let scratch = try TemporaryFolder()
        try scratch.write("ren.sock", "mine")
        let place = try SocketPlace("ren.sock", in: scratch.root)
        let error = #expect(throws: RenError.self) { try place.bind() }
        #expect(error?.code == .socketFailed)
        #expect(try String(contentsOfFile: scratch.path("ren.sock"), encoding: .utf8) == "mine")
    }
}
