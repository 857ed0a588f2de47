import ArgumentParser
import Ren
import RenCore
import RenJournal

/// Follows a run of another process by reading the journal beside it.
struct FollowedRun {
    enum End {
        /// It is where its follower wants it.
        case rested(RunRow)
        case interrupted
        case timedOut
        /// No engine is at work any more, and the run has not ended.
        case abandoned
    }

    let directory: DataDirectory
    let journal: JournalReader
    let number: RunNumber
    let report: RunReport
    /// Whether the run has come to where its follower wants it.
    var isWanted: (RunRow) -> Bool = { !$0.status.isOpen || $0.needsPerson }
    /// Nobody waits for an engine that is gone.
    var needsEngine = true
    var deadline: ContinuousClock.Instant?

    /// - Parameter name: as people name a run.
    init(_ name: String?, _ data: DataOption, _ report: RunReport) throws(RenError) {
        let reading = try Reading(data)
        self.init(reading, try reading.run(name).number, report)
    }

    init(_ reading: Reading, _ number: RunNumber, _ report: RunReport) {
        directory = reading.directory
        journal = reading.journal
        self.number = number
        self.report = report
    }

    private static let pause = Duration.milliseconds(100)
    /// A look at the lock is a system call, but who has it changes rarely.
    private static let looksBetweenHolders = 10

    /// Shows the progress until the run is where it is wanted, Ctrl-C, or the deadline.
    func follow() async throws -> End {
        var view = report.makeProgress()
        defer { view?.finish() }
        let flow = try flow()
        var looks = 0
        while true {
            let (row, rows) = try read(flow)
            view?.show(flow.nodes.indices.map { NodeProgress($0, of: flow, rows) })
            if isWanted(row) { return .rested(row) }
            if Signals.received != nil { return .interrupted }
            if let deadline, ContinuousClock.now >= deadline { return .timedOut }
            looks += 1
            if needsEngine, looks % Self.looksBetweenHolders == 0, try EngineLock.holder(in: directory) == nil,
                try isAbandoned()
            {
                return .abandoned
            }
            try await Task.sleep(for: Self.pause)
        }
    }

    /// Follows and prints the summary, as `ren run` does.
    ///
    /// - Throws: `engine.gone` when the engine is gone before the run has ended.
    func followToEnd() async throws -> ExitCode {
        switch try await follow() {
        case .rested: return try finish()
        case .interrupted, .timedOut:
            Terminal.complain("\nstill running in the engine; ren watch \(report.id)")
            return Signals.received == Signals.terminate ? .terminated : .interrupted
        case .abandoned: throw engineGone
        }
    }

    /// No engine is at work on it, although it is not where it is wanted and waits for nobody.
    func isAbandoned() throws -> Bool {
        let summary = try summary()
        return !summary.isCarried && !summary.row.needsPerson && !isWanted(summary.row)
    }

    var engineGone: RenError {
        RenError(
            .engineGone, "the engine that carried run \(report.id) is gone; what was finished is in the journal",
            hint: "ren resume \(report.id) goes on with it")
    }

    /// Prints where the run stands.
    func finish() throws -> ExitCode {
        let summary = try summary()
        report.print(summary, try summary.output(in: journal))
        return .of(summary.row.status)
    }

    func summary() throws -> RunSummary {
        try RunSummary(number, in: journal, engineHolds: EngineLock.holder(in: directory)?.carries != nil)
    }

    private func flow() throws -> Flow {
        let row = try journal.read { view throws(RenError) in try view.run(number) }
        guard let row else { throw RenError(.runNotFound, "there is no run number \(number)") }
        return try Session.recordedFlow(row.flow, in: journal)
    }

    private func read(_ flow: Flow) throws -> (row: RunRow, nodes: [NodeRow?]) {
        let (row, nodes) = try journal.read { view throws(RenError) in
            (try view.run(number), try view.nodes(of: number))
        }
        guard let row else { throw RenError(.runNotFound, "there is no run number \(number)") }
        var rows = [NodeRow?](repeating: nil, count: flow.nodes.count)
        for (node, row) in nodes where node.index < rows.count { rows[node.index] = row }
        return (row, rows)
    }
}

extension RunRow {
    /// It goes on only when a person says so.
    var needsPerson: Bool { status == .paused || isWaiting }
}

extension RenError.Code {
    /// The engine ended while one of its runs was followed (exit 5).
    static let engineGone = Self("engine.gone")
}
