/// Puts defaults into one value.
struct SchemaFiller {
    /// As in `SchemaChecker`: beyond this the rest is left as it is, and the check tells that the schema is at fault.
    private static let stepsMax = 10_000_000

    private let nodes: [JSONSchema.Node]
    private var steps = 0

    init(nodes: [JSONSchema.Node]) {
        self.nodes = nodes
    }

    mutating func filled(_ value: JSON, _ node: Int) -> JSON {
        steps += 1
        guard steps <= Self.stepsMax else { return value }
        var value = value
        for rule in nodes[node].rules {
            switch (rule, value) {
            case (.properties(let properties), .object(var object)):
                for property in properties {
                    if let member = object[property.key] {
                        object[property.key] = filled(member, property.node)
                    } else if let missing = defaultValue(property.node) {
                        object[property.key] = missing
                    }
                }
                value = .object(object)
            case (.additional(let node, let declared), .object(var object)):
                for member in object where !declared.contains(ExactString(member.key)) {
                    object[member.key] = filled(member.value, node)
                }
                value = .object(object)
            case (.items(let node), .array(let elements)):
                value = .array(elements.map { filled($0, node) })
            case (.allOf(let branches), _):
                for branch in branches { value = filled(value, branch) }
            case (.reference(let node), _):
                value = filled(value, node)
            default: break
            }
        }
        return value
    }

    /// The default of a subschema, or of the one it refers to.
    private func defaultValue(_ node: Int) -> JSON? {
        if let value = nodes[node].defaultValue { return value }
        for case .reference(let target) in nodes[node].rules {
            if let value = defaultValue(target) { return value }
        }
        return nil
    }
}
