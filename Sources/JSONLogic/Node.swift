import RenJSON

/// A part of a compiled rule.
final class Node: Sendable {
    enum Kind: Sendable {
        case literal(JSON)
        /// A list that is no operator's argument list.
        case list([Node])
        case lookup(Lookup)
        case exists(Lookup)
        case missing(Arguments)
        case missingSome(Arguments)
        case choice([Node])
        case junction(Junction, Arguments)
        case compare(Comparison, [Node])
        case iterate(Iteration, list: Node, step: Node)
        case reduce(list: Node, step: Node, initial: Node?)
        case attempt([Node])
        case object([(key: String, value: Node)])
        case call(Function, Arguments)
        /// Arguments of a wrong shape: fails when it is evaluated, so that `try` can catch it.
        case invalid(String)
    }

    let kind: Kind
    /// The operator as written; empty for literals and lists.
    let name: String
    /// Where it stands in the rule, as RFC 6901 text.
    let pointer: String

    init(_ kind: Kind, name: String = "", at pointer: String) {
        self.kind = kind
        self.name = name
        self.pointer = pointer
    }

    var literal: JSON? { if case .literal(let value) = kind { value } else { nil } }

    /// Reads a value that may not be there, and then is null.
    var isPlainLookup: Bool { if case .lookup(let lookup) = kind { lookup.fallback == nil } else { false } }
}

/// The arguments of an operator.
enum Arguments: Sendable {
    /// Written one by one.
    case list([Node])
    /// One expression: the list it gives is the arguments, any other value is the only one.
    case spread(Node)
}

/// What `var`, `val` and `exists` read.
struct Lookup: Sendable {
    enum Path: Sendable {
        case constant([PathKey])
        /// An expression that gives the dotted path of a `var`.
        case dotted(Node)
        /// The keys of a `val` one by one, some of them expressions.
        case keys([Node])
        /// An expression that gives the key, or the list of keys, of a `val`.
        case keyList(Node)
    }

    var path: Path
    /// How many scopes up to go first; 0 is the current one.
    var climb = 0
    /// The second argument of `var`.
    var fallback: Node?
}

/// One step into a value: the member of an object, or the element of a list when the text is an index.
struct PathKey: Sendable, Hashable {
    let text: String
    let index: Int?

    init(_ text: String) {
        self.text = text
        let isIndex = (1...9).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        // "01" is no index: it is not how one is written.
        index = isIndex && (text.utf8.count == 1 || text.utf8.first != 0x30) ? Int(text) : nil
    }

    /// Nil for a list or an object, which are no keys.
    init?(_ value: JSON) {
        switch value {
        case .string(let text): self.init(text)
        case .integer(let integer): self.init(String(integer))
        case .double(let double): self.init(numberText(double))
        case .bool(let bool): self.init(bool ? "true" : "false")
        case .null, .array, .object: return nil
        }
    }

    /// The keys of a dotted path: `a.b`; `a\.b` is one key with a dot in it.
    ///
    /// A path of dots alone has as many empty keys as dots; other dots at the ends are empty keys too.
    static func keys(dotted text: String) -> [PathKey] {
        let (dot, backslash) = (UInt8(ascii: "."), UInt8(ascii: "\\"))
        var keys: [PathKey] = []
        var key: [UInt8] = []
        var isEscaped = false
        for byte in text.utf8 {
            switch byte {
            case backslash where !isEscaped:
                isEscaped = true
                continue
            case dot where !isEscaped:
                keys.append(PathKey(String(decoding: key, as: UTF8.self)))
                key = []
            default:
                if isEscaped, byte != dot, byte != backslash { key.append(backslash) }
                key.append(byte)
            }
            isEscaped = false
        }
        if isEscaped { key.append(backslash) }
        if keys.count < text.utf8.count { keys.append(PathKey(String(decoding: key, as: UTF8.self))) }
        return keys
    }
}
