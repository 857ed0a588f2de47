import RenJSON

/// Makes schemas that name others as OpenAPI does (`#/components/schemas/Name`) into documents of their own.
struct RouteSchemas {
    private static let place = "#/components/schemas/"

    private let named: [String: JSON]

    init(_ named: [String: JSON]) { self.named = named }

    /// The schema that a reference means; any other schema as it is.
    func resolved(_ schema: JSON) -> JSON {
        guard let name = Self.name(in: schema) else { return schema }
        guard let target = named[name] else { preconditionFailure("no schema is named \(name)") }
        return target
    }

    /// - Precondition: the schema is one that `JSONSchema` takes.
    func compile(_ schema: JSON) -> JSONSchema {
        var definitions = JSONObject()
        var document = inlined(schema, &definitions)
        if !definitions.isEmpty, var object = document.objectValue {
            object["$defs"] = .object(definitions)
            document = .object(object)
        }
        do throws(SchemaErrors) {
            return try JSONSchema(compiling: document)
        } catch {
            preconditionFailure("a schema of a route cannot be used: \(error)\n\(schema.pretty)")
        }
    }

    private func inlined(_ schema: JSON, _ definitions: inout JSONObject) -> JSON {
        switch schema {
        case .array(let elements): return .array(elements.map { inlined($0, &definitions) })
        case .object(let object):
            if let name = Self.name(in: schema) {
                if definitions[name] == nil {
                    definitions[name] = .bool(true)  // so that one that names itself ends
                    definitions[name] = inlined(resolved(schema), &definitions)
                }
                return ["$ref": .string("#/$defs/\(name)")]
            }
            return .object(
                JSONObject(members: object.map { .init(key: $0.key, value: inlined($0.value, &definitions)) }))
        default: return schema
        }
    }

    private static func name(in schema: JSON) -> String? {
        guard let target = schema["$ref"]?.stringValue, target.hasPrefix(place) else { return nil }
        return String(target.dropFirst(place.count))
    }
}
