package import RenJSON

/// What a traced evaluation gave and saw.
package struct Evaluation: Sendable {
    /// A path of the outermost data that was read, and what was there.
    package struct Operand: Sendable, Hashable {
        package var path: [String]
        /// Nil when nothing was there.
        package var value: JSON?
    }

    /// One operator evaluated.
    package struct Step: Sendable {
        /// Where it stands in the rule, as RFC 6901 text.
        package var pointer: String
        package var name: String
        /// The values of its arguments as far as they were evaluated, in order; of an iterator only the list.
        package var operands: [JSON]
        package var result: Result<JSON, LogicError>
        /// How many iterators are around it: it may stand here once per element.
        package var level: Int
    }

    package var result: Result<JSON, LogicError>
    /// Each path once, in order of first reading.
    package var operands: [Operand]
    /// Inner operators before the ones around them; at most 1,000.
    package var steps: [Step]
    /// There were more steps than are kept.
    package var isCut: Bool
    /// What was used of the budget.
    package var stepCount: Int
}

/// Writes an evaluation down.
struct Recorder {
    private(set) var operands: [Evaluation.Operand] = []
    private(set) var steps: [Evaluation.Step] = []
    private(set) var isCut = false

    private var paths: Set<[String]> = []
    /// The argument values of the operators being evaluated, the innermost last.
    private var open: [[JSON]] = [[]]
    private var level = 0

    static let stepsMax = 1_000

    mutating func read(_ path: [PathKey], _ value: JSON?) {
        let path = path.map(\.text)
        if paths.insert(path).inserted { operands.append(Evaluation.Operand(path: path, value: value)) }
    }

    mutating func enter() { open.append([]) }

    mutating func leave(_ node: Node, _ result: Result<JSON, LogicError>) {
        let values = open.removeLast()
        if case .success(let value) = result { open[open.count - 1].append(value) }
        guard !node.name.isEmpty else { return }
        guard steps.count < Self.stepsMax else { return isCut = true }
        steps.append(
            Evaluation.Step(pointer: node.pointer, name: node.name, operands: values, result: result, level: level))
    }

    mutating func literal(_ value: JSON) { open[open.count - 1].append(value) }

    /// What is evaluated for one element is no argument of the iterator.
    mutating func enterElement() {
        enter()
        level += 1
    }

    mutating func leaveElement() {
        open.removeLast()
        level -= 1
    }
}
