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
