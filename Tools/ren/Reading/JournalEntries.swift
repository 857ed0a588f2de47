import Ren
import RenCore
import RenJSON
import RenJournal

extension DamagedEvent {
    /// `{"sequence", "damaged"}`
    var json: JSONObject { ["sequence": JSON(sequence?.rawValue), "damaged": .string(what)] }

    func text(_ style: Style) -> String {
        let place = (sequence.map { String($0.rawValue) } ?? "-").rightAligned(to: 8)
        return "\(place)  \(style("✗ damaged", .red))  \(Terminal.escaped(what))"
    }
}

extension JournalReader {
    /// What stands from `next` on (a sequence, or a version of `run`), at most `limit`.
    func entries(of run: RunNumber?, from next: UInt64, limit: Int) throws(RenError) -> [JournalEntry] {
        var scan = try JournalScan(self, of: run, from: next)
        var entries: [JournalEntry] = []
        while entries.count < limit, let page = try scan.next() { entries += page }
        return Array(entries.prefix(limit))
    }
}
