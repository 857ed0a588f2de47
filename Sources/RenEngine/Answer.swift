package import RenCore
import RenJournal

/// What a request became: the same whenever it is repeated under its key, but for `isNew` and `replayed`.
package struct Answer: Sendable, Equatable {
    package var run: RunNumber
    /// This call made the run, or the flow known.
    package var isNew = false
    /// The request's key was known: nothing was written.
    package var replayed = false
    /// The first of the request's events, and the last one of its batch.
    package var first: JournalSequence
    package var last: JournalSequence
    /// Version of the run with the event at `last`.
    package var version: RunVersion
}

extension Answer {
    /// - Parameter ahead: events of the batch that stand before the request's.
    init(_ receipt: Receipt, ahead: UInt64 = 0) {
        // Where nothing was written, the receipt tells of what was there already.
        let isWritten = !receipt.isExisting && !receipt.replayed
        run = receipt.run
        replayed = receipt.replayed
        first = JournalSequence(rawValue: receipt.first.rawValue + (isWritten ? ahead : 0))
        last = receipt.last
        version = receipt.version
    }

    init(_ row: RequestRow) {
        run = row.run
        replayed = true
        first = row.first
        last = row.last
        version = row.version
    }
}
