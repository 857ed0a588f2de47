import LMDB
import RenCore

/// Making the projections anew.
enum Rebuild {
    /// Events folded in one commit.
    static let commitEvents = 5_000

    /// Marks a new store as a journal of this format.
    static func writeFormat(in store: any Store) throws(RenError) {
        let transaction = try store.beginWrite()
        try transaction.put(Meta.bytes(Meta.currentFormat), for: Meta.format, in: .meta)
        try transaction.put(Meta.bytes(Meta.projectionFormat), for: Meta.projections, in: .meta)
        try JournalState().store(in: transaction)
        try transaction.commit()
    }

    /// Empties the projections and folds all events up to `end` (nil: all) again.
    ///
    /// A crash leaves `applied` behind the head, so that the next start begins again.
    ///
    /// - Returns: the state afterwards.
    static func run(
        _ store: any Store, upTo end: JournalSequence? = nil,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(RenError) -> JournalState {
        var state = try clear(store)
        let last = min(end ?? state.head, state.head)
        var fold = ProjectionFold()
        while state.applied < last {
            let transaction = try store.beginWrite()
            try foldPage(upTo: last, to: &state, with: &fold, in: transaction)
            try fold.flush(into: transaction)
            try state.store(in: transaction)
            try transaction.commit()
            fold.committed()
            progress(Int(state.applied.rawValue), Int(last.rawValue))
        }
        return state
    }

    private static func clear(_ store: any Store) throws(RenError) -> JournalState {
        let transaction = try store.beginWrite()
        for table in StoreTable.derived { try transaction.removeAll(in: table) }
        var state = JournalState()
        var end: (JournalSequence, Digest)?
        try transaction.walk(.events, from: nil, .descending) { key, value throws(RenError) in
            let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: 0))
            end = (sequence, try Record(value, at: sequence).journalHash)
            return .stop
        }
        if let end { (state.head, state.hash) = end }
        try state.store(in: transaction)
        try transaction.put(Meta.bytes(Meta.projectionFormat), for: Meta.projections, in: .meta)
        try transaction.commit()
        return state
    }

    private static func foldPage(
        upTo last: JournalSequence, to state: inout JournalState, with fold: inout ProjectionFold,
        in transaction: any StoreTransaction
    ) throws(RenError) {
        let first = state.applied
        // The walk must not see its own transaction change, so the events are read before they are folded.
        var events: [(Event, ProjectionFold.Place)] = []
        try transaction.walk(.events, from: Key(first.next), .ascending) { key, value throws(RenError) in
            let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: 0))
            let record = try Record(value, at: sequence)
            let place = ProjectionFold.Place(
                run: record.run, version: record.version, sequence: sequence, runHash: record.runHash)
            events.append((try record.event(at: sequence), place))
            return events.count < commitEvents && sequence < last ? .continue : .stop
        }
        guard !events.isEmpty else { throw .damaged(first.next, "it is missing") }
        for (event, place) in events {
            guard place.sequence == state.applied.next else { throw .damaged(state.applied.next, "it is missing") }
            try fold.apply(event, at: place, to: &state, in: transaction)
            state.applied = place.sequence
        }
    }
}

extension Committer {
    /// The same while the journal is open.
    mutating func rebuild(upTo end: JournalSequence?) throws(RenError) {
        self = Committer(store, try Rebuild.run(store, upTo: end))
    }
}
