/// A JSON Schema, checked and ready: the part of draft 2020-12 that flow inputs and function signatures need.
///
/// Keywords: `type`, `properties`, `required`, `additionalProperties`, `items`, `enum`, `const`, `minimum`, `maximum`,
/// `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf`, `minLength`, `maxLength`, `minItems`, `maxItems`, `uniqueItems`,
/// `pattern`, `default`, `anyOf`, `oneOf`, `allOf`, `$ref` (within the document) and `$defs`; annotations are taken and
/// not looked at. Any other keyword is an error, since a rule that is not checked is worse than one refused.
package struct JSONSchema: Sendable {
    /// The rules of one subschema; subschemas name each other by number, so that they may recur.
    struct Node: Sendable {
        var rules: [SchemaRule] = []
        var defaultValue: JSON?
    }

    /// The root is the first.
    let nodes: [Node]

    /// - Throws: everything wrong with the schema at once, with places.
    package init(compiling schema: Located) throws(SchemaErrors) {
        var compiler = SchemaCompiler()
        compiler.compile(schema)
        nodes = compiler.nodes
        for (node, location) in compiler.defaults where compiler.errors.isEmpty {
            for violation in validate(nodes[node].defaultValue!, from: node) {
                compiler.errors.append(
                    SchemaError(
                        pointer: location.pointer, message: "the default does not fit: \(violation)", hint: nil,
                        place: location.place))
            }
        }
        guard compiler.errors.isEmpty else { throw SchemaErrors(all: compiler.errors) }
    }

    /// - Throws: everything wrong with the schema at once, without places.
    package init(compiling schema: JSON) throws(SchemaErrors) {
        do throws(SchemaErrors) {
            try self.init(compiling: Located(json: schema, at: Place(line: 1, column: 1, offset: 0)))
        } catch {
            var errors = error
            for index in errors.all.indices { errors.all[index].place = nil }
            throw errors
        }
    }

    /// What does not fit, in the order of the schema's keywords; empty when all fits. At most 100 are told.
    package func validate(_ json: JSON) -> [SchemaViolation] {
        validate(json, from: 0)
    }

    private func validate(_ json: JSON, from node: Int) -> [SchemaViolation] {
        var checker = SchemaChecker(nodes: nodes)
        return checker.violations(of: json, from: node)
    }

    /// The value with the `default` of every member that is missing in an object, in the order of `properties`.
    ///
    /// Goes through `properties`, `additionalProperties`, `items`, `allOf` and `$ref`, not into `anyOf` and `oneOf`,
    /// where the right branch is not known, nor into a default itself. The value need not fit the schema.
    package func fillingDefaults(in json: JSON) -> JSON {
        var filler = SchemaFiller(nodes: nodes)
        return filler.filled(json, 0)
    }
}

/// All that is wrong with a schema.
package struct SchemaErrors: Error, Sendable, Equatable {
    package var all: [SchemaError]

    package init(all: [SchemaError]) {
        self.all = all
    }
}

/// One thing that is wrong with a schema.
package struct SchemaError: Sendable, Equatable {
    /// Where in the schema.
    package var pointer: JSONPointer
    package var message: String
    /// What to do, such as "did you mean \"required\"?".
    package var hint: String?
    /// Nil when the schema came without places.
    package var place: Place?

    package init(pointer: JSONPointer, message: String, hint: String? = nil, place: Place? = nil) {
        self.pointer = pointer
        self.message = message
        self.hint = hint
        self.place = place
    }
}

extension SchemaErrors: CustomStringConvertible {
    package var description: String { all.map(\.description).joined(separator: "\n") }
}

extension SchemaError: CustomStringConvertible {
    package var description: String {
        (pointer.tokens.isEmpty ? "" : "\(pointer): ") + message + (hint.map { "; \($0)" } ?? "")
    }
}

/// Where a value does not fit its schema, and why.
package struct SchemaViolation: Sendable, Equatable {
    /// Where in the value.
    package var pointer: JSONPointer
    package var message: String
}

extension SchemaViolation: CustomStringConvertible {
    /// `/limit: 0 is less than the minimum 1`; about the whole value the message alone.
    package var description: String { (pointer.tokens.isEmpty ? "" : "\(pointer): ") + message }
}
