package import RenCore

/// Events of one run that are written together or not at all.
///
/// A batch that begins with `run.created` makes the run: its number comes from `Journal.reserveRun`, and `after` is
/// `.none`. One that begins with `run.forked` makes a fork, and `after` is the parent's version that it goes on from;
/// batches behind it wait until the fork's rows are made from its past (`Journal.waitUntilPrepared`). Payload marks must hold their bytes and the right hash. An event with a request mark begins its batch: when
/// the mark's key is known, nothing of the batch is written, and the receipt is that of the first time.
package struct Batch: Sendable {
    package var run: RunNumber
    /// Version of the run's last event, which these follow.
    package var after: RunVersion
    package var events: [Event]
    /// Rows of the table `keys` that are changed in the same commit; with no events, in one of their own.
    package var keys: [KeyRows]
    /// A snapshot of the run at `after`, in a batch without events: written if that is the run's last version then.
    package var snapshot: SnapshotRows?
    /// A person waits for the answer: it goes before what others have queued, but not before its own run's batches.
    package var isUrgent = false
    /// Called once, on the writer's thread, right after the commit returned or failed, in the order of commits. Must
    /// be quick: the next commit waits for it.
    package var completion: @Sendable (Result<Receipt, RenError>) -> Void

    /// For `after` of events that no state was decided on, such as those of the run `journal`: whatever was last.
    package static let anyVersion = RunVersion(rawValue: .max)

    package init(
        run: RunNumber, after: RunVersion, events: [Event], keys: [KeyRows] = [], snapshot: SnapshotRows? = nil,
        completion: @escaping @Sendable (Result<Receipt, RenError>) -> Void
    ) {
        self.run = run
        self.after = after
        self.events = events
        self.keys = keys
        self.snapshot = snapshot
        self.completion = completion
    }

    /// It changes nothing and only tells how far the writer is.
    var isEmpty: Bool { events.isEmpty && !hasRows }

    /// Rows that no event makes.
    var hasRows: Bool { !keys.isEmpty || snapshot != nil }
}

/// What a batch became.
package struct Receipt: Sendable, Equatable {
    package var run: RunNumber
    /// A run of this id, flow and input, this fork, or this flow, was there already: nothing was written, and `run` is
    /// that one.
    package var isExisting = false
    /// The request's key was known: nothing was written, and the rest tells what was the first time.
    package var replayed = false
    package var first: JournalSequence
    package var last: JournalSequence
    /// Version of the last event.
    package var version: RunVersion
    /// R and G of the last event.
    package var runHash: Digest
    package var journalHash: Digest
}

extension Batch {
    /// How far the request's events go cannot be seen in the journal, so its first one says it.
    fileprivate func withCountedRequest() -> Batch {
        guard events.first?.request != nil else { return self }
        var batch = self
        batch.events[0].request?.events = events.count
        return batch
    }
}

/// A batch with its records encoded and hashed as far as the caller's thread can.
struct PreparedBatch: Sendable {
    /// Larger ones are refused: a result at the frame's limit and what follows from it always fit.
    static let byteCountMax = 17 << 20

    let batch: Batch
    /// All records behind each other, without their seals.
    private(set) var bytes: [UInt8] = []
    private(set) var records: [UnsealedRecord] = []
    /// Why it cannot be written whatever the journal holds.
    let refusal: RenError?
    /// What it adds to a commit.
    let byteCount: Int

    init(_ batch: Batch) {
        precondition(
            batch.snapshot == nil || batch.events.isEmpty && batch.after != Batch.anyVersion,
            "a snapshot stands between two batches of events")
        precondition(
            batch.events.dropFirst().allSatisfy { $0.request == nil }, "a request begins in the middle of a batch")
        self.batch = batch.withCountedRequest()
        let payloadBytes = batch.events.reduce(0) { $0 + ($1.payload?.length ?? 0) }
        byteCount =
            payloadBytes + batch.events.count * 300 + batch.keys.reduce(0) { $0 + $1.byteCount }
            + (batch.snapshot?.byteCount ?? 0)
        guard byteCount <= Self.byteCountMax else {
            refusal = RenError(
                .payloadTooLarge,
                "\(batch.events.count) events with \(payloadBytes) bytes of payloads do not fit one commit, at most "
                    + "\(Self.byteCountMax) bytes",
                hint: "hand large values on as artifacts or as a lazy list")
            return
        }
        if let creation = batch.events.first?.creation,
            creation.id.isEmpty || creation.id.utf8.count > RunRow.idBytesMax || creation.id == RunRow.journalID
        {
            refusal = RenError(
                .idInvalid, "a run cannot have the id \"\(creation.id.cut(toUTF8: 200))\"",
                hint: "1 to \(RunRow.idBytesMax) bytes, and not `\(RunRow.journalID)`")
            return
        }
        refusal = nil
        for event in batch.events {
            guard let payload = event.payload else { continue }
            precondition(payload.bytes?.count == payload.length, "an event to append lacks the bytes of its payload")
        }
        if batch.after != Batch.anyVersion { encode(after: batch.after) }
    }

    var isEncoded: Bool { records.count == batch.events.count }

    /// - Complexity: O(*n*) in the bytes; hashes them once.
    mutating func encode(after version: RunVersion) {
        records.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        records.reserveCapacity(batch.events.count)
        var scratch: [UInt8] = []
        var version = version
        for event in batch.events {
            version = version.next
            records.append(RecordCodec.append(event, run: batch.run, version: version, to: &bytes, scratch: &scratch))
        }
    }

    /// The flow that a batch registers and nothing else.
    var flow: Digest? {
        guard batch.events.count == 1, case .flowRegistered = batch.events[0].fact else { return nil }
        return batch.events[0].payload?.hash
    }

    /// For a batch that makes a run.
    var creation: RunCreation? { batch.events.first?.creation }

    /// For a batch that makes a fork.
    var fork: Fork? {
        if case .runForked(let fork)? = batch.events.first?.fact { fork } else { nil }
    }
}

extension Event {
    /// What makes a run.
    var creation: RunCreation? {
        switch fact {
        case .runCreated(let creation): creation
        case .runForked(let fork): fork.creation
        default: nil
        }
    }
}
