package import RenCore
package import RenJournal

extension JournalReading {
    /// What a run's history is folded and decided with: the plan of the flow that it began with, then those of the flows
    /// that its forks change to, in order.
    ///
    /// - Parameters:
    ///   - signatures: nil: those that were recorded with the run.
    ///   - swift: functions of this program; their signatures are not recorded.
    ///   - last: only the flows that it followed up to this version.
    package func plans(
        of row: RunRow, signatures: [String: FunctionSignature]? = nil, swift: [String: FunctionSignature] = [:],
        through last: RunVersion? = nil
    ) throws(RenError) -> [Plan] {
        let known =
            if let signatures { signatures } else {
                swift.merging(try recordedSignatures(of: row)) { _, recorded in recorded }
            }
        let lineage = try read { view throws(RenError) in try view.lineage(of: row.number) }
        return try lineage.flows(through: last).map { hash throws(RenError) in
            Plan(try Session.recordedFlow(hash, in: self), signatures: known)
        }
    }
}

extension RunLineage {
    /// - Parameter last: nil: all of `flows`.
    fileprivate func flows(through last: RunVersion?) -> [Digest] {
        guard let last else { return flows }
        return Array(flows.prefix(1 + forks.count { $0.fork.nodes != nil && $0.version <= last }))
    }
}
