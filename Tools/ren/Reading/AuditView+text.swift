import Ren
import RenCore
import RenJSON
import RenJournal

/// One document to read: what was asked, what the run was made of, how it went, and what the records prove.
extension AuditView {
    func text(_ style: Style) -> String {
        var parts = [head(style), made(style), asking, went]
        for (title, events) in [
            ("Interruptions", interruptions), ("Rejected results", rejected), ("Values given by people", overridden),
            ("Engines that opened the journal meanwhile", engines), ("Pruned", pruned),
        ] where events.count > 0 {
            parts.append(Self.list(title, events))
        }
        if !lineage.isEmpty {
            let rows = lineage.map { ["  \($0.parent)", "at version \(Words.grouped($0.version.rawValue))"] }
            parts.append("Came out of\n" + Columns.text(rows))
        }
        parts.append(chain)
        parts.append(verdict(style))
        return parts.joined(separator: "\n")
    }

    private func head(_ style: Style) -> String {
        let end = row.ended.map { Words.time($0, on: row.created) } ?? "…"
        return "\(style(row.flowName, .bold))  \(row.id)  \(style.coloured(state: row.shownStatus))   "
            + "\(Words.time(row.created)) → \(end)"
    }

    private func made(_ style: Style) -> String {
        var rows = [
            [
                "  flow", "\(row.flowName)@\(row.flow.description.prefix(12))",
                flow.map { "event #\(Words.grouped($0.rawValue))" } ?? "not recorded",
            ]
        ]
        for file in files {
            let disk =
                switch file.onDisk {
                case .same: "the file is the same now"
                case .changed: style("the file has changed since", .yellow)
                case .missing: style("the file is gone", .yellow)
                }
            rows.append([
                "  functions", "\(Terminal.escaped(file.path))@\(file.hash.description.prefix(12))",
                "event #\(Words.grouped(file.recorded.rawValue))", Words.count(file.attempts, "attempt"), disk,
            ])
        }
        if let set = row.functions { rows.append(["  environment and set", "\(set.description.prefix(12))"]) }
        return "Made of\n" + Columns.text(rows)
    }

    private var asking: String { Self.list("Asked", asked) }

    private static func list(_ title: String, _ events: Events) -> String {
        let more = events.count - events.first.count
        let rest = more > 0 ? [["  and \(Words.grouped(more)) more"]] : []
        return "\(title)\n" + Columns.text(events.first.map { ["  \($0.cells[0])"] + $0.cells[1...] } + rest)
    }

    private var went: String {
        let outcomes = ["succeeded", "failed", "interrupted", "cancelled", "unknown"].compactMap { word in
            self.outcomes[word].map { "\(Words.grouped($0)) \(word)" }
        }
        return "Attempts\n  \(Words.grouped(attempts)) begun"
            + (outcomes.isEmpty ? "" : ": " + outcomes.joined(separator: ", "))
    }

    private var chain: String {
        var rows = [
            [
                "  events",
                "\(Words.grouped(proof.events)), #\(Words.grouped(row.first.rawValue)) to "
                    + "#\(Words.grouped(row.last.rawValue))",
            ],
            ["  payloads", "\(Words.grouped(proof.payloads)) have their hash"],
        ]
        if proof.deletedPayloads > 0 {
            rows.append(["", "\(Words.grouped(proof.deletedPayloads)) of replaced checkpoints are gone"])
        }
        if proof.prunedPayloads > 0 { rows.append(["", "\(Words.grouped(proof.prunedPayloads)) were pruned"]) }
        if proof.artifacts > 0 { rows.append(["  artifacts", "\(Words.grouped(proof.artifacts)) named"]) }
        rows += anchors.map { ["  anchor", $0] }
        return "Chain\n" + Columns.text(rows)
    }

    private func verdict(_ style: Style) -> String {
        guard !isClean else { return "\(style("✓", .green)) all matches" }
        let lines = findings.map { finding in
            "\(style("✗", .red)) \(finding.sequence.map { "#\(Words.grouped($0.rawValue))  " } ?? "")"
                + Terminal.escaped(finding.what)
        }
        return lines.joined(separator: "\n")
    }
}
