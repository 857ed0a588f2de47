import LMDB
package import RenCore

extension JournalView {
    package func run(_ number: RunNumber) throws(RenError) -> RunRow? {
        try snapshot.value(of: Key(number), in: .runs) { bytes throws(RenError) in try RunRow(bytes) }
    }

    package func runNumber(id: String) throws(RenError) -> RunNumber? {
        guard !id.isEmpty, id.utf8.count <= RunRow.idBytesMax else { return nil }
        return try RunRow.number(of: id, in: snapshot)
    }

    /// The run a person means: an id, the unique beginning of one, `@last`, `@last:flow` or `@running`.
    ///
    /// - Throws: `run.not_found`, `run.ambiguous` (with some of the ids).
    package func findRun(_ name: String) throws(RenError) -> RunRow {
        if name == "@last" || name.hasPrefix("@last:") {
            let flow = name == "@last" ? nil : String(name.dropFirst("@last:".count))
            let last = try runs(limit: 1) { flow == nil || $0.flowName == flow }.first
            return try found(last, flow.map { "there is no run of the flow \($0)" } ?? "there is no run yet")
        }
        if name == "@running" {
            let open = try openRuns()
            guard open.count < 2 else { throw try ambiguous("\(open.count) runs are open", open) }
            return try found(open.first.flatMap { number throws(RenError) in try run(number) }, "no run is open")
        }
        if let number = try runNumber(id: name) { return try found(run(number), "there is no run \(name)") }
        let matches = try runs(withIDPrefix: name, limit: 4)
        guard matches.count < 2 else { throw try ambiguous("several runs begin with \(name)", matches) }
        return try found(
            matches.first.flatMap { number throws(RenError) in try run(number) }, "there is no run \(name)")
    }

    /// Runs, newest first, at most `limit` of those that `isWanted`.
    ///
    /// - Parameter end: only those with smaller numbers: the last one of the page before.
    /// - Complexity: O(*n*) in the runs looked at; for one status use `runs(in:limit:)`.
    package func runs(
        limit: Int, before end: RunNumber? = nil, where isWanted: (RunRow) -> Bool = { _ in true }
    ) throws(RenError) -> [RunRow] {
        var found: [RunRow] = []
        guard limit > 0, end?.rawValue != 0 else { return found }
        let start = end.map { Key(RunNumber(rawValue: $0.rawValue - 1)) }
        try snapshot.walk(.runs, from: start, .descending) { _, value throws(RenError) in
            let row = try RunRow(value)
            if row.number != .journal, isWanted(row) { found.append(row) }
            return found.count < limit ? .continue : .stop
        }
        return found
    }

    /// Numbers of the runs in one status, the latest created first.
    package func runs(in status: RunStatus, limit: Int = .max) throws(RenError) -> [RunNumber] {
        var found: [RunNumber] = []
        try snapshot.walk(.runsByStatus, prefix: .status(status)) { key, _ throws(RenError) in
            found.append(RunNumber(rawValue: key.load(UInt64.self, at: 9)))
            return .continue
        }
        return Array(found.reversed().prefix(limit))
    }

    /// Numbers of all runs that an engine has to carry on, oldest first. Costs nothing for those that ended.
    package func openRuns() throws(RenError) -> [RunNumber] {
        var open: [RunNumber] = []
        for status in RunStatus.allCases where status.isOpen { open += try runs(in: status) }
        return open.sorted()
    }

    /// The last `journal.opened` and where it stands.
    package func lastOpening() throws(RenError) -> (sequence: JournalSequence, opening: JournalOpening)? {
        let sequence = try JournalState.load(from: snapshot).opened
        guard case .journalOpened(let opening)? = try record(at: sequence)?.event.fact else { return nil }
        return (sequence, opening)
    }

    /// Whether the engine that holds the data directory carries this run on.
    ///
    /// - Parameter engineHolds: `ren.lock` is held.
    package func isCarried(_ row: RunRow, engineHolds: Bool) throws(RenError) -> Bool {
        guard engineHolds, row.status.isOpen, let last = try lastOpening() else { return false }
        return last.opening.carries == .all || row.takenUp > last.sequence
    }

    private func runs(withIDPrefix prefix: String, limit: Int) throws(RenError) -> [RunNumber] {
        var found: [RunNumber] = []
        guard !prefix.isEmpty, prefix.utf8.count <= RunRow.idBytesMax else { return found }
        try snapshot.walk(.runIDs, prefix: Key(utf8: prefix)) { _, value throws(RenError) in
            found.append(RunNumber(rawValue: value.load(UInt64.self, at: 0)))
            return found.count < limit ? .continue : .stop
        }
        return found
    }

    private func found(_ row: RunRow?, _ otherwise: String) throws(RenError) -> RunRow {
        guard let row else { throw RenError(.runNotFound, otherwise, hint: "`ren runs` lists them") }
        return row
    }

    private func ambiguous(_ what: String, _ runs: [RunNumber]) throws(RenError) -> RenError {
        var ids: [String] = []
        for run in runs.prefix(3) { if let row = try self.run(run) { ids.append(row.id) } }
        let more = runs.count > 3 ? ", …" : ""
        return RenError(.runAmbiguous, "\(what): \(ids.joined(separator: ", "))\(more)", hint: "name one of them")
    }
}
