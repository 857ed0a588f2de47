package import RenCore
import RenJSON
package import RenJournal
import RenWorkers

/// All that the journal proves of one run: who asked what when, what it was made of, how its attempts went, and whether
/// the records are those that were written.
package struct AuditView: Sendable {
    /// Of each list that may be long, at most so many are kept; all are counted.
    package static let listMax = 1_000

    /// A list whose first events are kept.
    package struct Events: Sendable {
        package private(set) var count = 0
        package private(set) var first: [EventView] = []

        mutating func add(_ event: RecordedEvent, _ names: inout EventNames) throws(RenError) {
            count += 1
            guard first.count < AuditView.listMax else { return }
            first.append(try EventView(event, &names))
        }
    }

    /// A content of a function file, as recorded.
    package struct File: Sendable {
        package enum OnDisk: String, Sendable { case same, changed, missing }

        package let path: String
        package let hash: Digest
        package let recorded: JournalSequence
        /// What stands at the path now.
        package let onDisk: OnDisk
        /// Attempts of the run that began with it.
        package internal(set) var attempts = 0
    }

    package struct Lineage: Sendable {
        package let parent: String
        package let version: RunVersion
        package let event: RecordedEvent
    }

    package let row: RunRow
    package let head: JournalHead
    /// Sequence of its `flow.registered`; nil when it is not there.
    package private(set) var flow: JournalSequence?
    package private(set) var files: [File] = []
    /// Attempts with a content of a file that is not recorded.
    package private(set) var unknownCode: [Digest: Int] = [:]
    /// What people asked, and signals.
    package private(set) var asked = Events()
    package private(set) var attempts = 0
    package private(set) var outcomes: [String: Int] = [:]
    package private(set) var interruptions = Events()
    package private(set) var rejected = Events()
    package private(set) var overridden = Events()
    package private(set) var reopened = Events()
    package private(set) var lineage: [Lineage] = []
    /// Engines that opened the journal since the run began.
    package private(set) var engines = Events()
    package private(set) var pruned = Events()
    package let proof: RunProof
    /// R and G of the run's last event, as anchors.
    package let last: RecordedEvent?
    /// What does not match, with the event where there is one.
    package private(set) var findings: [(what: String, sequence: JournalSequence?)] = []

    /// - Throws: `request.cancelled`; what keeps the journal from being read.
    package init(
        _ row: RunRow, in journal: any JournalReading, directory: DataDirectory,
        isCancelled: @escaping () -> Bool = { false }
    ) throws(RenError) {
        self.row = row
        head = try journal.read { view throws(RenError) in try view.head() }
        last = try journal.readable { view throws(RenError) in try view.recorded(row.number, row.version) } ?? nil
        var reader = Reader(row, journal, isCancelled)
        try reader.readJournal()
        try reader.readRun()
        let found = reader
        proof = try RunCheck.check(
            row, in: journal, isPruned: found.pruned.count > 0, artifacts: directory.artifacts,
            isCancelled: isCancelled)
        take(found)
        try checkFlow(journal)
        for finding in proof.findings { findings.append((finding.what, finding.sequence)) }
        for (code, count) in unknownCode.sorted(by: { $0.key.description < $1.key.description }) {
            findings.append(("\(count) attempts began with function code \(code) that is not recorded", nil))
        }
    }

    package var isClean: Bool { findings.isEmpty }

    private mutating func take(_ reader: Reader) {
        var known: [Digest: Int] = [:]
        for (index, file) in reader.files.enumerated() where known[file.hash] == nil { known[file.hash] = index }
        files = reader.files
        for (code, count) in reader.codes {
            if let index = known[code] { files[index].attempts = count } else { unknownCode[code] = count }
        }
        asked = reader.asked
        attempts = reader.attempts
        outcomes = reader.outcomes
        interruptions = reader.interruptions
        rejected = reader.rejected
        overridden = reader.overridden
        reopened = reader.reopened
        lineage = reader.lineage
        engines = reader.engines
        pruned = reader.pruned
        findings += reader.findings
    }

    private mutating func checkFlow(_ journal: any JournalReading) throws(RenError) {
        let row = row
        let recorded = try journal.readable { view throws(RenError) in try view.flow(row.flow) } ?? nil
        guard let recorded else {
            findings.append(("the flow \(row.flow) is not in the journal", nil))
            return
        }
        flow = recorded.sequence
        guard Digest(hashing: recorded.bytes) != row.flow else { return }
        findings.append(("the recorded flow does not have its hash", recorded.sequence))
    }

    // MARK: Reading

    /// What one walk through the histories of the journal and of the run gathers.
    private struct Reader {
        private static let page = 1_000

        let row: RunRow
        let journal: any JournalReading
        let isCancelled: () -> Bool
        var names: EventNames
        var files: [File] = []
        var codes: [Digest: Int] = [:]
        var asked = Events()
        var attempts = 0
        var outcomes: [String: Int] = [:]
        var interruptions = Events()
        var rejected = Events()
        var overridden = Events()
        var reopened = Events()
        var lineage: [Lineage] = []
        var engines = Events()
        var pruned = Events()
        var findings: [(what: String, sequence: JournalSequence?)] = []

        init(_ row: RunRow, _ journal: any JournalReading, _ isCancelled: @escaping () -> Bool) {
            self.row = row
            self.journal = journal
            self.isCancelled = isCancelled
            names = EventNames(journal)
        }

        /// Lends each event of a run that can be read.
        private mutating func forEach(
            of run: RunNumber, _ body: (inout Reader, RecordedEvent) throws(RenError) -> Void
        ) throws(RenError) {
            var version = RunVersion.none
            while true {
                if isCancelled() { throw RenError(.requestCancelled, "nobody waits for the answer any more") }
                let after = version
                var page: [RecordedEvent] = []
                do throws(RenError) {
                    page = try journal.read { view throws(RenError) in
                        try view.page(of: run, after: after, limit: Self.page)
                    }
                } catch {
                    guard error.code == .journalDamaged else { throw error }
                    // Its check tells which; here the rest of the page is read event by event.
                    let last = try journal.read { view throws(RenError) in try view.version(of: run) }
                    let end = min(last.rawValue, after.rawValue + UInt64(Self.page))
                    guard end > after.rawValue else { return }
                    for number in after.rawValue + 1...end {
                        let one = try journal.readable { view throws(RenError) in
                            try view.recorded(run, RunVersion(rawValue: number))
                        }
                        if let one, let one { try body(&self, one) }
                    }
                    version = RunVersion(rawValue: end)
                    continue
                }
                for event in page { try body(&self, event) }
                guard let last = page.last else { return }
                version = last.version
            }
        }

        mutating func readJournal() throws(RenError) {
            try forEach(of: .journal) { reader, event throws(RenError) in
                switch event.event.fact {
                case .functionsRecorded(let file) where file.set == reader.row.functions:
                    try reader.add(file, event)
                case .journalOpened where event.sequence > reader.row.first && event.sequence < reader.row.last:
                    try reader.engines.add(event, &reader.names)
                case .journalPruned(let pruning) where pruning.runs.contains(where: { $0.id == reader.row.id }):
                    try reader.pruned.add(event, &reader.names)
                default: break
                }
            }
        }

        private mutating func add(_ file: FunctionFile, _ event: RecordedEvent) throws(RenError) {
            guard let payload = event.event.payload else { return }
            let bytes = try journal.readable { view throws(RenError) in try view.payload(at: event.sequence) }
            if bytes.map({ Digest(hashing: $0) }) != payload.hash {
                findings.append(("the recorded file \(file.path) does not have its hash", event.sequence))
            }
            files.append(
                File(
                    path: file.path, hash: payload.hash, recorded: event.sequence,
                    onDisk: Self.onDisk(file.path, payload)))
        }

        private static func onDisk(_ path: String, _ payload: PayloadMark) -> File.OnDisk {
            // A file that cannot be read is as good as gone.
            guard let bytes = try? SystemFile.read(path, limit: max(payload.length, 1) + 1) else {
                return SystemFile.exists(path) ? .changed : .missing
            }
            return Digest(hashing: bytes) == payload.hash ? .same : .changed
        }

        mutating func readRun() throws(RenError) {
            try forEach(of: row.number) { reader, event throws(RenError) in try reader.take(event) }
        }

        private mutating func take(_ event: RecordedEvent) throws(RenError) {
            func count(_ outcome: String) { outcomes[outcome, default: 0] += 1 }
            switch event.event.fact {
            case .runCreated, .runPauseRequested, .runResumed, .runStopRequested, .signalReceived:
                try asked.add(event, &names)
            case .runReopened:
                try asked.add(event, &names)
                try reopened.add(event, &names)
            case .runForked(let fork):
                try asked.add(event, &names)
                lineage.append(Lineage(parent: fork.parent, version: fork.version, event: event))
            case .overridden:
                try asked.add(event, &names)
                try overridden.add(event, &names)
            case .started(let start):
                attempts += 1
                if let code = start.code { codes[code, default: 0] += 1 }
            case .succeeded where event.event.attempt > 0: count("succeeded")
            case .attemptFailed: count("failed")
            case .interrupted:
                count("interrupted")
                try interruptions.add(event, &names)
            case .unknown: count("unknown")
            case .cancelled where event.event.attempt > 0: count("cancelled")
            case .resultRejected: try rejected.add(event, &names)
            default: break
            }
        }
    }
}

extension JournalReading {
    /// Reads what may be damaged or gone.
    ///
    /// - Returns: nil then: the check of the chain says so.
    fileprivate func readable<R>(_ body: (borrowing JournalView) throws(RenError) -> R) throws(RenError) -> R? {
        do {
            return try read(body)
        } catch {
            guard error.code == .journalDamaged || error.code == .payloadMissing else { throw error }
            return nil
        }
    }
}
