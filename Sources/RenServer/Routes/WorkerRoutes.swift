import HTTPTypes
import Ren
import RenCore
import RenJSON
import RenWorkers

/// The processes that functions run in.
extension Backend {
    var workerRoutes: [Route] {
        [
            Route(
                .get, "/api/v1/workers", "The worker processes: those that live, and the last that ended",
                answers: [
                    .json(
                        .ok, "All of them",
                        .answer(["items": .list(of: .ref("Worker")), "sets": .list(of: .ref("WorkerSet"))]))
                ], handle: workers),
            Route(
                .post, "/api/v1/workers/{worker}:restart", "Replaces a worker process after its calls, or now",
                body: Route.Body(
                    schema: .request([
                        "now": [
                            "type": "boolean",
                            "description": "kill it: its calls are tried again; a once call becomes unknown",
                        ]
                    ]), isRequired: false),
                answers: [.json(.accepted, "It will be replaced", .answer(["worker": .text("its name")]))],
                handle: restartWorker),
        ]
    }

    private func workers(_ call: Call) async throws -> Reply {
        let sets = await session.workers()
        let items = sets.flatMap { set in set.pool.workers.map { Self.json($0, of: set) } }
        return .json([
            "items": .array(items),
            "sets": .array(
                sets.map { set in
                    [
                        "set": .string(set.set.description), "files": .array(set.files.map(JSON.string)),
                        "restarts": JSON(set.pool.restarts), "parked": JSON(set.pool.parked),
                    ]
                }),
        ])
    }

    private func restartWorker(_ call: Call) async throws -> Reply {
        let id = call.capture("worker")
        try await session.restart(worker: id, call.json["now"] == true ? .now : .afterCalls)
        return .json(["worker": .string(id)], status: .accepted)
    }

    private static func json(_ worker: WorkerSnapshot, of set: SetWorkers) -> JSON {
        let calls = worker.calls.map { call -> JSON in
            [
                "function": .string(call.function), "run": .string(call.run), "node": .string(call.node),
                "key": JSON(call.key), "attempt": JSON(call.attempt),
                "milliseconds": JSON(call.age.nanoseconds / 1_000_000),
            ]
        }
        return [
            "worker": .string(set.id(of: worker)), "set": .string(set.set.description),
            "process": JSON(worker.process), "state": .string(worker.state.rawValue), "alone": .bool(worker.isAlone),
            "calls": .array(calls), "age_milliseconds": JSON(worker.age.nanoseconds / 1_000_000),
            "calls_done": JSON(worker.callsDone), "resident_bytes": JSON(worker.residentBytes),
            "last_error_lines": .array(worker.lastErrorLines.map(JSON.string)), "end": JSON(worker.end),
        ]
    }
}
