import Foundation
import Ren
import RenCore
import RenJournal

/// How long it takes to have a run as it was, at random events of the longest one: cold, without any cache of ren's.
struct StateCase {
    let directory: String
    let times: Int

    func run() throws {
        let journal = try JournalReader(directory: directory + "/journal", lockIsFree: true)
        let row = try journal.read { view throws(RenError) in
            try view.runs(limit: 1_000).max { $0.version < $1.version }
        }
        guard let row else { throw RenError(.runNotFound, "there is no run in \(directory)") }
        let plans = try journal.plans(of: row)
        var generator = SystemRandomNumberGenerator()
        var states: [Double] = []
        var shown: [Double] = []
        for _ in 0..<times {
            let version = RunVersion(UInt64.random(in: 1...row.version.rawValue, using: &generator))
            states.append(
                try milliseconds {
                    _ = try RunState(folding: row.number, plans: plans, through: version, from: journal)
                })
            let sequence = try journal.read { view throws(RenError) in try view.sequence(of: row.number, version) }
            guard let sequence else { throw RenError(.runNotFound, "version \(version) is not there") }
            shown.append(
                try milliseconds { _ = try RunSummary(journal.past(of: row, at: sequence), in: journal) })
        }
        let snapshots = try journal.snapshotBytes(of: row.number)
        let items = try journal.read { view throws(RenError) in try view.nodes(of: row.number) }
            .reduce(0) { $0 + ($1.row.map?.total ?? 0) }
        print(
            #"{"case": "state", "events": \#(row.version), "times": \#(times), "state_ms": \#(figures(states)), "#
                + #""shown_ms": \#(figures(shown)), "snapshot_bytes": \#(snapshots), "snapshot_bytes_per_item": "#
                + String(format: "%.1f}", Double(snapshots) / Double(max(items, 1))))
    }

    private func milliseconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .milliseconds(1)
    }

    private func figures(_ values: [Double]) -> String {
        let sorted = values.sorted()
        return String(
            format: #"{"median": %.3f, "worst": %.3f}"#, sorted[sorted.count / 2], sorted[sorted.count - 1])
    }
}
