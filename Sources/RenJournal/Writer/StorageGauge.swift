import RenCore
import Synchronization

/// When to measure how full the storage is: often enough that a hundredth of the room is the most that passes unseen,
/// rarely enough to cost nothing.
struct StorageGauge {
    private static let interval = Duration.seconds(1)

    var isDue = false
    private var next = ContinuousClock.now
    private var bytes = 0
    private var limitBytes = 0

    /// After a commit. Rows and copied pages take about as much again as the events.
    mutating func count(_ batches: [PreparedBatch]) {
        for batch in batches { bytes += batch.byteCount * 2 }
        isDue = isDue || bytes > limitBytes / 100 || ContinuousClock.now >= next
    }

    mutating func measure(_ store: any Store) -> StorageUse? {
        isDue = false
        next = .now + Self.interval
        bytes = 0
        let use = store.use()
        limitBytes = use?.limitBytes ?? .max
        return use
    }
}

/// Who is told of it.
final class StorageWatch: Sendable {
    private let watcher = Mutex<(@Sendable (StorageUse) -> Void)?>(nil)

    func watch(_ body: @escaping @Sendable (StorageUse) -> Void) { watcher.withLock { $0 = body } }

    func tell(_ use: StorageUse) { watcher.withLock { $0 }?(use) }
}
