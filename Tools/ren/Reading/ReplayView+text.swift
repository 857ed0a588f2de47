import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal

extension ReplayView {
    /// What was explained, then what does not follow, with both sides.
    func text(_ style: Style, _ duration: Duration) -> String {
        let events = Words.count(report.explained, "event")
        let rate = Words.grouped(Int64(Double(report.explained) / max(1e-9, Double(duration.nanoseconds) / 1e9)))
        var lines = [
            "\(isWhole ? style("✓", .green) : style("✗", .red)) \(style(row.flowName, .bold))  \(row.id)  "
                + "\(events) explained, \(Words.duration(duration)) (\(rate) events/s)"
        ]
        let counts = ReplayReport.Kind.allCases.compactMap { kind in
            report.counts[kind].map { "\(Words.grouped($0)) \(kind.rawValue)" }
        }
        if !counts.isEmpty { lines.append("  " + counts.joined(separator: ", ")) }
        if report.byOperands > 0 {
            lines.append(
                "  \(Words.count(report.byOperands, "decision")) checked against recorded operands: their values are pruned"
            )
        }
        if report.taken > 0 {
            lines.append(
                "  \(Words.count(report.taken, "event")) taken as recorded: values are pruned, or a function is not known here"
            )
        }
        if case .quarantined = report.state.phase {
            lines.append("  the run is quarantined; ren journal verify names the record")
        }
        if let finding { lines.append(text(finding)) }
        return lines.joined(separator: "\n")
    }

    private func text(_ finding: Finding) -> String {
        guard let recorded = finding.recorded else {
            return "version \(Words.grouped(finding.version.rawValue)) cannot be read: \(Terminal.escaped(finding.why))"
        }
        let place = finding.sequence.map { "#\(Words.grouped($0.rawValue))" } ?? ""
        let expected =
            finding.expected.map { Terminal.escaped(JSON.object($0).text) }
            ?? "nothing of its kind: \(Terminal.escaped(finding.why))"
        return Columns.text([
            ["first divergence", "event \(place), version \(Words.grouped(finding.version.rawValue))"],
            ["  recorded", recorded.cells.filter { !$0.isEmpty }.joined(separator: " ")], ["  expected", expected],
        ])
    }
}
