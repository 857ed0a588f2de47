/// One thing that a subschema asks of a value; numbers are those of subschemas.
enum SchemaRule: Sendable {
    case never
    case type([SchemaType])
    case oneOfValues([JSON])
    case constant(JSON)
    case bound(SchemaBound, JSON)
    case multiple(of: JSON)
    case count(SchemaCount, Int)
    case unique
    case pattern(Pattern)
    case required([String])
    case properties([Property])
    /// Members that are not declared.
    case additional(Int, declared: Set<ExactString>)
    case items(Int)
    case anyOf([Int])
    case oneOf([Int])
    case allOf([Int])
    case reference(Int)

    struct Property: Sendable {
        var key: String
        var node: Int
    }

    /// The subschemas that look at the same value, not at a part of it.
    var nodesOnSameValue: [Int] {
        switch self {
        case .anyOf(let nodes), .oneOf(let nodes), .allOf(let nodes): nodes
        case .reference(let node): [node]
        default: []
        }
    }
}

enum SchemaType: String, CaseIterable, Sendable {
    case null, boolean, integer, number, string, array, object

    /// An integral double is an integer too, as draft 2020-12 says.
    func accepts(_ value: JSON) -> Bool {
        switch (self, value) {
        case (.null, .null), (.boolean, .bool), (.integer, .integer), (.number, .integer), (.number, .double),
            (.string, .string), (.array, .array), (.object, .object):
            true
        case (.integer, .double(let value)): value == value.rounded()
        default: false
        }
    }
}

enum SchemaBound: String, Sendable {
    case minimum, maximum, exclusiveMinimum, exclusiveMaximum
}

enum SchemaCount: String, Sendable {
    case minLength, maxLength, minItems, maxItems
}
