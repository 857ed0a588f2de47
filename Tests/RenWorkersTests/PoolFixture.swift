import Foundation
import RenCore
import Synchronization
import Testing

@testable import RenWorkers

/// A pool over one Python file in a folder of its own.
final class PoolFixture: Sendable {
    static let python: Result<PythonExecutable, RenError> = {
        // Once for all tests; they are skipped visibly where there is none.
        let box = Mutex<Result<PythonExecutable, RenError>?>(nil)
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            do throws(RenError) {
                let found = try await PythonExecutable.find(environment: ProcessInfo.processInfo.environment)
                box.withLock { $0 = .success(found) }
            } catch {
                box.withLock { $0 = .failure(error) }
            }
            done.signal()
        }
        done.wait()
        return box.withLock { $0 } ?? .failure(RenError(.pythonMissing, "not looked for"))
    }()

    static var hasPython: Bool { if case .success = python { true } else { false } }

    let folder: TemporaryFolder
    let reports = Reports()
    let pool: WorkerPool
    private let lastCall = Mutex(0)

    /// - Parameters:
    ///   - name: of the Python file.
    ///   - worker: text of a program that takes the place of the SDK's worker.
    init(
        _ name: String, _ text: String, worker: String? = nil, processes: Int = 1,
        _ adjust: (inout WorkerSettings) -> Void = { _ in }
    ) throws {
        folder = try TemporaryFolder()
        let file = try folder.write(name, text)
        let sdk: String
        if let worker {
            try folder.write("sdk/ren/worker.py", worker)
            sdk = folder.path("sdk")
        } else {
            sdk = try SDKFiles.unpack(under: folder.root)
        }
        var settings = WorkerSettings(
            processes: processes, directory: folder.root,
            variables: WorkerSettings.allowed(from: ProcessInfo.processInfo.environment),
            artifacts: folder.path("artifacts"))
        adjust(&settings)
        pool = WorkerPool(
            set: Digest(hashing: Array(file.utf8)), files: [file], python: try Self.python.get().path, sdk: sdk,
            sockets: folder.root, settings: settings, sink: reports.add)
    }

    /// Starts a call and returns its number.
    func start(
        _ function: String, _ arguments: String = "{}", _ slot: Slots.Kind = .blocking,
        _ change: (inout Call) -> Void = { _ in }
    ) -> CallID {
        let id = CallID(
            lastCall.withLock { count in
                count += 1
                return count
            })
        var call = Call(
            id: id, function: function, slot: slot, run: "r_1", flow: "test", node: "node", key: "k\(id)", index: nil,
            attempt: 1, idempotencyKey: "r_1/node/k\(id)", deadline: nil, arguments: Array(arguments.utf8))
        change(&call)
        pool.reserve(slot)
        pool.start([call])
        return id
    }

    /// Ends the pool and expects that no process is left of it.
    func close(sourceLocation: SourceLocation = #_sourceLocation) async {
        await pool.shutDown()
        for process in reports.processes {
            let isGone = kill(process, 0) != 0 && errno == ESRCH
            #expect(isGone, "process \(process) is left", sourceLocation: sourceLocation)
        }
        #expect(reports.exits.count == reports.processes.count, sourceLocation: sourceLocation)
        let sockets = (try? FileManager.default.contentsOfDirectory(atPath: folder.root))?.filter {
            $0.hasSuffix(".sock")
        }
        #expect(sockets == [], sourceLocation: sourceLocation)
    }
}

/// Waits for something outside of this process, such as a file of a worker's.
func eventually(
    _ what: String, limit: Duration = .seconds(30), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while !condition() {
        guard ContinuousClock.now < end else {
            Issue.record("not within \(limit): \(what)", sourceLocation: sourceLocation)
            return
        }
        // A poll, because nobody tells us; not a wait for time to pass.
        try await Task.sleep(for: .milliseconds(5))
    }
}
