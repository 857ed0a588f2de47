package import RenCore
package import RenJSON
package import RenJournal

extension JournalReading {
    /// The run as of the event at `sequence`.
    ///
    /// - Throws: `event.not_found` before the run's first event and behind the journal's last.
    package func past(of row: RunRow, at sequence: JournalSequence) throws(RenError) -> PastRun {
        try past(of: row.number, at: sequence, plans: plans(of: row))
    }
}

extension ItemWindow {
    /// `{"items", "total", "counts", "as_of"}`
    package var json: JSONObject {
        [
            "items": .array(rows.map { .object($0.json) }), "total": JSON(total), "counts": .object(counts.json),
            "as_of": JSON(asOf.rawValue),
        ]
    }
}
