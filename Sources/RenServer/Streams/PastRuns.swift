import RenCore
import RenJournal
import Synchronization

/// Runs as they were, made again a moment ago: who steps through a run's events asks for each several times.
final class PastRuns: Sendable {
    static let countMax = 8
    static let bytesMax = 32 << 20

    /// The last one used stands last.
    private let shelf = Mutex<[PastRun]>([])

    subscript(run: RunNumber, sequence: JournalSequence) -> PastRun? {
        shelf.withLock { shelf in
            guard let index = shelf.firstIndex(where: { $0.row.number == run && $0.asOf.sequence == sequence }) else {
                return nil
            }
            shelf.append(shelf.remove(at: index))
            return shelf.last
        }
    }

    func add(_ past: PastRun) {
        shelf.withLock { shelf in
            shelf.removeAll { $0.row.number == past.row.number && $0.asOf.sequence == past.asOf.sequence }
            shelf.append(past)
            while shelf.count > Self.countMax || shelf.reduce(0, { $0 + $1.byteCount }) > Self.bytesMax {
                shelf.removeFirst()
            }
        }
    }
}
