import RenCore

/// Tells the items whose last failure is of one group of problems.
struct ProblemFilter {
    private let fingerprint: UInt64
    private let run: RunNumber
    /// The groups of the run, which tell what belongs to "other".
    private let groups: Set<UInt64>
    /// Fingerprints of errors that were seen: many items fail alike.
    private var known: [ErrorSummary: UInt64] = [:]

    init(_ fingerprint: UInt64, of run: RunNumber, in journal: any JournalReading) throws(RenError) {
        self.fingerprint = fingerprint
        self.run = run
        groups = Set(try journal.read { view throws(RenError) in try view.problems(of: run).map(\.fingerprint) })
    }

    mutating func matches(_ row: UnsafeRawBufferPointer?, in view: borrowing JournalView) throws(RenError) -> Bool {
        guard let row, ItemRow.state(of: row) != .succeeded else { return false }
        let item = try ItemRow(row)
        guard let error = item.error else { return false }
        let found = try fingerprint(of: error, item.last, in: view)
        return fingerprint == (groups.contains(found) ? found : ProblemRow.otherFingerprint)
    }

    private mutating func fingerprint(
        of error: ErrorSummary, _ last: RunVersion, in view: borrowing JournalView
    ) throws(RenError) -> UInt64 {
        // The row has the failure cut; what is not cut tells the group by itself.
        if error.isWhole {
            if let fingerprint = known[error] { return fingerprint }
            let fingerprint = Failure(error.name, error.message, frame: error.frame).fingerprint
            known[error] = fingerprint
            return fingerprint
        }
        var version = last
        while version > .none, let event = try view.recorded(run, version)?.event {
            switch event.fact {
            case .attemptFailed(let failure, _), .failed(let failure): return failure.fingerprint
            default: version = event.previous
            }
        }
        return Failure(error.name, error.message, frame: error.frame).fingerprint
    }
}
