import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal

/// A run for people: head line, nodes, problems, and the commands that make sense now.
extension RunSummary {
    private static let problemsShown = 10

    func text(_ style: Style) -> String {
        var parts = [headLine(style)]
        if isPast {
            parts.append(
                "As of #\(Words.grouped(head.sequence.rawValue)), \(Words.time(head.time, on: .wallClock())): "
                    + "version \(Words.grouped(row.version.rawValue)) of the run")
        }
        parts.append(Columns.text(flow.nodes.indices.map { nodeLine($0, style) }))
        if let error = row.error, row.status == .failed {
            parts.append("Error\n  " + Terminal.escaped(error.text))
        }
        if !problems.isEmpty { parts.append("Problems\n" + problemLines()) }
        let next = isPast ? [] : next
        if !next.isEmpty { parts.append("Next\n" + Columns.text(next.map { ["  " + $0.command, $0.purpose] })) }
        return parts.joined(separator: "\n")
    }

    /// `products  r_7k2m  failed   23:10:04 → 04:58:51 (5h 48m)   flow products@9f3c2a1   journal #1..#93,114`
    func headLine(_ style: Style) -> String {
        let end = row.ended ?? row.updated
        let times =
            "\(Words.time(row.created, on: .wallClock())) → "
            + "\(row.ended == nil ? "…" : Words.time(end, on: row.created)) (\(Words.duration(end - row.created)))"
        let preparing = row.preparingPercent.map { ", preparing (\($0) %)" }
        let note = preparing ?? (row.status.isOpen && !isCarried && !isPast ? ", not carried by an engine" : "")
        return style(row.flowName, .bold) + "  \(row.id)  \(style.coloured(state: status))\(note)   \(times)   "
            + "flow \(row.flowName)@\(row.flow.description.prefix(7))   "
            + "journal #\(Words.grouped(row.first.rawValue))..#\(Words.grouped(row.last.rawValue))"
    }

    private func nodeLine(_ index: Int, _ style: Style) -> [String] {
        let node = flow.nodes[index]
        let state = state(of: index).name
        let word = style.coloured(state: state).padded(to: 9)
        return ["  \(style.mark(state)) \(node.name)", word, details(of: index, style)]
    }

    private func details(of index: Int, _ style: Style) -> String {
        guard let node = rows[index] else { return waitsFor(index) }
        var parts: [String] = []
        if let map = node.map { parts.append(Self.counts(map, hasEnded: node.state.isSettled)) }
        if let way = node.way { parts.append("→ \(way)") }
        if node.state == .waiting, let signal = node.signal {
            let until = node.until.map { " until \(Words.time($0, on: .wallClock()))" } ?? ""
            let message = Terminal.escaped((node.message ?? "").shortened(to: 80))
            parts.append("for signal \(Terminal.escaped(signal))\(until): \(message)")
            if let form = form(of: index) { parts.append("form " + Terminal.escaped(form.text.shortened(to: 200))) }
        }
        if let reason = node.skip { parts.append(reason.words) }
        if let error = node.error {
            let text = Terminal.escaped(error.text).shortened(to: 100)
            parts.append(node.state == .succeeded ? style("instead of \(text)", .dim) : text)
        }
        if node.attempts > 1 { parts.append("attempt \(node.attempts)") }
        if let ended = node.ended, node.state != .skipped { parts.append(Words.duration(ended - node.begun)) }
        return parts.joined(separator: " · ")
    }

    private func waitsFor(_ index: Int) -> String {
        guard row.status.isOpen else { return "not started" }
        let open = flow.nodes[index].after.filter { !state(of: $0.node.index).isSettled }
        guard !open.isEmpty else { return "" }
        return "waits for " + open.map { flow.nodes[$0.node.index].name }.joined(separator: ", ")
    }

    /// `9,963 ok, 37 failed, 2 running of 10,002`
    ///
    /// - Parameter hasEnded: what waited for a retry then is not tried again.
    static func counts(_ map: NodeRow.MapSummary, hasEnded: Bool = false) -> String {
        var parts = ["\(Words.grouped(map.counts[.succeeded])) ok"]
        for state in [WorkState.failed, .running, .retrying, .ready, .skipped, .cancelled, .unknown, .pending]
        where map.counts[state] > 0 {
            let isLeft = hasEnded && (state == .retrying || state == .ready)
            parts.append("\(Words.grouped(map.counts[state])) \(isLeft ? "not tried again" : state.name)")
        }
        return parts.joined(separator: ", ") + " of \(Words.grouped(map.total))"
    }

    private func problemLines() -> String {
        var rows: [[String]] = problems.prefix(Self.problemsShown).map { problem in
            let row = problem.row
            let count = row.failures > 0 ? row.failures : row.attempts
            return [
                "  \(Words.grouped(count).rightAligned(to: 4)) × "
                    + Terminal.escaped(row.text).shortened(to: 80),
                row.failures > 0 ? "" : "(none of them failed now)",
                Terminal.escaped(row.frame ?? ""), Terminal.escaped(problem.key.map { "e.g. \($0)" } ?? ""),
                logsCommand(problem),
            ]
        }
        if problems.count > Self.problemsShown {
            rows.append(["  and \(Words.count(problems.count - Self.problemsShown, "more group"))"])
        }
        return Columns.text(rows)
    }

    private func logsCommand(_ problem: Problem) -> String {
        guard let node = problem.node, let index = flow.nodes.firstIndex(where: { $0.name == node }), isFunction(index)
        else { return "" }
        return "ren logs \(row.id) -n \(node)" + (problem.key.map { " -k \(Shell.quoted($0))" } ?? "")
    }
}

/// Text as a shell takes it for one word.
enum Shell {
    static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789-_./@:".unicodeScalars.contains(scalar))
            }
        guard !isPlain else { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

extension SkipReason {
    var words: String {
        switch self {
        case .notTaken: "its way was not taken"
        case .when: "when said no"
        case .upstreamFailed: "what it follows failed"
        }
    }
}
