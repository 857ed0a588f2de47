package import RenJSON

/// Everything that is wrong with a flow, in the order of its text; never empty.
package struct FlowErrors: Error, Sendable {
    package var errors: [RenError]

    package init(_ errors: [RenError]) {
        self.errors = errors
    }
}

/// What a look at a flow file found: the flow if nothing is wrong, and everything to say about it.
package struct FlowCheck: Sendable {
    /// Nil when there are errors.
    package var flow: Flow?
    /// What can be read of the flow, also when there are errors: for further checks, never to be run. Nodes that
    /// cannot be read are missing.
    package var draft: Flow?
    /// The first document, so that later checks can give places too.
    package var document: Located?
    /// In the order of the text, at most 100.
    package var errors: [RenError]
    /// What is allowed but surprises: quirks of JSONLogic that decide a way, and the like.
    package var warnings: [RenError]

    package init(
        flow: Flow?, draft: Flow? = nil, document: Located?, errors: [RenError], warnings: [RenError]
    ) {
        self.flow = flow
        self.draft = draft ?? flow
        self.document = document
        self.errors = errors
        self.warnings = warnings
    }
}

/// Collects findings while a flow is decoded, so that all of them are reported at once.
final class Problems {
    private(set) var errors: [RenError] = []
    private(set) var warnings: [RenError] = []

    static let max = 100

    /// So much is wrong that looking for more, and for what was meant, is of no use to anybody.
    var isFull: Bool { errors.count >= Self.max }

    func add(_ code: RenError.Code, _ message: String, hint: String? = nil, at place: Place) {
        guard !isFull else { return }
        errors.append(RenError(code, message, hint: hint, at: place))
    }

    func add(_ error: RenError, at place: Place) {
        add(error.code, error.message, hint: error.hint, at: place)
    }

    func warn(_ code: RenError.Code, _ message: String, hint: String? = nil, at place: Place) {
        guard warnings.count < Self.max else { return }
        warnings.append(RenError(code, message, hint: hint, at: place))
    }

    /// A part of the language that comes with a later version.
    func notYet(_ construct: String, at place: Place) {
        add(.flowNotYet, "\(construct) is not supported yet", hint: "it comes with a later version of ren", at: place)
    }
}

extension [RenError] {
    /// In the order of the text; findings of one place in the order in which they were made.
    package func sortedByPlace() -> [RenError] {
        enumerated().sorted {
            ($0.element.place?.offset ?? 0, $0.offset) < ($1.element.place?.offset ?? 0, $1.offset)
        }.map(\.element)
    }
}

/// `did you mean "x"?`, or nil when nothing is near.
func suggestion(for word: String, in candidates: [String]) -> String? {
    nearest(to: word, in: candidates).map { "did you mean \"\($0)\"?" }
}

extension RenError.Code {
    package static let flowShape = Self("flow.shape")
    package static let flowMissingKey = Self("flow.missing_key")
    package static let flowUnknownKey = Self("flow.unknown_key")
    package static let flowNotYet = Self("flow.not_yet")
    package static let flowNoNodes = Self("flow.no_nodes")
    package static let flowTooManyNodes = Self("flow.too_many_nodes")
    package static let flowNoKind = Self("flow.no_kind")
    package static let flowSeveralKinds = Self("flow.several_kinds")
    package static let flowWrongKind = Self("flow.wrong_kind")
    package static let flowNeedsEach = Self("flow.needs_each")
    package static let flowUnknownNode = Self("flow.unknown_node")
    package static let flowUnknownWay = Self("flow.unknown_way")
    package static let flowSelfReference = Self("flow.self_reference")
    package static let flowDuplicateAfter = Self("flow.duplicate_after")
    package static let flowAfterEnd = Self("flow.after_end")
    package static let flowNeverFails = Self("flow.never_fails")
    package static let flowUnreachable = Self("flow.unreachable")
    package static let flowCycle = Self("flow.cycle")
    package static let flowUnknownWord = Self("flow.unknown_word")
    package static let flowTolerate = Self("flow.tolerate")
    package static let flowConcurrency = Self("flow.concurrency")
    package static let flowOverPool = Self("flow.over_pool")
    package static let flowReservedSignal = Self("flow.reserved_signal")
    package static let flowSchema = Self("flow.schema")
    package static let flowConstantExpression = Self("flow.constant_expression")
    package static let flowNearOperator = Self("flow.near_operator")
    package static let flowAmbiguousObject = Self("flow.ambiguous_object")
    package static let flowUnresolvedVar = Self("flow.unresolved_var")
    package static let flowNotUpstream = Self("flow.not_upstream")
    package static let flowDynamicVar = Self("flow.dynamic_var")
    package static let flowHiddenVar = Self("flow.hidden_var")
    package static let flowRetryOnce = Self("flow.retry_once")
    package static let flowUndeclaredInput = Self("flow.undeclared_input")
    package static let logicQuirk = Self("logic.quirk")
    package static let durationSyntax = Self("duration.syntax")
    package static let durationRange = Self("duration.range")
    package static let heartbeatShort = Self("heartbeat.short")
    package static let retryAttempts = Self("retry.attempts")
    package static let retryEvery = Self("retry.every")
    package static let retryLongest = Self("retry.longest")
    package static let retryTotal = Self("retry.total")
    package static let retryFactor = Self("retry.factor")
    package static let retryJitter = Self("retry.jitter")
    package static let functionUnknownArgument = Self("function.unknown_argument")
    package static let functionMissingArgument = Self("function.missing_argument")
    package static let functionInvalid = Self("function.invalid")
}
