package import RenCore

extension JournalReading {
    /// The events of the same run that name this one as their cause, or as the previous one of their node or item.
    ///
    /// - Returns: at most 100 of them among the 100,000 events behind it; `hasMore`: others may follow.
    /// - Throws: `request.cancelled`.
    package func effects(
        of event: RecordedEvent, isCancelled: () -> Bool = { Task.isCancelled }
    ) throws(RenError) -> (events: [RecordedEvent], hasMore: Bool) {
        var found: [RecordedEvent] = []
        var left = Paging.scanMax
        var hasMore = false
        try forEachRecord(of: event.run, from: event.version.next, isCancelled: isCancelled) {
            lent throws(RenError) in
            guard left > 0, found.count < 100 else {
                hasMore = true
                return .stop
            }
            left -= 1
            if lent.record.cause == event.version || lent.record.previous == event.version {
                found.append(try RecordedEvent(lent.record, at: lent.sequence))
            }
            return .continue
        }
        return (found, hasMore)
    }
}
