import Ren
import RenCore
import RenJSON
import RenJournal

/// Two runs beside each other: only what differs, but for times.
extension DiffView {
    private static let changesShown = 20

    func text(_ style: Style) -> String {
        var parts = [heads(style)]
        if shared > .none { parts.append("Shared\n  the first \(Words.count(Int(shared.rawValue), "event"))") }
        if let divergence { parts.append(text(divergence)) }
        if !inputChanges.isEmpty { parts.append("Input\n" + Self.text(inputChanges, count: inputChanges.count)) }
        if !flowChanges.isEmpty {
            parts.append("Flow\n" + flowChanges.map { Self.text($0, style) }.joined(separator: "\n"))
        }
        parts.append("Nodes\n" + Columns.text(nodes.map { row($0, style) }))
        for items in items where !items.isSame { parts.append(Self.text(items)) }
        if left.output != right.output {
            parts.append("Output\n  \(Self.short(left.output)) | \(Self.short(right.output))")
        }
        if let values { parts.append("Values\n" + Self.text(values.changes, count: values.count)) }
        if isSame { parts.append("\(style("✓", .green)) the same input, flow, outcomes and outputs") }
        return parts.joined(separator: "\n")
    }

    private func heads(_ style: Style) -> String {
        Columns.text(
            [("a", left), ("b", right)].map { name, side in
                var row = [
                    name, side.row.id, style(side.row.flowName, .bold) + "@\(side.row.flow.description.prefix(7))",
                    style.coloured(state: side.row.shownStatus),
                    side.row.ended.map { Words.duration($0 - side.row.created) } ?? "…",
                ]
                if let error = side.row.error { row.append(Terminal.escaped(error.text).shortened(to: 80)) }
                return row
            })
    }

    private func text(_ divergence: Divergence) -> String {
        func row(_ name: String, _ event: EventView?) -> [String] { ["  \(name)"] + (event?.cells ?? ["nothing more"]) }
        return "First difference at version \(Words.grouped(divergence.version.rawValue))\n"
            + Columns.text([row("a", divergence.left), row("b", divergence.right)])
    }

    private static func text(_ changes: [JSONChange], count: Int) -> String {
        var rows = changes.prefix(changesShown).map { change in
            [
                "  \(Terminal.escaped(change.pointer.isEmpty ? "(all)" : change.pointer))",
                Terminal.escaped(change.old.map { $0.excerpt } ?? "–"), "→",
                Terminal.escaped(change.new.map { $0.excerpt } ?? "–"),
            ]
        }
        if count > changesShown { rows.append(["  and \(Words.grouped(count - changesShown)) more (-o json)"]) }
        if rows.isEmpty { return "  the same" }
        return Columns.text(rows)
    }

    private static func text(_ change: FlowChange, _ style: Style) -> String {
        let title = "  \(change.kind.rawValue) \(change.node ?? "beside the nodes")"
        let lines = change.lines.map { line -> String in
            let text = "    " + Terminal.escaped(line)
            return line.hasPrefix("-") ? style(text, .red) : line.hasPrefix("+") ? style(text, .green) : text
        }
        return ([title] + lines).joined(separator: "\n")
    }

    private func row(_ change: NodeChange, _ style: Style) -> [String] {
        [
            "  \(change.isSame ? style("=", .dim) : style("≠", .yellow)) \(change.node)", Self.text(change.left, style),
            "|", Self.text(change.right, style),
        ]
    }

    private static func text(_ outcome: NodeOutcome?, _ style: Style) -> String {
        guard let outcome else { return "not there" }
        var parts = [style.coloured(state: outcome.status)]
        if let reason = outcome.reason { parts.append(Terminal.escaped(reason).shortened(to: 60)) }
        if let output = outcome.output { parts.append(short(output)) }
        if outcome.attempts > 1 { parts.append("\(outcome.attempts) attempts") }
        if let duration = outcome.duration { parts.append(Words.duration(duration)) }
        return parts.joined(separator: " ")
    }

    private static func short(_ output: Digest?) -> String {
        output.map { String($0.description.prefix(12)) } ?? "none"
    }

    private static func text(_ items: ItemsDiff) -> String {
        let counts = ItemsDiff.Kind.allCases.compactMap { kind in
            items.counts[kind].map { "\(Words.grouped($0)) \(kind.words)" }
        }
        let head =
            "Items of \(items.node): \(Words.grouped(items.matched)) matched by key, \(counts.joined(separator: ", "))"
        func side(_ row: ItemRow?) -> String {
            guard let row else { return "–" }
            return row.state.name + (row.error.map { " " + Terminal.escaped($0.text).shortened(to: 60) } ?? "")
        }
        var rows = items.examples.map { change in
            ["  \(Terminal.escaped(change.key))", change.kind.words, side(change.left), "|", side(change.right)]
        }
        let more = items.counts.values.reduce(0, +) - items.examples.count
        if more > 0 { rows.append(["  and \(Words.grouped(more)) more (-o json)"]) }
        return head + "\n" + Columns.text(rows)
    }
}

extension ItemsDiff.Kind {
    fileprivate var words: String {
        switch self {
        case .added: "only in b"
        case .gone: "only in a"
        case .output: "with another output"
        case .outcome: "with another end"
        }
    }
}
