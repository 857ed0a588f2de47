import RenJSON

/// Shorthands for the schemas of bodies and answers.
extension JSON {
    /// What is sent to us: an object that has no other members.
    static func request(_ properties: JSONObject, required: [String] = []) -> JSON {
        var schema = members(properties, required: required).objectValue ?? [:]
        schema["additionalProperties"] = false
        return .object(schema)
    }

    /// What we send: an object of which all members are always there, but for `sometimes`.
    static func answer(_ properties: JSONObject, sometimes: JSONObject = [:]) -> JSON {
        var all = properties
        for member in sometimes { all[member.key] = member.value }
        return members(all, required: Array(properties.keys))
    }

    private static func members(_ properties: JSONObject, required: [String]) -> JSON {
        var schema: JSONObject = ["type": "object", "properties": .object(properties)]
        if !required.isEmpty { schema["required"] = .array(required.map(JSON.string)) }
        return .object(schema)
    }

    static func list(of schema: JSON) -> JSON { ["type": "array", "items": schema] }

    /// One page of a list.
    static func page(of schema: JSON) -> JSON {
        answer(["items": list(of: schema), "next": .textOrNull("where the list goes on"), "as_of": .count])
    }

    static func text(_ description: String) -> JSON { ["type": "string", "description": .string(description)] }
    static func textOrNull(_ description: String) -> JSON {
        ["type": ["string", "null"], "description": .string(description)]
    }
    static func map(of schema: JSON) -> JSON { ["type": "object", "additionalProperties": schema] }
    static let anything: JSON = [:]
    static let time: JSON = ["type": "string", "format": "date-time"]
    static let timeOrNull: JSON = ["type": ["string", "null"], "format": "date-time"]
    static let count: JSON = ["type": "integer", "minimum": 0]
    static let countOrNull: JSON = ["type": ["integer", "null"], "minimum": 0]
    static let flag: JSON = ["type": "boolean"]
    static let hash: JSON = ["type": "string", "pattern": "^[0-9a-f]{64}$"]
    static let hashOrNull: JSON = ["type": ["string", "null"], "pattern": "^[0-9a-f]{64}$"]

    /// Members of bodies that ask something of a run.
    static let by: JSON = [
        "type": "string", "minLength": 1, "maxLength": 100, "description": "who asks, for the journal",
    ]
    static let reason: JSON = [
        "type": "string", "maxLength": 1000, "description": "why; kept with the event",
    ]
}
