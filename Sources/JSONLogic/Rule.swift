package import RenJSON

/// An expression, compiled once and evaluated often.
package struct Rule: Sendable {
    package let source: JSON
    /// Everything it reads, in the order of the rule.
    package let reads: [Read]
    /// Places where a public quirk of the language may surprise.
    package let quirks: [Quirk]
    package let nodeCount: Int
    /// How many operators and lists stand inside each other; an operator's own argument list does not count.
    package let depth: Int

    private let root: Node

    package static let depthMax = 32
    package static let nodesMax = 500

    /// Compiles a rule; anything that is no operator object is a constant.
    ///
    /// - Throws: `logic.operator` and `logic.too_large`, all of them at once.
    package init(compiling source: JSON) throws(LogicErrors) {
        var compiler = Compiler()
        root = compiler.compile(source)
        guard compiler.errors.isEmpty else { throw LogicErrors(errors: compiler.errors) }
        self.source = source
        reads = compiler.reads
        quirks = compiler.quirks
        nodeCount = compiler.nodeCount
        depth = compiler.depthReached
    }

    /// It reads nothing of the data it is given.
    package var isConstant: Bool { !reads.contains { $0.scope == .root } }

    /// The path, when the rule is nothing but a `var` or `val` of a constant path without default: a reference,
    /// whose value need not be evaluated.
    package var reference: [String]? {
        guard case .lookup(let lookup) = root.kind, lookup.climb == 0, lookup.fallback == nil,
            case .constant(let path) = lookup.path
        else { return nil }
        return path.map(\.text)
    }

    /// The value of the rule for this data.
    ///
    /// - Throws: `logic.budget`, `logic.number`, `logic.arguments`, `logic.thrown`.
    /// - Complexity: bounded by the budget, whatever the data.
    package func evaluate(_ data: JSON, budget: Budget = .standard) throws(LogicError) -> JSON {
        var evaluator = Evaluator(data: data, budget: budget, recorder: nil)
        return try evaluator.result(of: root)
    }

    /// The same, with all that was read and computed on the way.
    package func trace(_ data: JSON, budget: Budget = .standard) -> Evaluation {
        var evaluator = Evaluator(data: data, budget: budget, recorder: Recorder())
        let result = Result { () throws(LogicError) in try evaluator.result(of: root) }
        let recorder = evaluator.recorder ?? Recorder()
        return Evaluation(
            result: result, operands: recorder.operands, steps: recorder.steps, isCut: recorder.isCut,
            stepCount: evaluator.meter.steps)
    }
}

extension Rule: Hashable {
    package static func == (left: Rule, right: Rule) -> Bool { left.source == right.source }

    package func hash(into hasher: inout Hasher) { hasher.combine(source) }
}
