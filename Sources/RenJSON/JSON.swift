/// A JSON value: 64-bit integers are exact, object members keep their written order.
///
/// An integer outside Int64 is refused by the parser with `json.number` rather than rounded; write it as text.
/// A number written with a fraction or an exponent is a `double` and is always finite; so is `-0`, which an integer
/// cannot hold. Equality is JSON equality: numbers by value (`1 == 1.0`), objects without regard to member order,
/// strings by their Unicode scalars (`e` + accent is not `é`: Python and JavaScript tell them apart too).
public enum JSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

extension JSON {
    /// Parses one JSON text, strictly by RFC 8259.
    ///
    /// - Throws: any `json.*` code except `json.shape`, with the place.
    public init(parsing bytes: some Collection<UInt8>, limits: JSONLimits = .document) throws(JSONError) {
        self = try withBuffer(bytes) { buffer throws(JSONError) in try JSON(parsing: buffer, limits: limits) }
    }

    /// Parses one JSON text, strictly by RFC 8259.
    public init(parsing text: String, limits: JSONLimits = .document) throws(JSONError) {
        try self.init(parsing: text.utf8, limits: limits)
    }

    /// Parses bytes that stay valid during the call; nothing of them is kept.
    public init(parsing buffer: UnsafeBufferPointer<UInt8>, limits: JSONLimits = .document) throws(JSONError) {
        var scanner = JSONScanner(buffer, limits: limits, builder: TreeBuilder())
        self = try scanner.document()
    }
}

extension JSON {
    public var isNull: Bool { if case .null = self { true } else { false } }

    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The integer, also when it was written as a double of the same value (`2.0`).
    public var integerValue: Int64? {
        switch self {
        case .integer(let value): value
        case .double(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// The number as a double; an integer beyond 2^53 is rounded.
    public var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }

    public var arrayValue: [JSON]? { if case .array(let value) = self { value } else { nil } }

    public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// The member with this key; nil also when this is no object.
    public subscript(key: String) -> JSON? { objectValue?[key] }

    /// The element at this index; nil also when this is no array or the index is outside of it.
    public subscript(index: Int) -> JSON? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The name of the JSON type, for messages: `null`, `boolean`, `integer`, `number`, `string`, `array`, `object`.
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

extension JSON: Hashable {
    public static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.integer(let left), .double(let right)): left == Int64(exactly: right)
        case (.double(let left), .integer(let right)): Int64(exactly: left) == right
        case (.string(let left), .string(let right)): ExactString(left) == ExactString(right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        case .double(let value):
            if let integer = Int64(exactly: value) { hasher.combine(integer) } else { hasher.combine(value) }
        case .string(let value): hasher.combine(ExactString(value))
        case .array(let value): hasher.combine(value)
        case .object(let value): hasher.combine(value)
        }
    }
}

extension JSON: CustomStringConvertible {
    /// The compact text.
    public var description: String { text }
}
