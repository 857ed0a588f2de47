/// Turns a schema with places into numbered subschemas, and collects everything that is wrong with it.
struct SchemaCompiler {
    struct Location {
        var pointer: JSONPointer
        var place: Place
    }

    private(set) var nodes: [JSONSchema.Node] = []
    /// The subschemas with a `default`, to check it when all is known.
    private(set) var defaults: [(node: Int, location: Location)] = []
    var errors: [SchemaError] = []

    /// The subschema at each place where one may stand.
    private var nodesByPointer: [String: Int] = [:]
    private var references: [(node: Int, rule: Int, target: String, location: Location)] = []

    private static let annotations: Set<String> = [
        "title", "description", "examples", "format", "deprecated", "readOnly", "writeOnly", "$schema", "$id",
        "$comment",
    ]
    private static let keywords = [
        "type", "properties", "required", "additionalProperties", "items", "enum", "const", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
        "uniqueItems", "pattern", "default", "anyOf", "oneOf", "allOf", "$ref", "$defs",
    ]
    /// In draft 2020-12, but not in ren: told apart from misspelt ones.
    private static let unsupported: Set<String> = [
        "$anchor", "$dynamicAnchor", "$dynamicRef", "$vocabulary", "contains", "contentEncoding", "contentMediaType",
        "contentSchema", "definitions", "dependencies", "dependentRequired", "dependentSchemas", "else", "if",
        "maxContains", "maxProperties", "minContains", "minProperties", "not", "patternProperties", "prefixItems",
        "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
    ]

    mutating func compile(_ root: Located) {
        _ = node(root, JSONPointer())
        for reference in references { resolve(reference) }
        if errors.isEmpty { refuseEndlessReferences() }
    }

    /// Compiles one subschema and gives its number.
    private mutating func node(_ schema: Located, _ pointer: JSONPointer) -> Int {
        let number = nodes.count
        nodes.append(JSONSchema.Node())
        nodesByPointer[pointer.description] = number
        switch schema.value {
        case .bool(let accepts):
            if !accepts { nodes[number].rules.append(.never) }
        case .object(let members):
            for member in members {
                compile(
                    member, in: schema, node: number,
                    Location(pointer: pointer.appending(member.key), place: member.keyPlace))
            }
        default:
            fail("a schema must be an object, true or false", Location(pointer: pointer, place: schema.place))
        }
        return number
    }

    private mutating func compile(_ member: Located.Member, in schema: Located, node number: Int, _ location: Location)
    {
        let value = member.value
        let here = Location(pointer: location.pointer, place: value.place)
        var rule: SchemaRule?
        switch member.key {
        case "type": rule = types(value, here)
        case "enum": rule = elements(value, "values", here).map { .oneOfValues($0.map(\.json)) }
        case "const": rule = .constant(value.json)
        case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
            rule = numeric(value, here).map { .bound(SchemaBound(rawValue: member.key)!, $0) }
        case "multipleOf":
            rule = numeric(value, here).flatMap { divisor in
                if (divisor.doubleValue ?? 0) > 0 { return .multiple(of: divisor) }
                fail("must be greater than 0", here)
                return nil
            }
        case "minLength", "maxLength", "minItems", "maxItems":
            rule = length(value, here).map { .count(SchemaCount(rawValue: member.key)!, $0) }
        case "uniqueItems": rule = unique(value, here)
        case "pattern": rule = pattern(value, here)
        case "required": rule = required(value, here)
        case "properties": rule = properties(value, here).map { .properties($0) }
        case "additionalProperties":
            let declared: [String] = schema["properties"]?.members?.map(\.key) ?? []
            rule = .additional(node(value, here.pointer), declared: Set(declared.map(ExactString.init)))
        case "items": rule = .items(node(value, here.pointer))
        case "anyOf": rule = branches(value, here).map { .anyOf($0) }
        case "oneOf": rule = branches(value, here).map { .oneOf($0) }
        case "allOf": rule = branches(value, here).map { .allOf($0) }
        case "$ref":
            guard let target = text(value, here) else { return }
            references.append((number, nodes[number].rules.count, target, here))
            rule = .reference(number)  // until all subschemas are known
        case "$defs": _ = properties(value, here)
        case "default":
            nodes[number].defaultValue = value.json
            defaults.append((number, here))
        case let key where Self.annotations.contains(key): break
        case let key where Self.unsupported.contains(key):
            fail("the keyword \"\(key)\" is not supported", location, hint: key == "definitions" ? "write $defs" : nil)
        case let key:
            let near = nearest(to: key, in: Self.keywords + Self.annotations.sorted())
            fail("unknown keyword \(JSON.string(key).excerpt)", location, hint: near.map { "did you mean \"\($0)\"?" })
        }
        if let rule { nodes[number].rules.append(rule) }
    }

    // MARK: References

    private mutating func resolve(_ reference: (node: Int, rule: Int, target: String, location: Location)) {
        let target = reference.target
        guard target.utf8.first == UInt8(ascii: "#") else {
            return fail(
                "\(JSON.string(target).excerpt) leads out of the document", reference.location, hint: "start with #")
        }
        if let pointer = JSONPointer(parsing: String(target.dropFirst())),
            let node = nodesByPointer[pointer.description]
        {
            nodes[reference.node].rules[reference.rule] = .reference(node)
        } else {
            let known = nodesByPointer.keys.filter { $0.hasPrefix("/$defs/") }.map { "#" + $0 }.sorted()
            let near = nearest(to: target, in: known)
            fail(
                "no schema stands at \(JSON.string(target).excerpt)", reference.location,
                hint: near.map { "did you mean \"\($0)\"?" })
        }
    }

    /// A schema that leads back to itself without going into the value would be checked without end.
    private mutating func refuseEndlessReferences() {
        let next = nodes.map { $0.rules.flatMap(\.nodesOnSameValue) }
        for reference in references {
            guard case .reference(let target) = nodes[reference.node].rules[reference.rule] else { continue }
            var seen: Set<Int> = []
            var pending = [target]
            while let node = pending.popLast(), !seen.contains(reference.node) {
                if seen.insert(node).inserted { pending.append(contentsOf: next[node]) }
            }
            if seen.contains(reference.node) {
                fail("leads back to itself without going into the value", reference.location)
            }
        }
    }

    // MARK: Keyword values

    private mutating func types(_ value: Located, _ location: Location) -> SchemaRule? {
        var names = [value]
        if case .array(let elements) = value.value { names = elements }
        guard !names.isEmpty else {
            fail("must name at least one type", location)
            return nil
        }
        let types: [SchemaType] = names.compactMap { name in
            let known = SchemaType.allCases.map(\.rawValue)
            guard case .string(let text) = name.value else {
                fail("a type must be one of \(known.joined(separator: ", "))", location)
                return nil
            }
            if let type = SchemaType(rawValue: text) { return type }
            let hint = nearest(to: text, in: known).map { "did you mean \"\($0)\"?" }
            fail(
                "unknown type \(JSON.string(text).excerpt)", location,
                hint: hint ?? "one of \(known.joined(separator: ", "))")
            return nil
        }
        return .type(types)
    }

    private mutating func elements(_ value: Located, _ what: String, _ location: Location) -> [Located]? {
        if case .array(let elements) = value.value, !elements.isEmpty { return elements }
        fail("must be a list of at least one of the \(what)", location)
        return nil
    }

    private mutating func branches(_ value: Located, _ location: Location) -> [Int]? {
        elements(value, "schemas", location)?.enumerated().map { node($1, location.pointer.appending($0)) }
    }

    private mutating func properties(_ value: Located, _ location: Location) -> [SchemaRule.Property]? {
        guard let members = value.members else {
            fail("must be an object of schemas", location)
            return nil
        }
        return members.map {
            SchemaRule.Property(key: $0.key, node: node($0.value, location.pointer.appending($0.key)))
        }
    }

    private mutating func required(_ value: Located, _ location: Location) -> SchemaRule? {
        var keys: [String] = []
        if case .array(let elements) = value.value {
            for case .string(let key) in elements.map(\.value) { keys.append(key) }
            if keys.count == elements.count, Set(keys.map(ExactString.init)).count == keys.count {
                return .required(keys)
            }
        }
        fail("must be a list of different strings", location)
        return nil
    }

    private mutating func numeric(_ value: Located, _ location: Location) -> JSON? {
        switch value.value {
        case .integer, .double: return value.json
        default:
            fail("must be a number", location)
            return nil
        }
    }

    private mutating func length(_ value: Located, _ location: Location) -> Int? {
        if let count = value.json.integerValue, count >= 0 { return Int(count) }
        fail("must be an integer of at least 0", location)
        return nil
    }

    private mutating func text(_ value: Located, _ location: Location) -> String? {
        if case .string(let text) = value.value { return text }
        fail("must be a string", location)
        return nil
    }

    private mutating func unique(_ value: Located, _ location: Location) -> SchemaRule? {
        if case .bool(let isUnique) = value.value { return isUnique ? .unique : nil }
        fail("must be true or false", location)
        return nil
    }

    private mutating func pattern(_ value: Located, _ location: Location) -> SchemaRule? {
        guard let source = text(value, location) else { return nil }
        do throws(PatternError) {
            return .pattern(try Pattern(source))
        } catch {
            fail("the pattern cannot be used: \(error.message)", location)
            return nil
        }
    }

    private mutating func fail(_ message: String, _ location: Location, hint: String? = nil) {
        errors.append(
            SchemaError(pointer: location.pointer, message: message, hint: hint, place: location.place))
    }
}

extension Located {
    fileprivate var members: [Member]? { if case .object(let members) = value { members } else { nil } }
}
