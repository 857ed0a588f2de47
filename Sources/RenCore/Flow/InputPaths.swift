import RenJSON

/// Whether a path into the run's input can ever lead to something, by the flow's own `input` schema.
struct InputPaths {
    enum Finding: Equatable {
        case resolves
        /// An open schema permits it without naming it; the names it has.
        case undeclared([String])
        /// The names that would have been possible.
        case never([String])
    }

    private let schema: JSON

    init(schema: JSON) {
        self.schema = schema
    }

    /// Whether a member of the input is required or has a default.
    func isAlwaysThere(_ path: [String]) -> Bool {
        guard path.count == 1 else { return false }
        let isRequired = schema["required"]?.arrayValue?.contains(.string(path[0])) ?? false
        return isRequired || schema["properties"]?[path[0]]?["default"] != nil
    }

    func finding(_ path: [String]) -> Finding {
        finding(path[...], schema, references: 0)
    }

    private func finding(_ path: ArraySlice<String>, _ schema: JSON, references: Int) -> Finding {
        guard let name = path.first else { return .resolves }
        if schema.boolValue == false { return .never([]) }
        guard let schema = schema.objectValue else { return .resolves }
        if let target = schema["$ref"]?.stringValue {
            // A reference that leads nowhere is an error of the schema itself; a ring of them ends here.
            guard references < 16, target.hasPrefix("#"),
                let pointer = JSONPointer(parsing: String(target.dropFirst())),
                let next = self.schema[pointer]
            else { return .resolves }
            return finding(path, next, references: references + 1)
        }
        if ["anyOf", "oneOf", "allOf"].contains(where: { schema[$0] != nil }) { return .resolves }
        let types = schema["type"]?.arrayValue?.compactMap(\.stringValue) ?? schema["type"]?.stringValue.map { [$0] }
        if types?.contains("array") ?? true, name.utf8.allSatisfy({ (0x30...0x39).contains($0) }), !name.isEmpty {
            return finding(path.dropFirst(), schema["items"] ?? true, references: 0)
        }
        guard types?.contains("object") ?? true else { return .never([]) }
        let properties = schema["properties"]?.objectValue ?? JSONObject()
        if let property = properties[name] { return finding(path.dropFirst(), property, references: 0) }
        switch schema["additionalProperties"] {
        case .bool(false)?: return .never(Array(properties.keys))
        case .object?: return finding(path.dropFirst(), schema["additionalProperties"] ?? true, references: 0)
        default: return properties.isEmpty ? .resolves : .undeclared(Array(properties.keys))
        }
    }
}
