import ArgumentParser
import Ren

/// Colours, or none. States are told by words and shapes too, so nothing is lost without them.
struct Style: Sendable {
    enum Choice: String, ExpressibleByArgument, CaseIterable { case auto, always, never }

    enum Colour: String {
        case red = "31"
        case green = "32"
        case yellow = "33"
        case blue = "34"
        case dim = "2"
        case bold = "1"
    }

    let isOn: Bool

    /// The order: `--color`, `NO_COLOR`, `CLICOLOR_FORCE` and `FORCE_COLOR`, then whether a terminal reads it.
    init(_ choice: Choice, isTerminal: Bool) {
        let variables = SystemFile.environment
        func isSet(_ name: String) -> Bool { !["", "0"].contains(variables[name] ?? "") }
        isOn =
            switch choice {
            case .always: true
            case .never: false
            case .auto where !(variables["NO_COLOR"] ?? "").isEmpty: false
            case .auto where isSet("CLICOLOR_FORCE") || isSet("FORCE_COLOR"): true
            case .auto: isTerminal && variables["TERM"] != "dumb"
            }
    }

    func callAsFunction(_ text: String, _ colour: Colour) -> String {
        isOn ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// The shape and colour of a state in one word.
    func mark(_ state: String) -> String {
        switch state {
        case "succeeded": self("✓", .green)
        case "failed": self("✗", .red)
        case "running", "pausing", "stopping", "ending": self("▶", .blue)
        case "retrying": self("↻", .yellow)
        case "waiting", "paused": self("‖", .yellow)
        case "unknown", "quarantined": self("?", .red)
        case "skipped": self("–", .dim)
        case "cancelled", "stopped": self("⊘", .dim)
        default: self("○", .dim)
        }
    }

    func coloured(state: String) -> String {
        switch state {
        case "succeeded": self(state, .green)
        case "failed", "unknown", "quarantined": self(state, .red)
        case "running": self(state, .blue)
        case "retrying", "waiting", "paused", "pausing": self(state, .yellow)
        default: state
        }
    }
}
