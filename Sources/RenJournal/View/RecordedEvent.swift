package import RenCore

/// An event as it stands in the journal.
package struct RecordedEvent: Sendable {
    package let sequence: JournalSequence
    package let run: RunNumber
    package let version: RunVersion
    package let type: EventType
    /// Its payload has length and hash; the bytes are read with `JournalView.payload`.
    package let event: Event
    /// R and G with this event.
    package let runHash: Digest
    package let journalHash: Digest

    init(_ record: Record, at sequence: JournalSequence) throws(RenError) {
        self.sequence = sequence
        run = record.run
        version = record.version
        type = record.type
        event = try record.event(at: sequence)
        runHash = record.runHash
        journalHash = record.journalHash
    }
}

/// Where the journal ends.
package struct JournalHead: Sendable, Equatable {
    /// 0 when there is no event.
    package let sequence: JournalSequence
    /// G of that event.
    package let hash: Digest
    package let time: Timestamp
}
