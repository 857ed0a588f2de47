import Ren
package import RenCore
package import RenJSON
import RenJournal
import RenWorkers

/// How far runs have come, counted once for all who watch: at most five times a second for each run.
package actor ProgressBoard {
    private static let thread = ThreadExecutor(name: "ren-progress")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { Self.thread.asUnownedSerialExecutor() }

    /// No subscriber hears more often of a run.
    static let interval = Duration.milliseconds(200)
    private static let rateAge = Duration.seconds(10)
    private static let runsMax = 256

    package struct Progress: Sendable {
        /// The journal's head when it was read.
        package let sequence: JournalSequence
        package let version: RunVersion
        /// By name, in flow order: `{"state", "done", "failed", "running", "total", "rate", "eta_s"}`; `done` without
        /// those that failed.
        package let nodes: JSONObject
    }

    private struct Board {
        var progress: Progress
        var readAt: ContinuousClock.Instant
    }

    private let journal: any JournalReading
    private let times: MapTimes
    private let now: @Sendable () -> Timestamp
    private var names: EventNames
    private var boards: [RunNumber: Board] = [:]

    init(_ journal: any JournalReading, _ times: MapTimes, now: @escaping @Sendable () -> Timestamp) {
        self.journal = journal
        self.times = times
        self.now = now
        names = EventNames(journal)
    }

    /// - Throws: `run.not_found`, `journal.*`, `storage.*`.
    package func progress(of run: RunNumber) throws(RenError) -> Progress {
        if let board = boards[run], .now - board.readAt < Self.interval { return board.progress }
        let (row, nodes, head) = try journal.read { view throws(RenError) in
            (try view.run(run), try view.nodes(of: run), try view.head().sequence)
        }
        guard let row else { throw RenError(.runNotFound, "there is no run number \(run)") }
        var members: [JSONObject.Member] = []
        for (number, node) in nodes {
            let rate = row.status.isOpen ? try rate(of: run, number, node) : nil
            members.append(
                .init(key: try names.name(of: number, in: run), value: .object(Self.json(node, rate: rate))))
        }
        let progress = Progress(sequence: head, version: row.version, nodes: JSONObject(members: members))
        if boards.count >= Self.runsMax { boards = [:] }
        boards[run] = Board(progress: progress, readAt: .now)
        return progress
    }

    private func rate(of run: RunNumber, _ number: NodeNumber, _ node: NodeRow) throws(RenError) -> Double? {
        guard node.map != nil, node.state == .running else { return nil }
        return try times.times(of: run, number, in: journal, now: now(), atMost: Self.rateAge)?.rate
    }

    private static func json(_ row: NodeRow, rate: Double?) -> JSONObject {
        var counts = StateCounts()
        var total = 1
        if let map = row.map { (counts, total) = (map.counts, map.total) } else { counts[row.state] = 1 }
        let done = counts[.succeeded] + counts[.skipped] + counts[.cancelled]
        let left = total - done - counts[.failed] - counts[.unknown]
        let eta = rate.flatMap { $0 > 0 && left > 0 ? JSON.integer(Int64(Double(left) / $0)) : nil }
        return [
            "state": .string(row.state.name), "done": JSON(done), "failed": JSON(counts[.failed]),
            "running": JSON(counts[.running]), "total": JSON(total), "rate": rate.map(JSON.double) ?? .null,
            "eta_s": eta ?? .null,
        ]
    }
}
