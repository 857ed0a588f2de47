package import RenCore
import RenJSON
package import RenJournal

/// What an attempt was called with. It is not recorded, since it follows from what is; its hash is.
package struct AttemptArguments: Sendable {
    /// JSON text, without the lazy ones.
    package let text: [UInt8]
    /// Names of those that were handed over page by page.
    package let lazy: [String]
    /// They have the recorded hash; else what they are made of has changed since, as by a retry of items.
    package let areProved: Bool

    /// - Parameters:
    ///   - version: of the event with which the attempt of `run` began.
    ///   - plans: see `RunState.init(plans:)`.
    ///   - artifacts: the folder of artifacts; nil where there are none.
    /// - Returns: nil when that event begins no attempt, or they cannot be made any more.
    /// - Throws: `payload.pruned` and `payload.missing` for a value that is gone; `journal.damaged`, `storage.*`.
    package init?(
        of version: RunVersion, in run: RunNumber, plans: [Plan], from journal: any JournalReading, artifacts: String?
    ) throws(RenError) {
        let event = try journal.read { view throws(RenError) in try view.recorded(run, version)?.event }
        guard let event, case .started(let start) = event.fact else { return nil }
        let before = RunVersion(rawValue: version.rawValue - 1)
        let state = try RunState(folding: run, plans: plans, through: before, from: journal)
        guard let node = event.subject.node, node.index < state.nodes.count else { return nil }
        let values = RunValues(run: run, journal: journal, artifacts: artifacts, through: before)
        let evaluation = RunEvaluation(state: state, values: values, evaluator: Evaluator())
        let prepared: RunEvaluation.Prepared?
        do {
            // Only a function in Swift has no file.
            prepared = try evaluation.prepare(event.subject, isSwift: start.code == nil)
        } catch {
            if let missing = values.missing { throw missing }
            return nil
        }
        guard case .attempt(let attempt)? = prepared else { return nil }
        text = attempt.arguments
        lazy = attempt.lazy.map(\.name)
        areProved = attempt.input == start.input
    }
}
