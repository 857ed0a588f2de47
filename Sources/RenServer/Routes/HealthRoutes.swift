import HTTPTypes
import RenAPI
import RenCore
import RenEngine
import RenJSON

extension Backend {
    var healthRoutes: [Route] { [liveRoute, readyRoute, metricsRoute] }

    private var liveRoute: Route {
        Route(
            .get, "/health/live", "Whether the process answers", access: .open,
            answers: [.bytes("ok", type: "text/plain; charset=utf-8")]
        ) { _ in .text("ok\n") }
    }

    /// What is wrong is told in the answer, with either status, so that one look is enough.
    private var readyRoute: Route {
        let schema = JSON.answer([
            "ready": .flag,
            "storage": .oneOf(StorageLevel.allCases.map(\.rawValue)),
            "reasons": .list(
                of: .answer(
                    ["code": .text("as in problems"), "message": .text("for people")],
                    sometimes: ["hint": .text("what to do")])),
        ])
        return Route(
            .get, "/health/ready", "Whether runs can be started, and what keeps them from it",
            answers: [.json("ready", schema), .json(.serviceUnavailable, "not ready, and why", schema)]
        ) { [self] _ in
            let (level, _) = await engine.storage()
            var reasons = [readiness.hindrance].compactMap { $0 }
            if level >= .noNewRuns {
                let what = level == .pausing ? "runs are paused" : "no run is started"
                reasons.append(RenError(.storageFull, "the storage is nearly full: \(what)", hint: "free some space"))
            }
            let reply = Reply.json(
                [
                    "ready": .bool(reasons.isEmpty), "storage": .string(level.rawValue),
                    "reasons": .array(reasons.map { .object($0.json) }),
                ], status: reasons.isEmpty ? .ok : .serviceUnavailable)
            return reasons.isEmpty ? reply : reply.with(.retryAfter, "1")
        }
    }

    private var metricsRoute: Route {
        Route(
            .get, "/metrics", "Numbers for Prometheus",
            answers: [.bytes("text format 0.0.4", type: Self.metricsType)], isLong: true
        ) { [self] _ in .text(try await metrics.text(of: self), type: Self.metricsType) }
    }

    private static let metricsType = "text/plain; version=0.0.4; charset=utf-8"
}
