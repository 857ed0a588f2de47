import RenJSON

/// Data that shows the shape of what a pause's form asks for; a person puts the real values in.
enum FormSample {
    private static let depthMax = 4

    static func value(for schema: JSON, depth: Int = 0) -> JSON {
        if let fixed = schema["const"] ?? schema["default"] ?? schema["enum"]?[0] { return fixed }
        let type = schema["type"].map { $0[0] ?? $0 }?.stringValue
        switch type {
        case "object": return depth < depthMax ? object(schema, depth) : [:]
        case "array": return schema["items"].map { depth < depthMax ? [value(for: $0, depth: depth + 1)] : [] } ?? []
        case "boolean": return true
        case "integer", "number": return schema["minimum"] ?? 0
        case "null": return .null
        default: return schema["properties"] == nil ? "…" : object(schema, depth)
        }
    }

    /// What is required, else all that is declared.
    private static func object(_ schema: JSON, _ depth: Int) -> JSON {
        let required = schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let declared = schema["properties"]?.objectValue.map { Array($0.keys) } ?? []
        var object = JSONObject()
        for key in required.isEmpty ? declared : required {
            object[key] = value(for: schema["properties"]?[key] ?? [:], depth: depth + 1)
        }
        return .object(object)
    }
}
