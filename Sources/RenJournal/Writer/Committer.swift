import LMDB
import RenCore

/// Turns prepared batches into one commit: records, payload chunks, rows and the state, all or nothing.
///
/// Lives on the writer's thread. What could make a batch fail by itself is checked before anything of it is put.
struct Committer {
    let store: any Store
    /// As of the last commit.
    private(set) var state: JournalState
    private var fold = ProjectionFold()
    private var record: [UInt8] = []
    /// Flows registered in the commit being staged, which no table has yet.
    private var newFlows: [Digest: JournalSequence] = [:]
    /// Forks whose rows are not complete, in the order of their turns.
    private var preparing: [RunNumber] = []
    /// Why the rows of a fork cannot be made.
    private var unprepared: [RunNumber: RenError] = [:]
    /// Why the last batch of a run failed, until one of it succeeds: what followed that batch fails for the same
    /// reason.
    private var failures: [RunNumber: RenError] = [:]

    init(_ store: any Store, _ state: JournalState) throws(RenError) {
        self.store = store
        self.state = state
        preparing = try store.read { snapshot throws(RenError) in try JournalView(snapshot).preparing() }
    }

    /// Writes the batches as one commit, durable on return.
    ///
    /// - Returns: what became of each: refused ones leave the others alone. Nil for one of a fork that is preparing: it
    ///   is to be given again when `isPreparing` no longer says so.
    /// - Throws: what failed the commit as a whole; then nothing of it is stored, unless the error says that this is
    ///   unknown.
    mutating func commit(_ batches: [PreparedBatch]) throws(RenError) -> [Result<Receipt, RenError>?] {
        do {
            let transaction = try store.beginWrite()
            var results: [Result<Receipt, RenError>?] = []
            results.reserveCapacity(batches.count)
            var next = state
            var forks: [RunNumber] = []
            for batch in batches {
                let result = try stage(batch, after: &next, in: transaction)
                if let result { remember(result, of: batch) }
                if batch.fork != nil, case .success(let receipt)? = result, receipt.run == batch.batch.run,
                    !receipt.replayed, !receipt.isExisting
                {
                    forks.append(receipt.run)
                }
                results.append(result)
            }
            if next.head != state.head || batches.contains(where: { $0.batch.hasRows }) {
                next.applied = next.head
                try fold.flush(into: transaction)
                for sequence in fold.obsoletePayloads { try transaction.delete(prefix: Key(sequence), in: .payloads) }
                try next.store(in: transaction)
                try transaction.commit()
                state = next
            }
            fold.committed()
            newFlows.removeAll(keepingCapacity: true)
            preparing += forks
            return results
        } catch {
            fold.discard()
            newFlows.removeAll()
            throw error
        }
    }

    // MARK: Rows of forks

    var hasForkToPrepare: Bool { !preparing.isEmpty }

    func isPreparing(_ run: RunNumber) -> Bool { preparing.contains(run) }

    /// Folds a page of the past of the fork whose turn it is, in a commit of its own.
    ///
    /// - Throws: `storage.full`, `storage.failed`.
    mutating func prepareFork() throws(RenError) {
        guard let run = preparing.first else { return }
        preparing.removeFirst()
        do throws(RenError) {
            if try !fold.prepare(run, in: store) { preparing.append(run) }
        } catch {
            if error.code == .storageFull || error.code == .storageFailed {
                preparing.append(run)
                throw error
            }
            unprepared[run] = error
        }
    }

    /// A batch that failed alone.
    mutating func failed(_ batch: PreparedBatch, _ error: RenError) { failures[batch.batch.run] = error }

    private static let failuresKeptMax = 10_000

    /// At once: those that follow may be in the same commit. When that fails, each is staged again alone.
    private mutating func remember(_ result: Result<Receipt, RenError>, of batch: PreparedBatch) {
        // Only the code of an answer depends on them.
        if failures.count > Self.failuresKeptMax { failures.removeAll() }
        switch result {
        case .success(let receipt):
            // Nothing follows from a flow that was there.
            guard batch.batch.run != .journal else { return }
            failures[batch.batch.run] =
                receipt.replayed ? .replayed : receipt.isExisting ? .runIsThere(receipt.run) : nil
        case .failure(let error): failures[batch.batch.run] = error
        }
    }

    // MARK: One batch

    private mutating func stage(
        _ batch: PreparedBatch, after state: inout JournalState, in transaction: any StoreTransaction
    ) throws(RenError) -> Result<Receipt, RenError>? {
        if let refusal = batch.refusal { return .failure(refusal) }
        let run = batch.batch.run
        if let mark = batch.batch.events.first?.request,
            let known = try fold.requests.row(of: mark.key, in: transaction)
        {
            return try replay(known, mark, in: transaction)
        }
        let row = try fold.run(run, in: transaction)
        if let flow = batch.flow, let known = try sequence(ofFlow: flow, in: transaction) {
            return .success(
                Receipt(
                    run: run, isExisting: true, first: known, last: known, version: row?.version ?? .none,
                    runHash: row?.hash ?? .zero, journalHash: state.hash))
        }
        if row?.preparing != nil {
            guard let error = unprepared[run] else { return nil }
            return .failure(error)
        }
        if let creation = batch.creation, let known = try fold.run(withID: creation.id, in: transaction) {
            return try existing(known, batch, in: transaction)
        }
        var version = row?.version ?? .none
        var runHash = row?.hash ?? .chainStart(ofRun: batch.creation?.id ?? RunRow.journalID)
        if let fork = batch.fork, row == nil {
            if let refusal = try refusal(of: fork, in: transaction) { return .failure(refusal) }
            version = fork.version
            runHash = fork.hash
        }
        let isExpected = batch.batch.after == version || batch.batch.after == Batch.anyVersion
        guard isExpected, row != nil || batch.creation != nil || run == .journal else {
            return .failure(failures[run] ?? .versionConflict(run, expected: batch.batch.after, found: version))
        }
        if let refusal = try pruningRefusal(of: batch.batch, row, in: transaction) { return .failure(refusal) }
        for keys in batch.batch.keys { try keys.change(transaction) }
        if let snapshot = batch.batch.snapshot {
            try snapshot.put(of: run, problems: fold.problems(of: run, in: transaction), in: transaction)
        }
        guard !batch.batch.events.isEmpty else {
            return .success(
                Receipt(
                    run: run, first: state.head, last: state.head, version: version, runHash: row?.hash ?? .zero,
                    journalHash: state.hash))
        }
        return .success(try write(batch, after: version, runHash, to: &state, in: transaction))
    }

    private mutating func write(
        _ given: PreparedBatch, after start: RunVersion, _ startHash: Digest, to state: inout JournalState,
        in transaction: any StoreTransaction
    ) throws(RenError) -> Receipt {
        var batch = given
        let run = batch.batch.run
        var version = start
        if !batch.isEncoded { batch.encode(after: version) }
        var runHash = startHash
        let first = state.head.next
        if let flow = batch.flow { newFlows[flow] = first }
        for (event, unsealed) in zip(batch.batch.events, batch.records) {
            version = version.next
            state.head = state.head.next
            runHash = runHash.chained(with: unsealed.digest)
            state.hash = state.hash.chained(with: runHash)
            record.removeAll(keepingCapacity: true)
            record.append(contentsOf: batch.bytes[unsealed.range])
            RecordCodec.seal(&record, at: state.head, runHash: runHash, journalHash: state.hash)
            try transaction.put(record, for: Key(state.head), in: .events, .append)
            if let payload = event.payload, payload.length > RecordCodec.inlinePayloadMax {
                try put(chunksOf: payload.bytes ?? [], of: state.head, in: transaction)
            }
            let format = EventType(event).format
            if format > Meta.firstFormat { try Meta.raiseFormat(to: format, in: transaction) }
            if case .journalPruned = event.fact { try Pruner.announced(at: state.head, in: transaction) }
            let place = ProjectionFold.Place(run: run, version: version, sequence: state.head, runHash: runHash)
            try fold.apply(event, at: place, to: &state, in: transaction)
        }
        return Receipt(
            run: run, first: first, last: state.head, version: version, runHash: runHash, journalHash: state.hash)
    }

    private func put(
        chunksOf bytes: [UInt8], of sequence: JournalSequence, in transaction: any StoreTransaction
    ) throws(RenError) {
        try bytes.span.bytes.withUnsafeBytes { bytes throws(RenError) in
            for (number, start) in stride(from: 0, to: bytes.count, by: RecordCodec.chunkBytes).enumerated() {
                let end = min(start + RecordCodec.chunkBytes, bytes.count)
                let chunk = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                try transaction.put(chunk, for: .chunk(sequence, number), in: .payloads, .append)
            }
        }
    }

    // MARK: Pruning

    /// Nothing follows an event whose past is gone, and nothing is pruned that goes on or that a fork needs. Asked here,
    /// where nothing comes between the answer and the commit.
    private mutating func pruningRefusal(
        of batch: Batch, _ row: RunRow?, in transaction: any StoreTransaction
    ) throws(RenError) -> RenError? {
        if let row, row.pruned != nil, !batch.events.isEmpty { return .pruned(row) }
        switch batch.events.first?.fact {
        case .runForked(let fork):
            let parent = try fold.run(withID: fork.parent, in: transaction)
            guard let row = try parent.flatMap({ number throws(RenError) in try fold.run(number, in: transaction) }),
                row.pruned != nil
            else { return nil }
            return .pruned(row)
        case .journalPruned(let pruning):
            for run in pruning.runs {
                let number = try fold.run(withID: run.id, in: transaction)
                let row = try number.flatMap { number throws(RenError) in try fold.run(number, in: transaction) }
                guard let row, row.last == run.last, try row.mayBePruned(pruning.step, in: transaction)
                else {
                    return RenError(
                        .versionConflict, "run \(run.id) is not what it was when it was chosen to be pruned",
                        hint: "choose again")
                }
            }
        default: break
        }
        return nil
    }

    // MARK: Requests

    /// The same request again: its answer is what the journal holds of the first time.
    private func replay(
        _ row: RequestRow, _ mark: RequestMark, in transaction: any StoreTransaction
    ) throws(RenError) -> Result<Receipt, RenError> {
        guard row.digest == mark.digest else { return .failure(.keyReused(mark.key)) }
        let hashes = try transaction.value(of: Key(row.last), in: .events) { bytes throws(RenError) in
            let record = try Record(bytes, at: row.last)
            return (run: record.runHash, journal: record.journalHash)
        }
        guard let hashes else { throw .damaged(row.last, "it is missing") }
        return .success(
            Receipt(
                run: row.run, replayed: true, first: row.first, last: row.last, version: row.version,
                runHash: hashes.run, journalHash: hashes.journal))
    }

    // MARK: Flows

    /// Each content is registered once, however many ask at the same time.
    private func sequence(ofFlow hash: Digest, in transaction: any StoreTransaction) throws(RenError)
        -> JournalSequence?
    {
        if let sequence = newFlows[hash] { return sequence }
        return try transaction.value(of: .flow(hash), in: .flows) { bytes in
            JournalSequence(rawValue: bytes.load(UInt64.self, at: 0))
        }
    }

    // MARK: Ids

    /// The same flow and input, or the same fork, is the same request again; anything else wants an id that is taken.
    private mutating func existing(
        _ run: RunNumber, _ batch: PreparedBatch, in transaction: any StoreTransaction
    ) throws(RenError) -> Result<Receipt, RenError> {
        guard let row = try fold.run(run, in: transaction), let wanted = batch.batch.events.first else {
            return .failure(.runIsThere(run))
        }
        let first = try transaction.value(of: Key(row.first), in: .events) { bytes throws(RenError) in
            try Record(bytes, at: row.first).event(at: row.first)
        }
        guard let first, first.makesSameRun(as: wanted) else {
            return .failure(
                RenError(
                    .runExists, "there is a run with the id \(row.id) already, of another flow, input or past",
                    hint: "choose another --id, or look at it with `ren show \(row.id)`"))
        }
        return .success(
            Receipt(
                run: run, isExisting: true, first: row.first, last: row.last, version: row.version, runHash: row.hash,
                journalHash: state.hash))
    }
}

// MARK: Forks

extension Committer {
    /// Why nothing can go on from where a fork says: it was decided on something else than the journal holds.
    private mutating func refusal(
        of fork: Fork, in transaction: any StoreTransaction
    ) throws(RenError) -> RenError? {
        guard let number = try fold.run(withID: fork.parent, in: transaction),
            let parent = try fold.run(number, in: transaction)
        else {
            return RenError(.runNotFound, "there is no run \(fork.parent) to fork", hint: "`ren runs` lists them")
        }
        guard fork.version > .none, fork.version <= parent.version,
            let sequence = try fold.sequence(of: fork.version, parent, in: transaction),
            let hash = try transaction.value(
                of: Key(sequence), in: .events,
                { bytes throws(RenError) in
                    try Record(bytes, at: sequence).runHash
                }), hash == fork.hash
        else {
            return RenError(
                .versionConflict, "the run \(fork.parent) has no version \(fork.version) with the hash \(fork.hash)",
                hint: "load the run again and decide again")
        }
        let depth = parent.segments(through: fork.version).count
        guard depth <= RunRow.segmentsMax else {
            return RenError(
                .forkTooDeep,
                "a fork of \(fork.parent) would have \(depth) ancestors, and \(RunRow.segmentsMax) are the most",
                hint: "fork one of its ancestors, or start a new run with its input")
        }
        return nil
    }
}

extension Event {
    /// Whether both make a run of the same flow with the same input, and a fork out of the same past.
    fileprivate func makesSameRun(as other: Event) -> Bool {
        guard payload?.hash == other.payload?.hash, creation?.flow == other.creation?.flow else { return false }
        switch (fact, other.fact) {
        case (.runCreated, .runCreated): return true
        case (.runForked(let mine), .runForked(let theirs)):
            return mine.parent == theirs.parent && mine.version == theirs.version && mine.hash == theirs.hash
                && mine.reopening == theirs.reopening
        default: return false
        }
    }
}

extension RenError {
    fileprivate static func versionConflict(
        _ run: RunNumber, expected: RunVersion, found: RunVersion
    ) -> RenError {
        RenError(
            .versionConflict, "events for run \(run) were decided after version \(expected), but it is at \(found)",
            hint: "load the run again and decide again")
    }

    fileprivate static func runIsThere(_ run: RunNumber) -> RenError {
        RenError(.runExists, "the run was there already, as number \(run)")
    }
}
