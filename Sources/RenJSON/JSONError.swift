/// Why a text is not the JSON that was wanted, and where.
public struct JSONError: Error, Sendable, Hashable {
    public enum Code: String, Sendable {
        case syntax = "json.syntax"
        /// Good JSON of another kind than wanted, such as a number where an object must stand.
        case shape = "json.shape"
        case tooDeep = "json.too_deep"
        case duplicateKey = "json.duplicate_key"
        case number = "json.number"
        case string = "json.string"
        case encoding = "json.encoding"
        case tooManyItems = "json.too_many_items"
    }

    public var code: Code
    /// One sentence; holds at most 200 characters of the input.
    public var message: String
    public var place: Place

    public init(_ code: Code, _ message: String, at place: Place) {
        self.code = code
        self.message = message
        self.place = place
    }
}

extension JSONError: CustomStringConvertible {
    public var description: String {
        "\(code.rawValue) at line \(place.line), column \(place.column) (byte \(place.offset)): \(message)"
    }
}

/// What a parser takes before it refuses.
public struct JSONLimits: Sendable, Hashable {
    /// How many arrays and objects may stand inside each other.
    public var maxDepth: Int
    /// How many values the text may hold, nested ones included; nil for no limit but the size of the text.
    public var maxNodes: Int?

    /// - Precondition: the depth is 1...64, since the parser and every reader of its values work recursively.
    public init(maxDepth: Int = 64, maxNodes: Int?) {
        precondition((1...64).contains(maxDepth), "depth limit \(maxDepth) is outside 1...64")
        self.maxDepth = maxDepth
        self.maxNodes = maxNodes
    }

    /// Flow files and request bodies: 100,000 values.
    public static let document = JSONLimits(maxNodes: 100_000)
    /// Worker payloads, which are limited by their size in bytes alone.
    public static let payload = JSONLimits(maxNodes: nil)
}
