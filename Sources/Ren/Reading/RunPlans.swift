package import RenCore
package import RenJournal

extension JournalReading {
    /// What a run's history is folded and decided with: the plan of the flow that it began with, then those of the flows
    /// that its forks change to, in order.
    ///
    /// - Parameter swift: functions of this program; their signatures are not recorded.
    package func plans(of row: RunRow, swift: [String: FunctionSignature] = [:]) throws(RenError) -> [Plan] {
        let signatures = swift.merging(try recordedSignatures(of: row)) { _, recorded in recorded }
        return [Plan(try Session.recordedFlow(row.flow, in: self), signatures: signatures)]
    }
}
