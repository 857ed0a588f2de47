import Ren
import RenCore
import RenJournal

extension WhyView {
    /// `✗ similarity  skipped because …  (event 48,120)`, then how it came to that.
    func text(_ style: Style) -> String {
        let subject = style(node, .bold) + (key.map { "[\(Terminal.escaped($0))]" } ?? "")
        let lines = reasons.enumerated().map { place, reason in
            let event = reason.event.map { style("(event \(Words.grouped($0.sequence.rawValue)))", .dim) }
            let text = [Terminal.escaped(reason.text), event].compactMap(\.self).joined(separator: " ")
            return place == 0 ? "\(style.mark(status)) \(subject)  \(text)" : "    \(text)"
        }
        return lines.joined(separator: "\n")
    }
}
