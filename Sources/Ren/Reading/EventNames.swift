package import RenCore
package import RenJournal

/// The names of runs, nodes and items, which events carry as numbers; the numbers where the names are damaged.
package struct EventNames: Sendable {
    /// So many runs, flows and maps are remembered: whoever reads for days meets many.
    private static let runsMax = 4_096
    private static let flowsMax = 256
    private static let mapsMax = 4

    private let journal: any JournalReading
    private var runs: [RunNumber: (id: String, flow: Digest, flowName: String)] = [:]
    private var flows: [Digest: [String]] = [:]
    /// The last one used stands last.
    private var maps: [(run: RunNumber, node: NodeNumber, keys: ItemKeys)] = []

    package init(_ journal: any JournalReading) {
        self.journal = journal
    }

    package mutating func id(of run: RunNumber) throws(RenError) -> String {
        guard run != .journal else { return "journal" }
        return try lookUp(run).id
    }

    /// The name of its flow; nil for the run `journal`.
    package mutating func flow(of run: RunNumber) throws(RenError) -> String? {
        guard run != .journal else { return nil }
        return try lookUp(run).flowName
    }

    package mutating func name(of node: NodeNumber, in run: RunNumber) throws(RenError) -> String {
        let flow = try lookUp(run).flow
        let names = try nodeNames(flow)
        return node.index < names.count ? names[node.index] : String(node.rawValue)
    }

    package mutating func key(of item: ItemIndex, _ node: NodeNumber, in run: RunNumber) throws(RenError) -> String {
        if let known = maps.lastIndex(where: { $0.run == run && $0.node == node }) {
            if known != maps.count - 1 { maps.append(maps.remove(at: known)) }
        } else {
            if maps.count == Self.mapsMax { maps.removeFirst() }
            maps.append((run, node, try keys(of: node, in: run)))
        }
        return maps[maps.count - 1].keys.key(of: item)
    }

    private func keys(of node: NodeNumber, in run: RunNumber) throws(RenError) -> ItemKeys {
        do {
            if let keys = try journal.itemKeys(run, node) { return keys }
        } catch  where error.code == .journalDamaged || error.code == .payloadMissing {
            // The events of its items can be read all the same.
        }
        return ItemKeys(payload: [])
    }

    private mutating func nodeNames(_ flow: Digest) throws(RenError) -> [String] {
        if let known = flows[flow] { return known }
        var names: [String] = []
        do {
            names = try Session.recordedFlow(flow, in: journal).nodes.map(\.name)
        } catch  where error.code == .journalDamaged {
            // The events that name its nodes can be read all the same.
        }
        if flows.count == Self.flowsMax { flows = [:] }
        flows[flow] = names
        return names
    }

    private mutating func lookUp(_ run: RunNumber) throws(RenError) -> (id: String, flow: Digest, flowName: String) {
        if let known = runs[run] { return known }
        guard let row = try journal.read({ view throws(RenError) in try view.run(run) }) else {
            throw RenError(.journalDamaged, "run number \(run) has events and no row", hint: "ren journal verify")
        }
        if runs.count == Self.runsMax { runs = [:] }
        let known = (row.id, row.flow, row.flowName)
        runs[run] = known
        return known
    }
}
