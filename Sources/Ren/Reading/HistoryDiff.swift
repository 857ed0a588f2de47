import RenCore
import RenEngine
import RenJournal

/// Finds where two histories part.
struct HistoryDiff {
    private static let page = 1_000

    private let left: RunRow
    private let right: RunRow
    private let journal: any JournalReading

    init(_ left: RunRow, _ right: RunRow, _ journal: any JournalReading) {
        self.left = left
        self.right = right
        self.journal = journal
    }

    /// How many events are the same records, and the first two that do not say the same.
    func find(
        _ isCancelled: () -> Bool
    ) throws(RenError) -> (shared: RunVersion, divergence: DiffView.Divergence?) {
        var shared = RunVersion.none
        var version = RunVersion.none
        var names = EventNames(journal)
        while true {
            if isCancelled() { throw RenError(.requestCancelled, "nobody waits for the answer any more") }
            let after = version
            let (one, other) = try journal.read { view throws(RenError) in
                (
                    try view.page(of: left.number, after: after, limit: Self.page),
                    try view.page(of: right.number, after: after, limit: Self.page)
                )
            }
            for index in 0..<max(one.count, other.count) {
                let a = index < one.count ? one[index] : nil
                let b = index < other.count ? other[index] : nil
                version = version.next
                if let a, let b {
                    if a.sequence == b.sequence {
                        shared = version
                        continue
                    }
                    if try says(a, &names) == says(b, &names) { continue }
                }
                return (
                    shared,
                    DiffView.Divergence(
                        version: version, left: try a.map { event throws(RenError) in try EventView(event, &names) },
                        right: try b.map { event throws(RenError) in try EventView(event, &names) })
                )
            }
            guard one.count == Self.page, other.count == Self.page else { return (shared, nil) }
        }
    }

    /// What an event says of the run, wherever and whenever it was recorded.
    private struct Saying: Equatable {
        var type: EventType
        var node: String?
        var key: String?
        var attempt: UInt32
        var fact: Fact
        var payload: Digest?
    }

    private func says(_ recorded: RecordedEvent, _ names: inout EventNames) throws(RenError) -> Saying {
        let view = try EventView(recorded, &names)
        var fact = recorded.event.fact
        switch fact {
        case .runCreated(var creation):
            creation.id = ""
            fact = .runCreated(creation)
        case .attemptFailed(let failure, let retryAt):
            fact = .attemptFailed(failure, retryAt: retryAt == nil ? nil : Timestamp(nanoseconds: 0))
        case .waiting(var wait):
            wait.until = wait.until == nil ? nil : Timestamp(nanoseconds: 0)
            fact = .waiting(wait)
        default: break
        }
        return Saying(
            type: recorded.type, node: view.node, key: view.key, attempt: recorded.event.attempt, fact: fact,
            payload: recorded.event.payload?.hash)
    }
}
