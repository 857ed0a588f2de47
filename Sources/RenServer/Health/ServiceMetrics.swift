import CoreMetrics
package import HTTPTypes
import RenCore

/// What `/metrics` tells: requests as they end, everything else as it is when somebody asks.
package final class ServiceMetrics: Sendable {
    private let metrics = PrometheusMetrics()

    /// Numbers with the same few labels for as long as the service lives.
    static let families: [PrometheusMetrics.Family] = [
        .init(name: "ren_build_info", kind: .gauge, help: "Always 1; the version is a label."),
        .init(name: "ren_http_requests_total", kind: .counter, help: "Requests answered."),
        .init(
            name: "ren_http_request_duration_seconds", kind: .histogram,
            help: "Time from the head of a request to the head of its answer."),
        .init(name: "ren_http_connections", kind: .gauge, help: "TCP connections open now."),
        .init(name: "ren_streams", kind: .gauge, help: "WebSocket streams open now."),
        .init(name: "ren_runs", kind: .gauge, help: "Open runs by status."),
        .init(name: "ren_runs_carried", kind: .gauge, help: "Runs that this engine carries."),
        .init(name: "ren_events_total", kind: .counter, help: "Events in the journal."),
        .init(name: "ren_journal_queue_bytes", kind: .gauge, help: "Bytes that wait for their commit."),
        .init(name: "ren_journal_used_bytes", kind: .gauge, help: "Bytes of the journal that are in use."),
        .init(name: "ren_disk_free_bytes", kind: .gauge, help: "Room left where the journal is."),
        .init(name: "ren_storage_used_ratio", kind: .gauge, help: "Share of map or disk in use, the worse of both."),
        .init(name: "ren_storage_level", kind: .gauge, help: "1 for the level that the storage is at."),
        .init(name: "ren_workers", kind: .gauge, help: "Worker processes by state."),
        .init(name: "ren_worker_restarts_total", kind: .counter, help: "Worker processes started again."),
        .init(name: "ren_calls_running", kind: .gauge, help: "Function calls in workers now."),
        .init(name: "process_resident_memory_bytes", kind: .gauge, help: "Resident set of the engine."),
        .init(name: "process_start_time_seconds", kind: .gauge, help: "Start of the process, since 1970."),
    ]

    package func requestEnded(route: String, method: HTTPRequest.Method, status: Int, after time: Duration) {
        // Methods that nobody knows would make a label each.
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .delete, .patch, .options]
        let labels = [
            ("route", route.isEmpty ? "none" : route), ("method", known.contains(method) ? method.rawValue : "other"),
        ]
        Counter(
            label: "ren_http_requests_total", dimensions: labels + [("status", "\(status / 100)xx")], factory: metrics
        ).increment()
        CoreMetrics.Timer(
            label: "ren_http_request_duration_seconds", dimensions: Array(labels.prefix(1)), factory: metrics
        ).recordNanoseconds(time.nanoseconds)
    }

    func set(_ name: String, _ labels: [(String, String)] = [], to value: Double) {
        Recorder(label: name, dimensions: labels, aggregate: false, factory: metrics).record(value)
    }

    /// - Complexity: O(*n*) in the open runs.
    func text(of backend: Backend) async throws -> String {
        try await gather(backend)
        return metrics.text(Self.families)
    }
}
