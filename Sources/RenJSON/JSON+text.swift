extension JSON {
    /// Compact text, members in written order: what ren stores and hashes as "written".
    public var compact: [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }

    /// Compact text, members in written order.
    public var text: String { String(decoding: compact, as: UTF8.self) }

    /// Text for people: two spaces per level, one member or element per line.
    public var pretty: String {
        var text: [UInt8] = []
        appendPretty(to: &text, indent: 0)
        return String(decoding: text, as: UTF8.self)
    }

    /// One text for all equal values, to be hashed: compact, keys sorted by UTF-16 code units as RFC 8785 does,
    /// a double that is an exact Int64 written as that integer (`1.0` as `1`), other doubles in shortest form.
    ///
    /// Unlike RFC 8785 integers are exact beyond 2^53, and exponents are written as Swift and Python do (`1e-07`).
    public var canonical: [UInt8] {
        var writer = JSONWriter()
        writer.value(canonicalized)
        return writer.bytes
    }

    /// The start of the compact text, at most 80 characters: for messages.
    package var excerpt: String {
        var writer = JSONWriter()
        appendStart(to: &writer)
        let text = String(decoding: writer.bytes, as: UTF8.self)
        return text.count > 80 ? text.prefix(79) + "…" : text
    }

    /// Writes no more than an excerpt can show, so that a message about a megabyte stays cheap.
    private func appendStart(to writer: inout JSONWriter) {
        let bytesMax = 400
        switch self {
        case .array(let elements):
            writer.beginArray()
            for element in elements.prefix(bytesMax) where writer.bytes.count < bytesMax {
                element.appendStart(to: &writer)
            }
            writer.endArray()
        case .object(let object):
            writer.beginObject()
            for member in object.prefix(bytesMax) where writer.bytes.count < bytesMax {
                writer.key(member.key)
                member.value.appendStart(to: &writer)
            }
            writer.endObject()
        case .string(let text):
            writer.string(text.utf8.count > bytesMax ? String(text.unicodeScalars.prefix(bytesMax)) : text)
        default:
            writer.value(self)
        }
    }

    private var canonicalized: JSON {
        switch self {
        case .double(let value):
            return Int64(exactly: value).map(JSON.integer) ?? self
        case .array(let elements):
            return .array(elements.map(\.canonicalized))
        case .object(let object):
            let sorted = object.members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
            let members = sorted.map { JSONObject.Member(key: $0.key, value: $0.value.canonicalized) }
            return .object(JSONObject(uniqueMembers: members))
        default:
            return self
        }
    }

    private func appendPretty(to text: inout [UInt8], indent: Int) {
        func breakLine(_ text: inout [UInt8], _ indent: Int) {
            text.append(UInt8(ascii: "\n"))
            text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * indent))
        }
        switch self {
        case .array(let elements) where !elements.isEmpty:
            for (index, element) in elements.enumerated() {
                text.append(UInt8(ascii: index == 0 ? "[" : ","))
                breakLine(&text, indent + 1)
                element.appendPretty(to: &text, indent: indent + 1)
            }
            breakLine(&text, indent)
            text.append(UInt8(ascii: "]"))
        case .object(let object) where !object.isEmpty:
            for (index, member) in object.enumerated() {
                text.append(UInt8(ascii: index == 0 ? "{" : ","))
                breakLine(&text, indent + 1)
                text.append(contentsOf: JSON.string(member.key).compact)
                text.append(contentsOf: ": ".utf8)
                member.value.appendPretty(to: &text, indent: indent + 1)
            }
            breakLine(&text, indent)
            text.append(UInt8(ascii: "}"))
        default:
            text.append(contentsOf: compact)
        }
    }
}
