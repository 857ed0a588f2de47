import LMDB
import RenCore

/// What is checked at each start: that the state is that of the last event, and the last records by checksum and
/// chains.
///
/// A record that cannot be read stops its own run alone, when that is folded, unless it is one of the run `journal`. A
/// full check is `Verifier`'s, since it reads everything.
enum TailCheck {
    static let records = 1_000

    /// - Throws: `journal.damaged`, naming the event; `journal.newer`.
    static func run(_ snapshot: any StoreSnapshot) throws(RenError) {
        let state = try JournalState.load(from: snapshot)
        var chains = ChainCheck(isFromStart: state.head.rawValue <= UInt64(records))
        let first = state.head.rawValue > UInt64(records) ? state.head.rawValue - UInt64(records) + 1 : 1
        var expected = JournalSequence(rawValue: first)
        var unreadable: [(sequence: JournalSequence, error: RenError)] = []
        try snapshot.walk(.events, from: Key(expected), .ascending) { key, value throws(RenError) in
            let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: 0))
            guard sequence == expected else { throw .damaged(expected, "it is missing") }
            expected = expected.next
            let record: Record
            do throws(RenError) { record = try Record(value, at: sequence) } catch {
                guard error.code == .journalDamaged else { throw error }
                unreadable.append((sequence, error))
                chains.skip()
                return .continue
            }
            if let problem = chains.problem(with: record, at: sequence) { throw .damaged(sequence, problem) }
            return .continue
        }
        guard expected == state.head.next else {
            throw .damaged(expected, expected < state.head.next ? "it is missing" : "it is behind the recorded head")
        }
        // Behind a record that cannot be read there is no hash to compare with.
        guard state.head == JournalSequence(0) || chains.journalHash ?? state.hash == state.hash else {
            throw .damaged(state.head, "the recorded head has another hash")
        }
        for (sequence, error) in unreadable {
            let owner = try HistoryIndex.run(of: sequence, in: snapshot)
            if owner == nil || owner == .journal { throw error }
        }
    }
}
