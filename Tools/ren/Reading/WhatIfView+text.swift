import Ren
import RenCore
import RenJSON
import RenJournal

extension WhatIfView {
    /// A table of the nodes, then what all of it comes to.
    func text(_ style: Style) -> String {
        func version(_ hash: Digest, _ name: String) -> String { "\(name)@\(hash.description.prefix(7))" }
        let flow = draft.fork.creation
        let place =
            "\(parent.id) at its event \(draft.fork.version) (journal #\(Words.grouped(draft.sequence.rawValue)))"
        let title =
            "what if \(place) followed \(style(Terminal.escaped(version(flow.flow, flow.flowName)), .bold)) "
            + "instead of \(Terminal.escaped(version(before, parent.flowName)))"
        let rows =
            [["NODE", "WHAT", "ITEMS", "WHY"]]
            + nodes.map { node in
                [
                    Terminal.escaped(node.name), Self.what(node, style),
                    node.items.map { Self.counts($0.counts) } ?? "",
                    Terminal.escaped(node.why),
                ]
            }
        let table = Columns.text(rows).split(separator: "\n").map { line in
            String(line.reversed().drop { $0 == " " }.reversed())
        }
        var sums = ["nodes  \(Self.counts(totals.nodes))"]
        if !totals.items.isEmpty { sums.append("items  \(Self.counts(totals.items))") }
        return ([title] + table + sums).joined(separator: "\n")
    }

    private static func what(_ node: Node, _ style: Style) -> String {
        let (word, colour): (String, Style.Colour) =
            switch node.what {
            case .kept: ("kept", .green)
            case .turned: ("turned \(node.ways.before ?? "")→\(node.ways.now ?? "")", .yellow)
            case .decided: ("decided \(node.ways.now ?? "")", .blue)
            case .runs, .asks, .ends: (node.what.rawValue, .blue)
            case .depends: ("depends", .yellow)
            case .skipped, .cancelled: (node.what.rawValue, .dim)
            case .failed, .unknown, .gone: (node.what.rawValue, .red)
            }
        return style(word, colour)
    }

    /// `kept 3 · run 2 · gone 1`
    private static func counts(_ counts: [What: Int]) -> String {
        What.allCases.compactMap { what in
            counts[what].map {
                "\(what == .runs ? "run" : what == .depends ? "depend" : what.rawValue) \(Words.grouped($0))"
            }
        }.joined(separator: " · ")
    }
}
