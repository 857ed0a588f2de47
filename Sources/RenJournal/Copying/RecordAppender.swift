import LMDB
import RenCore

/// Puts records into a journal that nobody else sees yet, in large commits. Projections come later, by a rebuild.
struct RecordAppender {
    private static let commitRecords = 5_000
    private static let commitBytes = 4 << 20

    private let store: any Store
    private(set) var transaction: any StoreTransaction
    /// Of the records put so far.
    var state: JournalState
    private var records = 0
    private var bytes = 0

    init(_ store: any Store) throws(RenError) {
        self.store = store
        transaction = try store.beginWrite()
        state = try JournalState.load(from: transaction)
    }

    /// - Parameter record: sealed for the sequence behind the head.
    mutating func append(_ record: UnsafeRawBufferPointer, journalHash: Digest) throws(RenError) {
        // One commit more or less is not seen: the head is written with the last.
        if records >= Self.commitRecords || bytes >= Self.commitBytes { try commit() }
        state.head = state.head.next
        state.hash = journalHash
        try transaction.put(record, for: Key(state.head), in: .events, .append)
        records += 1
        bytes += record.count
    }

    /// A part of the payload of the last record.
    mutating func append(chunk: UnsafeRawBufferPointer, _ number: Int) throws(RenError) {
        try transaction.put(chunk, for: .chunk(state.head, number), in: .payloads, .append)
        bytes += chunk.count
    }

    private mutating func commit() throws(RenError) {
        try state.store(in: transaction)
        try transaction.commit()
        transaction = try store.beginWrite()
        (records, bytes) = (0, 0)
    }

    /// Ends the last commit and makes the projections.
    consuming func finish(
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(RenError) -> JournalState {
        try state.store(in: transaction)
        try transaction.commit()
        return try Rebuild.run(store, progress: progress)
    }
}
