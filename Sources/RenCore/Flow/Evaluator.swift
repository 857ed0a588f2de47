import JSONLogic
package import RenJSON

extension Failure: Error {}

/// Gives what the templates of a run read. The shell implements it over the journal.
package protocol ScopeReader {
    /// The JSON text of a root value; nil when there is none, which reads as null or as the template's default.
    ///
    /// Asked once per reference that reads it, so an implementation keeps what it loaded.
    func load(_ root: Template.Root) throws(Failure) -> [UInt8]?
}

/// Renders templates and decides conditions: pure, with the values it needs lent by a `ScopeReader`.
///
/// Failures are named `BadExpression` (throw, budget, a value of the wrong kind), or what the reader throws.
package struct Evaluator: Sendable {
    package static let concurrencyRange = 1...100_000
    package static let keyBytesMax = 200
    /// Larger operands of a decision stand by length and hash in its event; so does what comes after this many bytes.
    private static let operandBytesMax = 1_800
    private static let operandsBytesMax = 16_384

    package init() {}

    // MARK: Templates

    /// The template's JSON text; what is referred to is spliced in as it is stored.
    package func render(_ template: Template, in scope: some ScopeReader) throws(Failure) -> [UInt8] {
        var writer = JSONWriter()
        try write(template, in: scope, to: &writer)
        return writer.bytes
    }

    /// The template's value as text: a string as it is, anything else as JSON text.
    package func text(_ template: Template, in scope: some ScopeReader) throws(Failure) -> String {
        let value = try value(template, in: scope)
        return value.stringValue ?? value.text
    }

    /// What a pause waits for.
    package func signal(_ template: Template, in scope: some ScopeReader) throws(Failure) -> String {
        let name = try text(template, in: scope)
        do {
            try Identifier.check(signal: name)
        } catch {
            throw Failure(Failure.Name.badExpression, "signal: \(error.message)")
        }
        return name
    }

    /// The key of an item: text or an integer, of at most 200 bytes.
    package func key(_ template: Template, in scope: some ScopeReader) throws(Failure) -> String {
        let value = try value(template, in: scope)
        let key: String
        switch value {
        case .string(let text): key = text
        case .integer(let number): key = String(number)
        default: throw Failure(Failure.Name.badExpression, "a key is text or an integer, not \(brief(value))")
        }
        guard key.utf8.count <= Self.keyBytesMax else {
            throw Failure(
                Failure.Name.badExpression, "a key has at most \(Self.keyBytesMax) bytes, not \(key.utf8.count)")
        }
        return key
    }

    package func duration(_ setting: Setting<Duration>, in scope: some ScopeReader) throws(Failure) -> Duration {
        switch setting {
        case .fixed(let duration): return duration
        case .computed(let template):
            let value = try value(template, in: scope)
            guard case .string(let text) = value else {
                throw Failure(Failure.Name.badExpression, "a time is text such as 30s, not \(brief(value))")
            }
            do {
                return try DurationText.parse(text)
            } catch {
                throw Failure(Failure.Name.badExpression, error.message)
            }
        }
    }

    /// A `concurrency`, from 1 to 100,000.
    package func integer(_ setting: Setting<Int>, in scope: some ScopeReader) throws(Failure) -> Int {
        switch setting {
        case .fixed(let number): return number
        case .computed(let template):
            let value = try value(template, in: scope)
            guard let number = value.integerValue, Self.concurrencyRange.contains(Int(number)) else {
                throw Failure(
                    Failure.Name.badExpression, "concurrency is a whole number from 1 to 100000, not \(brief(value))")
            }
            return Int(number)
        }
    }

    private func value(_ template: Template, in scope: some ScopeReader) throws(Failure) -> JSON {
        if case .literal(let json) = template { return json }
        if case .expression(let expression) = template { return try evaluate(expression, in: scope) }
        return try parse(try render(template, in: scope)[...])
    }

    private func write(
        _ template: Template, in scope: some ScopeReader, to writer: inout JSONWriter
    ) throws(Failure) {
        switch template {
        case .literal(let json):
            writer.value(json)
        case .reference(let reference):
            guard let bytes = try load(reference, in: scope) else { return writer.value(reference.fallback ?? .null) }
            writer.raw(bytes)
        case .expression(let expression):
            writer.value(try evaluate(expression, in: scope))
        case .array(let elements):
            writer.beginArray()
            for element in elements { try write(element, in: scope, to: &writer) }
            writer.endArray()
        case .object(let members):
            try write(members, in: scope, to: &writer) { _ in true }
        }
    }

    private func write(
        _ members: [Template.Member], in scope: some ScopeReader, to writer: inout JSONWriter,
        where isWanted: (Template.Member) -> Bool
    ) throws(Failure) {
        writer.beginObject()
        for member in members where isWanted(member) {
            writer.key(member.key)
            try write(member.value, in: scope, to: &writer)
        }
        writer.endObject()
    }

    /// The bytes of the value that a reference leads to; nil when there is none.
    private func load(
        _ reference: Template.Reference, in scope: some ScopeReader
    ) throws(Failure) -> ArraySlice<UInt8>? {
        guard let bytes = try scope.load(reference.root) else { return nil }
        guard !reference.path.isEmpty else { return bytes[...] }
        return JSONText.slice(at: JSONPointer(reference.path), in: bytes).map { bytes[$0] }
    }

    // MARK: Expressions

    /// What a condition or `when` decided, and from which values.
    package struct Decision: Sendable {
        package var truth: Bool
        /// Path → value, for everything the rule may read; a large value stands as `{"length": …, "hash": …}`.
        package var operands: JSON
    }

    /// - Parameter digest: SHA-256, for operands that are too large for an event.
    package func decide(
        _ expression: Expression, in scope: some ScopeReader, digest: ([UInt8]) -> Digest
    ) throws(Failure) -> Decision {
        var data = JSON.object(JSONObject())
        var operands = JSONObject()
        var room = Self.operandsBytesMax
        for read in expression.reads {
            let name = read.path.joined(separator: ".")
            guard let bytes = try load(read.reference, in: scope) else {
                operands[name] = .null
                continue
            }
            let value = try parse(bytes)
            data.insert(value, at: read.path[...])
            if bytes.count <= min(Self.operandBytesMax, room) {
                room -= bytes.count
                operands[name] = value
            } else {
                let hash = digest(Array(bytes)).base64url
                operands[name] = ["length": .integer(Int64(bytes.count)), "hash": .string(hash)]
            }
        }
        return Decision(truth: try evaluate(expression.rule, data).isTruthy, operands: .object(operands))
    }

    /// What was decided from `operands`, as an event keeps them: for one whose values are not kept any more.
    ///
    /// - Returns: nil when that cannot be told: an operand stands there by its length and hash, or it matters whether
    ///   one was null or missing.
    package func truth(of expression: Expression, from operands: JSON) throws(Failure) -> Bool? {
        var data = JSON.object(JSONObject())
        var withNulls = data
        for read in expression.reads {
            guard let value = operands[read.path.joined(separator: ".")] else { return nil }
            if let object = value.objectValue, object.count == 2, object["length"]?.integerValue != nil,
                Digest(base64url: object["hash"]?.stringValue ?? "") != nil
            {
                return nil
            }
            withNulls.insert(value, at: read.path[...])
            if !value.isNull { data.insert(value, at: read.path[...]) }
        }
        let truth = try evaluate(expression.rule, data).isTruthy
        return try evaluate(expression.rule, withNulls).isTruthy == truth ? truth : nil
    }

    private func evaluate(_ expression: Expression, in scope: some ScopeReader) throws(Failure) -> JSON {
        var data = JSON.object(JSONObject())
        for read in expression.reads {
            guard let bytes = try load(read.reference, in: scope) else { continue }
            data.insert(try parse(bytes), at: read.path[...])
        }
        return try evaluate(expression.rule, data)
    }

    private func evaluate(_ rule: Rule, _ data: JSON) throws(Failure) -> JSON {
        do {
            return try rule.evaluate(data)
        } catch {
            throw Failure(Failure.Name.badExpression, "\(error.message) (\(error.code.rawValue))")
        }
    }

    private func parse(_ bytes: ArraySlice<UInt8>) throws(Failure) -> JSON {
        do {
            return try JSON(parsing: bytes, limits: .payload)
        } catch {
            throw Failure(Failure.Name.badExpression, "a stored value cannot be read: \(error.message)")
        }
    }

    // MARK: Arguments

    /// What happens to arguments that are exactly the items of a node.
    package enum Items: Sendable { case inline, leftOut }

    /// The JSON text of a function node's arguments, an object of names (or the whole value, where the function takes
    /// one), for the item that `scope` shows if the node has `each`.
    ///
    /// - Parameter items: `leftOut` for workers, which get the arguments in `plan.lazyArguments` page by page.
    /// - Precondition: the node is a function.
    package func arguments(
        of number: NodeNumber, in plan: Plan, _ scope: some ScopeReader, items: Items
    ) throws(Failure) -> [UInt8] {
        let node = plan.flow.nodes[number.index]
        guard let call = node.call else { preconditionFailure("node \(node.name) calls no function") }
        guard let with = call.with else {
            return try plan.shape(of: number).arguments(forValue: try given(to: node, number, plan, scope))
        }
        let lazy = items == .leftOut ? plan.lazyArguments(of: number) : []
        var writer = JSONWriter()
        try write(with, in: scope, to: &writer) { member in !lazy.contains { $0.name == member.key } }
        return writer.bytes
    }

    /// What a node without `with` gets: an item the item, a root node the input, a node with one predecessor its
    /// output, any other an object of outputs by node. A condition has no output: alone it gives null.
    private func given(
        to node: Node, _ number: NodeNumber, _ plan: Plan, _ scope: some ScopeReader
    ) throws(Failure) -> [UInt8] {
        let null = Array("null".utf8)
        if node.each != nil { return try scope.load(.item) ?? null }
        let predecessors = plan.predecessors[number.index]
        if predecessors.isEmpty { return try scope.load(.input) ?? null }
        func output(_ number: NodeNumber) throws(Failure) -> [UInt8]? {
            if case .condition = plan.flow.nodes[number.index].kind { return nil }
            return try scope.load(.node(number, .output)) ?? null
        }
        if predecessors.count == 1 { return try output(predecessors[0]) ?? null }
        var writer = JSONWriter()
        writer.beginObject()
        for predecessor in predecessors {
            guard let bytes = try output(predecessor) else { continue }
            writer.key(plan.flow.nodes[predecessor.index].name)
            writer.raw(bytes)
        }
        writer.endObject()
        return writer.bytes
    }
}

/// A value in a message, at most 100 characters of it.
private func brief(_ value: JSON) -> String {
    let text = value.text
    return text.count <= 100 ? text : "\(text.prefix(100))…"
}

extension JSON {
    /// Puts a value at a path of objects, which are made where they are missing.
    fileprivate mutating func insert(_ value: JSON, at path: ArraySlice<String>) {
        guard let key = path.first else { return self = value }
        guard case .object(var object) = self else { return }
        self = .null  // so that the object is changed in place and not copied
        var member = object[key] ?? .object(JSONObject())
        member.insert(value, at: path.dropFirst())
        object[key] = member
        self = .object(object)
    }
}
