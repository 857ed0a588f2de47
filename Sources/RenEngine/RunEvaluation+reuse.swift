package import RenCore
package import RenJournal

/// After a reopening: what is about to run and has its recorded input keeps its result (SEMANTICS.md 7).
extension RunEvaluation {
    /// What there was of a node or item before it was opened again.
    struct Past {
        struct Result {
            /// Of the event with the result.
            var version: RunVersion
            /// What its attempt began with; nil where a person gave the value.
            var input: Digest?
            var code: Digest?
        }

        var work: EarlierWork?
        var result: Result?
    }

    func past(of subject: Event.Subject) throws -> Past {
        guard let number = subject.node else { return Past() }
        let recorded = state[number].recorded
        guard case .item(_, let item) = subject else {
            return Past(
                result: recorded.map { Past.Result(version: $0.version, input: $0.input, code: $0.code) })
        }
        guard let map = state[number].map, map.open[item] == nil else { return Past() }
        let isAgain = map.again.contains(item)
        guard isAgain || recorded?.map != nil else { return Past() }
        // An item that had ended in this map runs again because it was chosen.
        if isAgain, let work = try values.earlierWork(of: item, number, in: map) { return Past(work: work) }
        guard let before = recorded?.map else { return Past() }
        let (version, attempts) = try values.earlier(of: number, since: before.opened, map)[item]
        var past = Past(work: attempts > 0 ? EarlierWork(attempts: attempts, last: .none) : nil)
        if version > .none {
            let start = try values.start(of: version)
            past.result = Past.Result(version: version, input: start?.input, code: start?.code)
        }
        return past
    }

    /// - Returns: nil when the attempt is to begin.
    func reuse(_ past: Past, of subject: Event.Subject, input: Digest, code: Digest?) -> Request? {
        guard let result = past.result, let number = subject.node else { return nil }
        let isCodeKept = !state.codeChangedRunsAgain || result.code == code
        if result.input == nil || result.input == input && isCodeKept { return .keep(subject, cause: result.version) }
        guard plan.once(number), !state.mayRunAgain.contains(number) else { return nil }
        return .doubt(subject, cause: result.version)
    }

    /// - Parameter request: what follows where nothing recorded stands.
    func reuse(_ number: NodeNumber, instead request: Request?) -> Request? {
        guard case .wait(_, let wait)? = request else { return request }
        return reuse(number, asking: wait) ?? request
    }

    /// A pause that would ask the same has its answer, and a value that a person gave stands.
    func reuse(_ number: NodeNumber, asking wait: SignalWait? = nil) -> Request? {
        guard let recorded = state[number].recorded, recorded.version > .none, recorded.map == nil else { return nil }
        if let asked = recorded.asked, asked.signal != wait?.signal || asked.message != wait?.message { return nil }
        return .keep(.node(number), cause: recorded.version)
    }
}

extension Request {
    /// An item that it says something of, other than by an attempt.
    private var skipped: (node: NodeNumber, item: ItemIndex)? {
        if case .skip(.item(let node, let item), _, _) = self { (node, item) } else { nil }
    }

    /// Whether what the journal knows of an item belongs to it.
    var needsJournal: Bool { skipped != nil }

    /// The request for a state that is as the journal has it.
    package func completed(
        in state: RunState, run: RunNumber, in journal: any JournalReading
    ) throws(RenError) -> (request: Request, earlier: EarlierWork?) {
        try completed(in: state, RunValues(run: run, journal: journal, artifacts: nil))
    }

    /// The request with what the journal knows of the item that it is about: the state forgets settled ones.
    ///
    /// - Precondition: all of the state is in the journal.
    func completed(
        in state: RunState, _ values: RunValues
    ) throws(RenError) -> (request: Request, earlier: EarlierWork?) {
        guard let (node, item) = skipped, let map = state[node].map, map.open[item] == nil,
            let work = try values.earlierWork(of: item, node, in: map)
        else { return (self, nil) }
        guard case .skip(let subject, .keep(cause: .none), let reason) = self else { return (self, work) }
        return (.skip(subject, .keep(cause: try values.cause(of: work.last)), reason: reason), work)
    }
}
