/// A regular expression in the part of ECMAScript that needs no backtracking: it takes time in proportion to the text.
///
/// Why not the standard library's `Regex`: its backtracking took over a minute for `^(a+)+$` on 22 letters, and a value
/// from outside must not stop the engine. It also reads some ECMAScript differently (`[[a]`, `[a&&b]`).
/// Method: all states at once (Thompson, "Regular expression search algorithm", 1968), over Unicode scalars.
/// Refused by name: back references, look-around, inline flags.
struct Pattern: Sendable {
    /// The expression as it was written.
    let source: String
    private let program: [Instruction]

    enum Instruction: Sendable {
        case take(ScalarSet)
        /// Go on at both.
        case split(Int, Int)
        case jump(Int)
        /// Go on only at the start, the end, or at (or not at) the edge of a word.
        case requireStart
        case requireEnd
        case requireWordEdge(Bool)
        case accept
    }

    /// - Throws: `PatternError` with the reason and where it is in the expression.
    init(_ source: String) throws(PatternError) {
        self.source = source
        var parser = PatternParser(source)
        var compiler = PatternCompiler()
        try compiler.emit(try parser.expression())
        program = compiler.program + [.accept]
    }

    /// Whether any part of the text matches; anchors make it the whole.
    ///
    /// - Complexity: O(length of the text × size of the expression).
    func matches(_ text: String) -> Bool {
        var states = StateSet(count: program.count)
        var next = StateSet(count: program.count)
        var pending: [Int] = []
        var before: Unicode.Scalar?
        var scalars = text.unicodeScalars.makeIterator()
        var current = scalars.next()
        while true {
            // A match may start at every place.
            follow(from: 0, into: &states, before: before, after: current, pending: &pending)
            if states.accepts { return true }
            guard let scalar = current else { return false }
            let after = scalars.next()
            for state in states.members {
                if case .take(let set) = program[state], set.contains(scalar) {
                    follow(from: state + 1, into: &next, before: scalar, after: after, pending: &pending)
                }
            }
            if next.accepts { return true }
            swap(&states, &next)
            next.removeAll()
            before = scalar
            current = after
        }
    }

    /// Adds a state and all that are reached from it without taking a scalar.
    private func follow(
        from start: Int, into states: inout StateSet, before: Unicode.Scalar?, after: Unicode.Scalar?,
        pending: inout [Int]
    ) {
        pending.append(start)
        while let state = pending.popLast() {
            guard states.insert(state) else { continue }
            switch program[state] {
            case .take: break
            case .accept: states.accepts = true
            case .jump(let target): pending.append(target)
            case .split(let first, let second):
                pending.append(second)
                pending.append(first)
            case .requireStart: if before == nil { pending.append(state + 1) }
            case .requireEnd: if after == nil { pending.append(state + 1) }
            case .requireWordEdge(let wanted):
                let isEdge =
                    before.map(ScalarSet.word.contains) ?? false != (after.map(ScalarSet.word.contains) ?? false)
                if isEdge == wanted { pending.append(state + 1) }
            }
        }
    }
}

/// Why an expression is none, or none of ours.
struct PatternError: Error, Equatable {
    let message: String
}

/// States that were reached, each once, in the order in which they were.
private struct StateSet {
    private(set) var members: [Int] = []
    private var isMember: [Bool]
    var accepts = false

    init(count: Int) {
        isMember = Array(repeating: false, count: count)
    }

    mutating func insert(_ state: Int) -> Bool {
        guard !isMember[state] else { return false }
        isMember[state] = true
        members.append(state)
        return true
    }

    mutating func removeAll() {
        for state in members { isMember[state] = false }
        members.removeAll(keepingCapacity: true)
        accepts = false
    }
}

/// Turns an expression tree into instructions.
private struct PatternCompiler {
    /// Repetitions are written out, so that `(a{1000}){1000}` must be stopped here.
    static let sizeMax = 5_000

    private(set) var program: [Pattern.Instruction] = []
    private var visited = 0

    mutating func emit(_ node: PatternNode) throws(PatternError) {
        visited += 1
        guard visited <= Self.sizeMax else {
            throw PatternError(
                message: "the pattern is too large: repetitions written out give over \(Self.sizeMax) steps")
        }
        switch node {
        case .take(let set): program.append(.take(set))
        case .requireStart: program.append(.requireStart)
        case .requireEnd: program.append(.requireEnd)
        case .requireWordEdge(let wanted): program.append(.requireWordEdge(wanted))
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .either(let nodes): try emitEither(nodes[...])
        case .repeated(let node, let minimum, let maximum):
            for _ in 0..<minimum { try emit(node) }
            if let maximum {
                for _ in minimum..<maximum { try emitOptional(node, loops: false) }
            } else {
                try emitOptional(node, loops: true)
            }
        }
    }

    private mutating func emitEither(_ nodes: ArraySlice<PatternNode>) throws(PatternError) {
        guard let first = nodes.first else { return }
        guard nodes.count > 1 else { return try emit(first) }
        let split = program.count
        program.append(.accept)  // replaced below, when the targets are known
        try emit(first)
        let jump = program.count
        program.append(.accept)
        program[split] = .split(split + 1, program.count)
        try emitEither(nodes.dropFirst())
        program[jump] = .jump(program.count)
    }

    private mutating func emitOptional(_ node: PatternNode, loops: Bool) throws(PatternError) {
        let split = program.count
        program.append(.accept)
        try emit(node)
        if loops { program.append(.jump(split)) }
        program[split] = .split(split + 1, program.count)
    }
}
