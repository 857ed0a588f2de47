import Ren
import RenCore
import RenEngine
import RenJournal
import RenWebSocket
import RenWorkers

extension ServiceMetrics {
    /// Reads what is now. All labels of a family are set each time, so that none keeps an old number.
    func gather(_ backend: Backend) async throws {
        set("ren_build_info", [("version", renVersion)], to: 1)
        set("ren_http_connections", to: Double(backend.connections.connectionCount))
        set("ren_streams", to: Double(backend.connections.webSocketCount))
        try await gatherRuns(backend)
        try await gatherStorage(backend)
        await gatherWorkers(backend)
        set("process_resident_memory_bytes", to: Double(Process.residentBytes() ?? 0))
        let age = ContinuousClock.now - backend.started
        let sinceEpoch = Timestamp.wallClock() - Timestamp(nanoseconds: 0) - age
        set("process_start_time_seconds", to: Double(sinceEpoch.nanoseconds) / 1e9)
    }

    private func gatherRuns(_ backend: Backend) async throws {
        var counts: [RunStatus: Int] = [:]
        var query = RunQuery()
        query.status = .open
        query.limit = RunQuery.limitMax
        repeat {
            let page = try backend.journal.runs(query)
            for row in page.runs { counts[row.status, default: 0] += 1 }
            query.cursor = page.next
        } while query.cursor != nil
        for status in RunStatus.allCases where status.isOpen {
            set("ren_runs", [("status", status.name)], to: Double(counts[status] ?? 0))
        }
        set("ren_runs_carried", to: Double(await backend.engine.carriedRuns().count))
    }

    private func gatherStorage(_ backend: Backend) async throws {
        let head = try backend.journal.read { view throws(RenError) in try view.head().sequence }
        set("ren_events_total", to: Double(head.rawValue))
        set("ren_journal_queue_bytes", to: Double(backend.journal.queuedBytes))
        let storage = await backend.engine.storage()
        if let use = storage.use {
            set("ren_journal_used_bytes", to: Double(use.mapUsedBytes))
            set("ren_storage_used_ratio", to: use.share)
            if let free = use.diskFreeBytes { set("ren_disk_free_bytes", to: Double(free)) }
        }
        for level in StorageLevel.allCases {
            set("ren_storage_level", [("level", level.rawValue)], to: level == storage.level ? 1 : 0)
        }
    }

    private func gatherWorkers(_ backend: Backend) async {
        let pools = await backend.session.workers().map(\.pool)
        let workers = pools.flatMap(\.workers)
        for state in [WorkerSnapshot.State.starting, .ready, .stopping] {
            set("ren_workers", [("state", state.rawValue)], to: Double(workers.count { $0.state == state }))
        }
        set("ren_worker_restarts_total", to: Double(pools.reduce(0) { $0 + $1.restarts }))
        set("ren_calls_running", to: Double(workers.reduce(0) { $0 + $1.calls.count }))
    }
}
