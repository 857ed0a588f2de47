// A JSON value written as a Swift literal: `["limit": 10, "names": ["a", nil]]`.

extension JSON: ExpressibleByNilLiteral {
    public init(nilLiteral: ()) { self = .null }
}

extension JSON: ExpressibleByBooleanLiteral {
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSON: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int64) { self = .integer(value) }
}

extension JSON: ExpressibleByFloatLiteral {
    public init(floatLiteral value: Double) { self = .double(value) }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    public init(stringLiteral value: String) { self = .string(value) }
}

extension JSON: ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
}

extension JSON: ExpressibleByDictionaryLiteral {
    /// - Precondition: no key stands twice.
    public init(dictionaryLiteral members: (String, JSON)...) {
        self = .object(JSONObject(members: members.map { JSONObject.Member(key: $0, value: $1) }))
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// - Precondition: no key stands twice.
    public init(dictionaryLiteral members: (String, JSON)...) {
        self.init(members: members.map { Member(key: $0, value: $1) })
    }
}
