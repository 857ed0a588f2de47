import Ren
import RenCore
import RenJSON
import RenJournal

/// One place of the journal: an event, or what is left of one that cannot be read.
enum JournalEntry {
    case event(RecordedEvent)
    case damaged(DamagedEvent)
}

/// An event that cannot be read.
struct DamagedEvent {
    /// Nil where the index of a run does not lead to it.
    var sequence: JournalSequence?
    var what: String

    /// `{"sequence", "damaged"}`
    var json: JSONObject { ["sequence": JSON(sequence?.rawValue), "damaged": .string(what)] }

    func text(_ style: Style) -> String {
        let place = (sequence.map { String($0.rawValue) } ?? "-").rightAligned(to: 8)
        return "\(place)  \(style("✗ damaged", .red))  \(Terminal.escaped(what))"
    }
}

extension JournalReader {
    /// What stands from `next` on (a sequence, or a version of `run`), at most `limit`; a page without damage is read
    /// at once, any other event by event.
    func entries(of run: RunNumber?, from next: UInt64, limit: Int) throws(RenError) -> [JournalEntry] {
        do {
            return try read { view throws(RenError) in
                guard let run else { return try view.records(from: JournalSequence(next), limit: limit) }
                return try view.page(of: run, after: RunVersion(next - 1), limit: limit)
            }.map(JournalEntry.event)
        } catch  where error.code == .journalDamaged {
            return try one(by: run, from: next, limit: limit)
        }
    }

    private func one(by run: RunNumber?, from next: UInt64, limit: Int) throws(RenError) -> [JournalEntry] {
        try read { view throws(RenError) in
            let head = try view.head().sequence.rawValue
            let last = try run.map { run throws(RenError) in try view.version(of: run).rawValue } ?? head
            var entries: [JournalEntry] = []
            var number = next
            while number <= last, entries.count < limit {
                var sequence: JournalSequence?
                do throws(RenError) {
                    sequence = JournalSequence(number)
                    if let run { sequence = try view.sequence(of: run, RunVersion(number)) }
                    let event = try sequence.flatMap { place throws(RenError) in try view.record(at: place) }
                    guard let event, run == nil || event.run == run else {
                        throw RenError(.journalDamaged, "the event is not where it should be")
                    }
                    entries.append(.event(event))
                } catch  where error.code == .journalDamaged {
                    entries.append(.damaged(DamagedEvent(sequence: sequence, what: error.message)))
                }
                number += 1
            }
            return entries
        }
    }
}
