extension Plan {
    /// What the evaluation of a node looks at.
    package struct Reads: Hashable, Sendable {
        package var input = false
        package var nodes: Set<NodeNumber> = []
    }

    /// What a node's result may depend on: what its arguments, list, key, `when`, condition, texts and values read.
    /// Its limits (`timeout`, `concurrency`) are left out, since no result depends on them.
    package func reads(of number: NodeNumber) -> Reads {
        let node = flow.nodes[number.index]
        var reads = Reads()
        if let when = node.when { reads.add(when) }
        if let each = node.each {
            reads.add(each.source)
            if let key = each.key { reads.add(key) }
        }
        if case .value(let value) = node.onError { reads.add(value) }
        switch node.kind {
        case .function(let call):
            if let with = call.with {
                for argument in with { reads.add(argument.value) }
            } else if node.each == nil {
                // As `Evaluator.arguments` gives it the input, or the outputs of those before it.
                reads.input = reads.input || predecessors[number.index].isEmpty
                reads.nodes.formUnion(predecessors[number.index])
            }
        case .condition(let rule): reads.add(rule)
        case .pause(let pause):
            reads.add(pause.message)
            reads.add(pause.signal)
        case .end(_, let value): reads.add(value)
        }
        return reads
    }
}

extension Plan.Reads {
    fileprivate mutating func add(_ template: Template) {
        switch template {
        case .literal: break
        case .reference(let reference): add(reference.root)
        case .expression(let expression): add(expression)
        case .array(let elements): for element in elements { add(element) }
        case .object(let members): for member in members { add(member.value) }
        }
    }

    fileprivate mutating func add(_ expression: Expression) {
        for read in expression.reads { add(read.reference.root) }
    }

    private mutating func add(_ root: Template.Root) {
        switch root {
        case .input: input = true
        case .node(let node, _): nodes.insert(node)
        case .item, .index, .key, .run: break
        }
    }
}
