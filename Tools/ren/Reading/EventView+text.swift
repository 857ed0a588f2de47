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
