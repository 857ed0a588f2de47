import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What waits for the writer: first come first served, but those that a person waits for go first.
///
/// `@unchecked Sendable`: all fields are touched under the lock alone.
final class WriterQueue: @unchecked Sendable {
    /// These end a commit after the batch that crosses them.
    static let commitBatchesMax = 1_000
    static let commitBytesMax = 4 << 20

    enum Work {
        case batches([PreparedBatch])
        /// Something else for the thread that writes.
        case job(@Sendable () -> Void)
        /// Nothing came in time.
        case idle
        /// Closed, and everything taken.
        case end
    }

    private let condition = Condition()
    private var batches: [PreparedBatch] = []
    private var jobs: [@Sendable () -> Void] = []
    private var unansweredBytes = 0
    private var isClosed = false

    var queuedBytes: Int { condition.withLock { unansweredBytes } }

    /// False when it is closed.
    func add(_ batch: PreparedBatch) -> Bool {
        condition.withLock {
            guard !isClosed else { return false }
            batches.append(batch)
            unansweredBytes += batch.byteCount
            condition.signal()
            return true
        }
    }

    func add(job: @escaping @Sendable () -> Void) -> Bool {
        condition.withLock {
            guard !isClosed else { return false }
            jobs.append(job)
            condition.signal()
            return true
        }
    }

    func close() {
        condition.withLock {
            isClosed = true
            condition.signal()
        }
    }

    func answered(_ byteCount: Int) { condition.withLock { unansweredBytes -= byteCount } }

    /// The next work; waits for some, never for more of it.
    func take(patienceMilliseconds: Int) -> Work {
        lookOut()
        return condition.withLock {
            while true {
                if !jobs.isEmpty { return .job(jobs.removeFirst()) }
                if !batches.isEmpty { return .batches(takeCommit()) }
                if isClosed { return .end }
                if !condition.wait(milliseconds: patienceMilliseconds), batches.isEmpty, jobs.isEmpty, !isClosed {
                    return .idle
                }
            }
        }
    }

    /// Stays awake for a moment: in a chain the next batch follows the last one's effects within it, and waking a
    /// sleeping thread would cost a fifth of a commit. Others may have the processor meanwhile.
    private func lookOut() {
        let end = ContinuousClock.now + Self.awake
        while condition.withLock({ batches.isEmpty && jobs.isEmpty && !isClosed }), ContinuousClock.now < end {
            sched_yield()
        }
    }

    private static let awake = Duration.microseconds(100)

    private func takeCommit() -> [PreparedBatch] {
        if batches.count > Self.commitBatchesMax || unansweredBytes > Self.commitBytesMax { bringForward() }
        var count = 0
        var byteCount = 0
        while count < min(batches.count, Self.commitBatchesMax), byteCount < Self.commitBytesMax {
            // A batch that is larger than a commit goes alone.
            if count > 0, batches[count].byteCount > Self.commitBytesMax { break }
            byteCount += batches[count].byteCount
            count += 1
        }
        let taken = Array(batches[..<count])
        batches.removeFirst(count)
        return taken
    }

    /// Puts urgent batches in front of the others, in their order, each with what must stay before it: the earlier
    /// batches of its run, and facts about no run, which others refer to.
    private func bringForward() {
        guard let last = batches.lastIndex(where: \.batch.isUrgent) else { return }
        var runs: Set<RunNumber> = []
        var first: [PreparedBatch] = []
        var others: [PreparedBatch] = []
        for prepared in batches[...last].reversed() {
            let batch = prepared.batch
            // An empty batch only tells how far the writer is: it stays behind what it was queued after.
            let isBound = !batch.isEmpty && (batch.run == .journal || runs.contains(batch.run))
            if batch.isUrgent || isBound {
                first.append(prepared)
                runs.insert(batch.run)
            } else {
                others.append(prepared)
            }
        }
        batches.replaceSubrange(...last, with: first.reversed() + others.reversed())
    }
}
