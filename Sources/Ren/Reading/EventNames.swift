package import RenCore
package import RenJournal

/// The names of runs and nodes, which events carry as numbers; the numbers where the names are damaged.
package struct EventNames: Sendable {
    private let journal: any JournalReading
    private var runs: [RunNumber: (id: String, flow: Digest)] = [:]
    private var flows: [Digest: [String]] = [:]

    package init(_ journal: any JournalReading) {
        self.journal = journal
    }

    package mutating func id(of run: RunNumber) throws(RenError) -> String {
        guard run != .journal else { return "journal" }
        return try lookUp(run).id
    }

    package mutating func name(of node: NodeNumber, in run: RunNumber) throws(RenError) -> String {
        let flow = try lookUp(run).flow
        let names = try nodeNames(flow)
        return node.index < names.count ? names[node.index] : String(node.rawValue)
    }

    private mutating func nodeNames(_ flow: Digest) throws(RenError) -> [String] {
        if let known = flows[flow] { return known }
        var names: [String] = []
        do {
            names = try Session.recordedFlow(flow, in: journal).nodes.map(\.name)
        } catch  where error.code == .journalDamaged {
            // The events that name its nodes can be read all the same.
        }
        flows[flow] = names
        return names
    }

    private mutating func lookUp(_ run: RunNumber) throws(RenError) -> (id: String, flow: Digest) {
        if let known = runs[run] { return known }
        guard let row = try journal.read({ view throws(RenError) in try view.run(run) }) else {
            throw RenError(.journalDamaged, "run number \(run) has events and no row", hint: "ren journal verify")
        }
        runs[run] = (row.id, row.flow)
        return (row.id, row.flow)
    }
}
