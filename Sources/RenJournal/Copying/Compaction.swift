package import RenCore

/// Gives back the space that a journal has no use for: LMDB's file never shrinks by itself, and its pages stay as empty
/// as pruning leaves them.
package enum Compaction {
    package struct Report: Sendable, Equatable {
        package var bytesBefore: Int
        package var bytesAfter: Int
        package var events: Int
    }

    /// Replaces the journal in `directory` by a copy of full pages, which was checked whole.
    ///
    /// The caller holds `EngineLock`. Readers in other processes go on with the old files and find the new ones before
    /// their next page.
    /// - Throws: `storage.full` when there is not room for both; `journal.damaged` when the copy is not whole. The
    ///   journal is as it was then.
    package static func run(
        directory: String, options: JournalOptions = JournalOptions()
    ) throws(RenError) -> Report {
        let place = JournalPlace(directory)
        try place.prepare()
        let before = Paths.size(place.data) ?? 0
        let staged = try StagedJournal(beside: directory, options)
        let report: VerifyReport
        do throws(RenError) {
            report = try staged.check(staged.repackOld(), artifacts: nil)
            try staged.takePlace()
        } catch {
            staged.abandon()
            throw error
        }
        return Report(bytesBefore: before, bytesAfter: Paths.size(place.data) ?? 0, events: report.events)
    }
}
