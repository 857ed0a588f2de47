import Ren
import RenCore
import RenJSON
import RenJournal

extension EventView {
    /// A line for people.
    func text(_ style: Style) -> String {
        [
            String(event.sequence.rawValue).rightAligned(to: 8), event.event.time.iso8601,
            style(event.type.name.padded(to: 19), .dim), run, Terminal.escaped(sentence.shortened(to: 200)),
        ].joined(separator: "  ")
    }
}

extension EventView {
    /// The event in columns for a document: who asked for it, and what it says without long hashes.
    var cells: [String] {
        let fact = event.event
        var subject = node ?? ""
        if let key { subject += "[\(Terminal.escaped(key))]" }
        let details = fact.fact.json.filter { !$0.value.isNull && !$0.value.isHash }
            .map { "\($0.key)=\($0.value.excerpt)" }
        return [
            "#\(Words.grouped(event.sequence.rawValue))", fact.time.iso8601, event.type.name, subject,
            fact.by.map { "by \(Terminal.escaped($0))" } ?? "by ren",
            Terminal.escaped(details.joined(separator: " ").shortened(to: 120))
                + (fact.request.map { "  request \(Terminal.escaped($0.key))" } ?? ""),
        ]
    }
}

extension JSON {
    fileprivate var isHash: Bool { stringValue.flatMap { Digest(hex: $0) } != nil }
}
