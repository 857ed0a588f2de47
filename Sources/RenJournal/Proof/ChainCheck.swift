package import RenCore

/// Both chains, versions and times over events in order. It may begin anywhere: the first event of the journal it sees,
/// and the first of each run, are taken as they are, unless they are the very first.
struct ChainCheck {
    private struct Run {
        var version: RunVersion
        var hash: Digest
        var time: Timestamp
        var sequence: JournalSequence
    }

    /// Every event of the journal is shown, so a run begins with `run.created` or `run.forked`.
    let isFromStart: Bool
    private(set) var journalHash: Digest?
    private var runs: [RunNumber: Run] = [:]
    /// Events that could not be read: a run may lack as many versions without being at fault.
    private(set) var unread: UInt64 = 0

    init(isFromStart: Bool) { self.isFromStart = isFromStart }

    var runCount: Int { runs.count }

    /// Version, R and sequence of the last event of each run.
    func forEachRun(_ body: (RunNumber, RunVersion, Digest, JournalSequence) throws(RenError) -> Void) throws(RenError)
    {
        for (number, run) in runs.sorted(by: { $0.key < $1.key }) {
            try body(number, run.version, run.hash, run.sequence)
        }
    }

    func lastSequence(of run: RunNumber) -> JournalSequence? { runs[run]?.sequence }

    /// Events were lost: what comes next cannot be compared with what was before.
    mutating func skip(_ count: UInt64 = 1) {
        unread += count
        journalHash = nil
    }

    /// The next event is earlier than one before it in its run: no damage, but time is never to go back.
    func timeProblem(with record: Record) -> String? {
        guard let before = runs[record.run], record.time < before.time else { return nil }
        return "its time is before that of version \(before.version)"
    }

    /// What is wrong with the next event; nil when all fits. Later events are compared with what this one says.
    mutating func problem(with record: Record, at sequence: JournalSequence) -> String? {
        let before = runs[record.run]
        let origin = before.map { ($0.version, $0.hash) } ?? Self.origin(of: record, at: sequence)
        let start = journalHash ?? (sequence == JournalSequence(1) ? .zero : nil)
        runs[record.run] = Run(
            version: record.version, hash: record.runHash, time: max(record.time, before?.time ?? record.time),
            sequence: sequence)
        journalHash = record.journalHash

        // Behind events that were lost, a run may seem to begin with any.
        let expected = origin?.0.next ?? (isFromStart && unread == 0 ? RunVersion(1) : record.version)
        guard record.version >= expected, record.version.rawValue - expected.rawValue <= unread else {
            return "run \(record.run) goes on with version \(record.version) instead of \(expected)"
        }
        // A stub has lost what its digest is of: that G leads to its R proves it.
        if record.form != .stub, record.version == expected, let origin,
            origin.1.chained(with: record.digest) != record.runHash
        {
            return "its content does not fit the chain of run \(record.run)"
        }
        if let start, start.chained(with: record.runHash) != record.journalHash {
            return "it does not fit the chain of the journal"
        }
        return nil
    }

    /// What a run's first event follows: no version and R(0), from the id that it names, or the parent's version and R
    /// that it names. Nil for any other event.
    private static func origin(of record: Record, at sequence: JournalSequence) -> (RunVersion, Digest)? {
        if record.type == .runForked, case .runForked(let fork)? = try? record.event(at: sequence).fact {
            return (fork.version, fork.hash)
        }
        guard record.version == RunVersion(1) else { return nil }
        if record.run == .journal { return (.none, .chainStart(ofRun: RunRow.journalID)) }
        // A body that cannot be read shows in the digest, which nothing fits then.
        guard case .runCreated(let creation)? = try? record.event(at: sequence).fact else { return (.none, .zero) }
        return (.none, .chainStart(ofRun: creation.id))
    }
}

extension JournalView {
    /// What is wrong with the place of an event in both chains, by what the events before it in its run and in the
    /// journal say; nil when it fits. Of a run whose history is pruned the journal's chain alone tells.
    package func chainProblem(at sequence: JournalSequence) throws(RenError) -> String? {
        let place = try withRecord(at: sequence) { record throws(RenError) in (record.run, record.version) }
        guard let (run, version) = place else { return nil }
        var check = ChainCheck(isFromStart: false)
        var before: [JournalSequence] = []
        if version > RunVersion(1), try self.run(run)?.pruned != .histories,
            let last = try self.sequence(of: run, RunVersion(rawValue: version.rawValue - 1))
        {
            before.append(last)
        }
        before.append(JournalSequence(rawValue: sequence.rawValue - 1))
        for each in before {
            // Those between are not looked at.
            check.skip(0)
            _ = try withRecord(at: each) { record throws(RenError) in check.problem(with: record, at: each) }
        }
        return try withRecord(at: sequence) { record throws(RenError) in
            check.problem(with: record, at: sequence)
        } ?? nil
    }
}
