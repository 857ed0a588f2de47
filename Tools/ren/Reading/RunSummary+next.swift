import Ren
import RenCore
import RenJSON
import RenJournal

/// What a person may do now.
extension RunSummary {
    struct Step {
        var command: String
        var purpose: String
    }

    private static let stepsShown = 4

    var next: [Step] { Array(steps.prefix(Self.stepsShown)) }

    /// What `show -o json` prints: the run, and the commands that make sense now.
    var jsonWithNext: JSONObject {
        var object = json
        object["next"] = .array(next.map { ["command": .string($0.command), "purpose": .string($0.purpose)] })
        return object
    }

    private var steps: [Step] {
        let id = row.id
        switch row.status {
        case .succeeded: return [Step(command: "ren result \(id)", purpose: "print its output")]
        case .failed:
            return lookAtFailures.prefix(Self.stepsShown - 1)
                + [Step(command: "ren retry \(id)", purpose: "run again what failed, then go on")]
        case .stopped: return [Step(command: "ren retry \(id)", purpose: "go on from where it was stopped")]
        case .quarantined: return [Step(command: "ren journal verify", purpose: "find the record that cannot be read")]
        case .paused, .running, .pausing, .stopping, .ending: break
        }
        guard !isCarried || row.isWaiting || row.status == .paused else {
            return [
                Step(command: "ren watch \(id)", purpose: "follow it"),
                Step(command: "ren logs \(id)", purpose: "what its functions say"),
                Step(command: "ren pause \(id)", purpose: "let nothing new begin"),
            ]
        }
        let people = waitingForPeople
        guard people.isEmpty else { return people }
        return [Step(command: "ren resume \(id)", purpose: "go on with it")]
    }

    /// Signals that pauses wait for, and outcomes that nobody knows.
    private var waitingForPeople: [Step] {
        var steps: [Step] = []
        for (index, row) in rows.enumerated() {
            guard let row, row.state == .waiting, let signal = row.signal else { continue }
            let message = Terminal.escaped(row.message ?? "").shortened(to: 60)
            let data = form(of: index).map { " " + Shell.quoted(FormSample.value(for: $0).text) } ?? ""
            let command = "ren signal \(self.row.id) \(Shell.quoted(signal))\(data)"
            steps.append(Step(command: Terminal.escaped(command), purpose: message))
        }
        // The way to go on is always among those shown.
        steps = Array(steps.prefix(Self.stepsShown - 2))
        if !steps.isEmpty, !isCarried || row.status == .paused {
            steps.append(Step(command: "ren resume \(row.id)", purpose: "go on with it after the signal"))
        }
        let unknown = rows.firstIndex { $0?.state == .unknown || ($0?.map?.counts[.unknown] ?? 0) > 0 }
        if let unknown {
            let name = flow.nodes[unknown].name
            steps.append(Step(command: "ren retry \(row.id) --node \(name)", purpose: "run again what may have run"))
            steps.append(
                Step(command: "ren skip \(row.id) \(name) …", purpose: "say how it ended: --value, --keep, --fail"))
        }
        return steps
    }

    private var lookAtFailures: [Step] {
        var steps: [Step] = []
        for (index, node) in flow.nodes.enumerated() {
            guard let row = rows[index] else { continue }
            if (row.map?.counts[.failed] ?? 0) > 0 {
                steps.append(
                    Step(command: "ren items \(self.row.id) \(node.name) --failed", purpose: "which items failed"))
            } else if row.state == .failed, row.attempts > 0, isFunction(index) {
                steps.append(Step(command: "ren logs \(self.row.id) -n \(node.name)", purpose: "what it said"))
            }
        }
        return steps
    }
}
