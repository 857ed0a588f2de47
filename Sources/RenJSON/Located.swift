/// A JSON value whose every part knows its place: what flow files and other text from a person are decoded from.
package struct Located: Sendable {
    package indirect enum Value: Sendable {
        case null
        case bool(Bool)
        case integer(Int64)
        case double(Double)
        case string(String)
        case array([Located])
        case object([Member])
    }

    package struct Member: Sendable {
        package var key: String
        package var keyPlace: Place
        package var value: Located

        package init(key: String, keyPlace: Place, value: Located) {
            self.key = key
            self.keyPlace = keyPlace
            self.value = value
        }
    }

    package var value: Value
    package var place: Place

    package init(_ value: Value, at place: Place) {
        self.value = value
        self.place = place
    }
}

extension Located {
    /// Parses one JSON text, strictly by RFC 8259, and remembers where everything stands.
    package init(parsing bytes: some Collection<UInt8>, limits: JSONLimits = .document) throws(JSONError) {
        self = try withBuffer(bytes) { buffer throws(JSONError) in
            var scanner = JSONScanner(buffer, limits: limits, builder: LocatedBuilder(buffer))
            return try scanner.document()
        }
    }

    /// Parses one JSON text, strictly by RFC 8259, and remembers where everything stands.
    package init(parsing text: String, limits: JSONLimits = .document) throws(JSONError) {
        try self.init(parsing: text.utf8, limits: limits)
    }

    /// The same place for every part: for values that come from elsewhere than a text.
    package init(json: JSON, at place: Place) {
        let value: Value =
            switch json {
            case .null: .null
            case .bool(let value): .bool(value)
            case .integer(let value): .integer(value)
            case .double(let value): .double(value)
            case .string(let value): .string(value)
            case .array(let elements): .array(elements.map { Located(json: $0, at: place) })
            case .object(let object):
                .object(
                    object.map { Member(key: $0.key, keyPlace: place, value: Located(json: $0.value, at: place)) })
            }
        self.init(value, at: place)
    }

    /// The value without places.
    ///
    /// - Precondition: no key stands twice in an object; the parsers refuse that.
    package var json: JSON {
        switch value {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let value): .integer(value)
        case .double(let value): .double(value)
        case .string(let value): .string(value)
        case .array(let elements): .array(elements.map(\.json))
        case .object(let members):
            .object(JSONObject(members: members.map { JSONObject.Member(key: $0.key, value: $0.value.json) }))
        }
    }

    package var typeName: String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// The value of the member with this key; nil also when this is no object.
    package subscript(key: String) -> Located? {
        guard case .object(let members) = value else { return nil }
        let key = ExactString(key)
        return members.first { ExactString($0.key) == key }?.value
    }

    /// The element at this index; nil also when this is no array or the index is outside of it.
    package subscript(index: Int) -> Located? {
        guard case .array(let elements) = value, elements.indices.contains(index) else { return nil }
        return elements[index]
    }
}
