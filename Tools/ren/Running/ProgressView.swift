import RenCore
import RenEngine

/// Progress on standard error: one line per node, repainted on a terminal; else key=value lines at each change of a
/// node and every 30 s.
struct ProgressView {
    private let run: String
    private let style: Style
    private var painted = 0
    private var rates: [String: Rate] = [:]
    private var last: [String: (state: String, time: ContinuousClock.Instant)] = [:]

    private static let barWidth = 20
    private static let plainEvery = Duration.seconds(30)

    init(run: String, style: Style) {
        self.run = run
        self.style = style
    }

    /// - Parameter nodes: all of the flow, in its order.
    mutating func show(_ nodes: [NodeProgress]) {
        let now = ContinuousClock.now
        for node in nodes where node.state == "running" {
            if let done = node.done { rates[node.name, default: Rate()].note(done, at: now) }
        }
        if Terminal.errorsCanRepaint {
            repaint(nodes)
        } else {
            for node in nodes { plain(node, now) }
        }
    }

    /// Takes the painted lines away: the summary follows.
    mutating func finish() {
        guard painted > 0 else { return }
        Terminal.writeToStandardError("\u{1B}[\(painted)A\u{1B}[J")
        painted = 0
    }

    // MARK: On a terminal

    private mutating func repaint(_ nodes: [NodeProgress]) {
        let room = max(4, Terminal.rows - 3)
        var shown = nodes
        if shown.count > room {
            shown = nodes.filter { !["pending", "succeeded", "skipped"].contains($0.state) }.suffix(room - 1)
        }
        let width = shown.map(\.name.count).max() ?? 0
        var lines = shown.map { line($0, width) }
        if shown.count < nodes.count {
            let done = nodes.count { ["succeeded", "skipped"].contains($0.state) }
            lines.append("  \(done) of \(Words.count(nodes.count, "node")) done")
        }
        let up = painted > 0 ? "\u{1B}[\(painted)A" : ""
        Terminal.writeToStandardError(up + lines.map { "\u{1B}[2K\($0)\n" }.joined() + "\u{1B}[J")
        painted = lines.count
    }

    private func line(_ node: NodeProgress, _ width: Int) -> String {
        let head = "  \(style.mark(node.state)) \(node.name.padded(to: width))  "
        // Escapes count for nothing on the screen, so only the tail is cut to the width of the terminal.
        let room = max(20, Terminal.columns - width - 7)
        guard let fraction = node.fraction, !["succeeded", "failed"].contains(node.state) else {
            return head
                + [node.state, counts(node), Terminal.escaped(node.note)]
                .filter { !$0.isEmpty }.joined(separator: "  ").shortened(to: room)
        }
        let tail = [
            "\(Words.grouped(Int(node.done ?? 0)))/\(Words.grouped(Int(node.total ?? 0)))", Self.bar(fraction),
            "\(Int(fraction * 100))%".rightAligned(to: 4), speed(node), counts(node), Terminal.escaped(node.note),
        ]
        return head + tail.filter { !$0.isEmpty }.joined(separator: "  ").shortened(to: room)
    }

    private func counts(_ node: NodeProgress) -> String {
        var parts: [String] = []
        if ["succeeded", "failed"].contains(node.state), let total = node.total {
            parts.append("\(Words.grouped(Int(total))) items")
        }
        if node.failed > 0 { parts.append("\(Words.grouped(node.failed)) failed") }
        if node.retrying > 0 { parts.append("\(Words.grouped(node.retrying)) retrying") }
        return parts.joined(separator: " · ")
    }

    private func speed(_ node: NodeProgress) -> String {
        guard let rate = rates[node.name], let perSecond = rate.perSecond else { return "" }
        let left = (node.total ?? 0) - (node.done ?? 0)
        let speed = perSecond < 10 ? Words.tenths(perSecond) : Words.grouped(Int(perSecond))
        return "\(speed)/s" + (rate.remaining(left).map { "  ETA \(Words.duration($0))" } ?? "")
    }

    /// Eighths of a block, so that a slow node is seen to move.
    static func bar(_ fraction: Double) -> String {
        let eighths = Int(fraction * Double(barWidth * 8))
        let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
        return (String(repeating: "█", count: eighths / 8) + part).padded(to: barWidth)
    }

    // MARK: Elsewhere

    private mutating func plain(_ node: NodeProgress, _ now: ContinuousClock.Instant) {
        let before = last[node.name]
        let isNew = before?.state != node.state && !(before == nil && node.state == "pending")
        let isDue = before.map { now - $0.time >= Self.plainEvery } == true && node.state == "running"
        guard isNew || isDue else { return }
        last[node.name] = (node.state, now)
        var line = "\(Timestamp.wallClock().iso8601.prefix(19))Z run=\(run) node=\(node.name) state=\(node.state)"
        if let done = node.done { line += " done=\(Int(done))" }
        if let total = node.total { line += " total=\(Int(total))" }
        if node.failed > 0 { line += " failed=\(node.failed)" }
        if node.retrying > 0 { line += " retrying=\(node.retrying)" }
        if let done = node.done, let total = node.total, let eta = rates[node.name]?.remaining(total - done),
            total > done
        {
            line += " eta=\(eta.components.seconds)s"
        }
        Terminal.complain(line)
    }
}
