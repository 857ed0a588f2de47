import Ren
import RenCore
import RenJSON
import RenJournal

extension EventView {
    /// A line for people.
    func text(_ style: Style) -> String {
        let fact = event.event
        var subject = run
        if let node { subject += " \(node)" }
        if let item { subject += "[\(item)]" }
        var details = fact.fact.json.filter { !$0.value.isNull }.map { "\($0.key)=\($0.value.excerpt)" }
        if fact.attempt > 1 { details.insert("attempt=\(fact.attempt)", at: 0) }
        if let by = fact.by { details.append("by=\(by)") }
        if let payload = fact.payload { details.append("payload=\(Words.bytes(payload.length))") }
        return [
            String(event.sequence.rawValue).rightAligned(to: 8), fact.time.iso8601, event.type.name.padded(to: 19),
            subject,
            style(Terminal.escaped(details.joined(separator: " ").shortened(to: 160)), .dim),
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
