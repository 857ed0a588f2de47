import LMDB
import RenCore

/// Making the projections anew.
enum Rebuild {
    /// Events folded in one commit.
    static let commitEvents = 5_000

    /// Marks a new store as a journal.
    static func writeFormat(in store: any Store) throws(RenError) {
        let transaction = try store.beginWrite()
        try transaction.put(Meta.bytes(Meta.firstFormat), for: Meta.format, in: .meta)
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
        try fold(&state, in: store, upTo: min(end ?? state.head, state.head), progress: progress)
        return state
    }

    /// Folds the events behind `state.applied` up to `last`.
    static func fold(
        _ state: inout JournalState, in store: any Store, upTo last: JournalSequence,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(RenError) {
        var fold = ProjectionFold()
        while state.applied < last {
            let page = try store.read { [state] snapshot throws(RenError) in
                try Self.page(after: state.applied, upTo: last, in: snapshot)
            }
            for (event, place) in page { try fillKeys(event, at: place, in: store) }
            let transaction = try store.beginWrite()
            for (event, place) in page {
                guard place.sequence == state.applied.next else { throw .damaged(state.applied.next, "it is missing") }
                try fold.apply(event, at: place, to: &state, in: transaction)
                state.applied = place.sequence
            }
            try fold.flush(into: transaction)
            try state.store(in: transaction)
            try transaction.commit()
            fold.committed()
            if let (event, place) = page.last, case .runForked = event.fact {
                try prepare(place.run, &fold, in: store)
            }
            progress(Int(state.applied.rawValue), Int(last.rawValue))
        }
    }

    /// The rows of a fork, which were complete before anything else of it was written. One whose past cannot be read
    /// stays as it is: it alone stands still.
    private static func prepare(
        _ fork: RunNumber, _ fold: inout ProjectionFold, in store: any Store
    ) throws(RenError) {
        do throws(RenError) {
            while try !fold.prepare(fork, in: store) {}
        } catch {
            guard error.code == .journalDamaged else { throw error }
        }
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

    /// A `run.forked` ends the page: the rows of the fork are complete before anything else of it is folded.
    private static func page(
        after applied: JournalSequence, upTo last: JournalSequence, in snapshot: any StoreSnapshot
    ) throws(RenError) -> [(Event, ProjectionFold.Place)] {
        var events: [(Event, ProjectionFold.Place)] = []
        try snapshot.walk(.events, from: Key(applied.next), .ascending) { key, value throws(RenError) in
            let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: 0))
            let record = try Record(value, at: sequence)
            let place = ProjectionFold.Place(
                run: record.run, version: record.version, sequence: sequence, runHash: record.runHash,
                isHistoryPruned: record.form == .stub || record.form == .remnant)
            events.append((try record.event(at: sequence), place))
            let isFull = events.count == commitEvents || record.type == .runForked
            return isFull || sequence == last ? .stop : .continue
        }
        guard !events.isEmpty else { throw .damaged(applied.next, "it is missing") }
        return events
    }

    /// The rows of a map's keys, in commits of their own before that of its `map.opened`; those of an earlier opening go.
    private static func fillKeys(
        _ event: Event, at place: ProjectionFold.Place, in store: any Store
    ) throws(RenError) {
        guard case .mapOpened = event.fact, let node = event.subject.node, event.payload != nil else { return }
        let payload = try store.read { snapshot throws(RenError) -> [UInt8] in
            let view = JournalView(snapshot)
            return try view.payload(at: place.sequence)
        }
        while true {
            let old = try store.read { snapshot throws(RenError) in
                try JournalView(snapshot).leftovers(place.run, node)
            }
            if old.isEmpty { break }
            let transaction = try store.beginWrite()
            try old.change(transaction)
            try transaction.commit()
        }
        guard let keys = SortedKeys(payload: payload) else { return }
        for start in stride(from: 0, to: keys.count, by: KeyRows.commitRows) {
            let transaction = try store.beginWrite()
            try keys.rows(of: place.run, node, from: start).change(transaction)
            try transaction.commit()
        }
    }
}

extension ProjectionFold {
    /// Folds a page of a fork's past in a commit of its own.
    ///
    /// - Returns: whether its rows are complete.
    mutating func prepare(_ run: RunNumber, in store: any Store) throws(RenError) -> Bool {
        do throws(RenError) {
            let transaction = try store.beginWrite()
            try prepare(run, in: transaction)
            let isDone = try self.run(run, in: transaction)?.preparing == nil
            try flush(into: transaction)
            for sequence in obsoletePayloads { try transaction.delete(prefix: Key(sequence), in: .payloads) }
            try transaction.commit()
            committed()
            return isDone
        } catch {
            discard()
            throw error
        }
    }
}

extension Committer {
    /// The same while the journal is open.
    mutating func rebuild(upTo end: JournalSequence?) throws(RenError) {
        self = try Committer(store, Rebuild.run(store, upTo: end))
    }
}
