/// The tables by number. Keys are big-endian, so that their order is the order of numbers.
///
/// The first four are the truth (`history` is an index of it); the rest are projections, which are rebuilt from
/// `events`, and snapshots, which are made anew as runs go on.
package enum StoreTable: Int, CaseIterable, Sendable {
    /// Sequence → record (`RecordCodec`). Written with append; changed only by pruning, which leaves less of it.
    case events = 1
    /// Run ‖ version → sequence, sparse: one row for each stretch of a run's events with consecutive sequences, holding
    /// the first of them. The sequence of version v is row.sequence + (v − row.version), for the last row at or before
    /// v. An index, rebuilt like a projection; a run that is alone in the journal has one row.
    case history = 2
    /// Sequence ‖ chunk → bytes, of payloads over `RecordCodec.inlinePayloadMax`. Written once, and deleted at most.
    case payloads = 3
    /// Name → value: see `Meta`.
    case meta = 4
    /// Run → `RunRow`.
    case runs = 5
    /// Run ‖ node → `NodeRow`.
    case nodes = 6
    /// Run ‖ node ‖ index → `ItemRow`.
    case items = 7
    /// Run ‖ fingerprint → `ProblemRow`.
    case problems = 8
    /// Status ‖ time of creation ‖ run → nothing.
    case runsByStatus = 9
    /// Id → run.
    case runIDs = 10
    /// 1 ‖ hash → sequence and name; 2 ‖ name ‖ 0 ‖ sequence → hash.
    case flows = 11
    /// Set ‖ index → sequence of the newest `functions.recorded` for that place in the set.
    case functions = 12
    /// Run ‖ node ‖ first 8 bytes of SHA-256(key) ‖ index → the key: see `KeyRows`.
    case keys = 13
    /// Run ‖ page ‖ part ‖ version → a part of a run's state: see `SnapshotRows`. A cache: what is missing or damaged
    /// costs time alone.
    case snapshots = 14
    /// 1 ‖ length ‖ key → `RequestRow`; 2 ‖ time ‖ length ‖ key → nothing, for requests without a run.
    case requests = 15
    /// 1 ‖ run ‖ fork → `ForkLink`; 2 ‖ fork → nothing, while its rows are folded from its past.
    case forks = 16

    /// Its name in LMDB.
    var name: String { String(rawValue) }

    /// Those that journals of older versions have not.
    static let addedLater: [StoreTable] = [.keys, .snapshots, .requests, .forks]

    /// Its place in `allCases`: the numbers have gaps.
    var index: Int { Self.indexes[rawValue] }

    private static let indexes: [Int] = allCases.enumerated().reduce(into: []) { indexes, table in
        while indexes.count < table.element.rawValue { indexes.append(-1) }
        indexes.append(table.offset)
    }

    /// Those whose keys begin with a run, and that go with its history.
    static let ofHistories: [StoreTable] = [.history, .nodes, .items, .problems, .keys, .snapshots]

    /// Those that `rebuildProjections` empties and fills again.
    static let derived: [StoreTable] = [
        .history, .runs, .nodes, .items, .problems, .runsByStatus, .runIDs, .flows, .functions, .keys, .requests,
        .forks,
    ]
}
