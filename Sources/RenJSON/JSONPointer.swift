/// A JSON Pointer (RFC 6901): the way from a value to one of its parts, such as `/nodes/0/retry`.
package struct JSONPointer: Sendable, Hashable {
    /// Keys and indexes from the outside in, as they are, without the escapes of the text form.
    package var tokens: [String]

    package init(_ tokens: [String] = []) {
        self.tokens = tokens
    }

    /// Parses the text form; nil when it neither is empty nor starts with `/`, or has a `~` without 0 or 1.
    package init?(parsing text: String) {
        self.init()
        guard !text.isEmpty else { return }
        guard text.utf8.first == UInt8(ascii: "/") else { return nil }
        for part in text.unicodeScalars.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let token = Self.unescape(part) else { return nil }
            tokens.append(token)
        }
    }

    private static func unescape(_ part: Substring.UnicodeScalarView) -> String? {
        var token = String.UnicodeScalarView()
        var rest = part
        while let scalar = rest.popFirst() {
            switch scalar {
            case "~":
                switch rest.popFirst() {
                case "0": token.append("~")
                case "1": token.append("/")
                default: return nil
                }
            default: token.append(scalar)
            }
        }
        return String(token)
    }

    package mutating func append(_ key: String) { tokens.append(key) }
    package mutating func append(_ index: Int) { tokens.append(String(index)) }

    package func appending(_ key: String) -> JSONPointer { JSONPointer(tokens + [key]) }
    package func appending(_ index: Int) -> JSONPointer { JSONPointer(tokens + [String(index)]) }

    /// The array index a token stands for: digits without superfluous zeros.
    static func index(_ token: String) -> Int? {
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return token.utf8.count > 1 && token.utf8.first == 0x30 ? nil : Int(token)
    }
}

extension JSONPointer: CustomStringConvertible {
    /// The text form; empty for the whole value.
    package var description: String {
        var text = ""
        for token in tokens {
            text += "/"
            for scalar in token.unicodeScalars {
                switch scalar {
                case "~": text += "~0"
                case "/": text += "~1"
                default: text.unicodeScalars.append(scalar)
                }
            }
        }
        return text
    }
}

extension JSON {
    /// The part a pointer leads to, or nil when there is none.
    package subscript(pointer: JSONPointer) -> JSON? {
        var value = self
        for token in pointer.tokens {
            let part: JSON? =
                if case .array = value { JSONPointer.index(token).flatMap { value[$0] } } else { value[token] }
            guard let part else { return nil }
            value = part
        }
        return value
    }
}

extension Located {
    /// The part a pointer leads to, or nil when there is none.
    package subscript(pointer: JSONPointer) -> Located? {
        var value = self
        for token in pointer.tokens {
            guard let part = value.part(token) else { return nil }
            value = part
        }
        return value
    }

    /// Where the part stands that a pointer leads to; when there is none, the nearest part around it.
    package func place(at pointer: JSONPointer) -> Place {
        var value = self
        for token in pointer.tokens {
            guard let part = value.part(token) else { break }
            value = part
        }
        return value.place
    }

    private func part(_ token: String) -> Located? {
        if case .array = value { JSONPointer.index(token).flatMap { self[$0] } } else { self[token] }
    }
}
