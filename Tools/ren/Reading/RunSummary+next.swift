import RenCore
import RenJournal

/// What a person may do now.
extension RunSummary {
    struct Step {
        var command: String
        var purpose: String
    }

    var next: [Step] {
        let id = row.id
        switch row.status {
        case .succeeded: return [Step(command: "ren result \(id)", purpose: "print its output")]
        case .failed: return lookAtFailures
        case .stopped: return []
        case .quarantined: return [Step(command: "ren journal verify", purpose: "find the record that cannot be read")]
        case .paused, .running, .pausing, .stopping, .ending: break
        }
        guard !isCarried || row.isWaiting || row.status == .paused else {
            return [
                Step(command: "ren logs \(id)", purpose: "what its functions say; Ctrl-C in its terminal pauses it")
            ]
        }
        let people = waitingForPeople
        guard people.isEmpty else { return people }
        return [Step(command: "ren resume \(id)", purpose: "go on with it")]
    }

    /// Signals that pauses wait for, and outcomes that nobody knows.
    private var waitingForPeople: [Step] {
        var steps: [Step] = []
        for row in rows {
            guard let row, row.state == .waiting, let signal = row.signal else { continue }
            let message = Terminal.escaped(row.message ?? "").shortened(to: 60)
            steps.append(Step(command: "ren signal \(self.row.id) \(Shell.quoted(signal))", purpose: message))
        }
        if !steps.isEmpty {
            steps.append(Step(command: "ren resume \(row.id)", purpose: "go on with it after the signal"))
        }
        let unknown = rows.contains { $0?.state == .unknown || ($0?.map?.counts[.unknown] ?? 0) > 0 }
        if unknown {
            steps.append(
                Step(command: "ren stop \(row.id)", purpose: "end it: nobody knows whether a function had its effect"))
        }
        return steps
    }

    private var lookAtFailures: [Step] {
        var steps: [Step] = []
        for (node, row) in zip(flow.nodes, rows) {
            guard let row else { continue }
            if (row.map?.counts[.failed] ?? 0) > 0 {
                steps.append(
                    Step(command: "ren items \(self.row.id) \(node.name) --failed", purpose: "which items failed"))
            } else if row.state == .failed {
                steps.append(Step(command: "ren logs \(self.row.id) -n \(node.name)", purpose: "what it said"))
            }
        }
        return steps
    }
}
