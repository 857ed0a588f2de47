/// Appends JSON text to bytes, piece by piece or whole values; commas are set by themselves.
///
/// The pieces must come in an order that makes JSON (a field only in an object, one value per field).
package struct JSONWriter: Sendable {
    package var bytes: [UInt8] = []
    /// A double that is not finite was met, and `null` written for it: the text does not say what was meant.
    package private(set) var hasNonFinite = false
    private var needsComma = false

    package init() {}

    package init(reservingCapacity capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    // MARK: Structure

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    /// The key of the next value.
    package mutating func key(_ key: String) {
        string(key)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    private mutating func open(_ bracket: UInt8) {
        beginValue()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    @inline(__always)
    private mutating func beginValue() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    // MARK: Values

    /// Compact, members in written order.
    package mutating func value(_ json: JSON) {
        switch json {
        case .null: null()
        case .bool(let value): bool(value)
        case .integer(let value): integer(value)
        case .double(let value): double(value)
        case .string(let value): string(value)
        case .array(let elements):
            beginArray()
            for element in elements { value(element) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object.members {
                key(member.key)
                value(member.value)
            }
            endObject()
        }
    }

    package mutating func null() {
        beginValue()
        append("null")
    }

    package mutating func bool(_ value: Bool) {
        beginValue()
        append(value ? "true" : "false")
    }

    package mutating func integer(_ value: some FixedWidthInteger) {
        beginValue()
        appendDigits(Int64(value))
    }

    /// The shortest text that reads back as the same double; it always has a point or an exponent.
    package mutating func double(_ value: Double) {
        beginValue()
        guard value.isFinite else {
            hasNonFinite = true
            return append("null")
        }
        bytes.append(contentsOf: value.description.utf8)
    }

    package mutating func string(_ value: String) {
        beginValue()
        bytes.append(UInt8(ascii: "\""))
        var value = value
        value.withUTF8 { appendEscaped($0) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Text that is known to be one JSON value, such as a stored payload.
    package mutating func raw(_ json: some Collection<UInt8>) {
        beginValue()
        bytes.append(contentsOf: json)
    }

    // MARK: Fields

    package mutating func field(_ key: String, _ value: String) {
        self.key(key)
        string(value)
    }

    package mutating func field(_ key: String, _ value: some FixedWidthInteger) {
        self.key(key)
        integer(value)
    }

    package mutating func field(_ key: String, _ value: Bool) {
        self.key(key)
        bool(value)
    }

    package mutating func field(_ key: String, _ value: JSON) {
        self.key(key)
        self.value(value)
    }

    // MARK: Bytes

    private mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func appendDigits(_ value: Int64) {
        if value >= 0, value < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(value)) }
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        var rest = value.magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    private mutating func appendEscaped(_ text: UnsafeBufferPointer<UInt8>) {
        guard let base = text.baseAddress else { return }
        var plainStart = 0
        var at = 0
        while at < text.count {
            if at + 8 <= text.count {
                let marks = marksOfSpecialBytes(word(at: base + at))
                guard marks != 0 else {
                    at += 8
                    continue
                }
                at += marks.trailingZeroBitCount / 8
            }
            let byte = base[at]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                bytes.append(contentsOf: text[plainStart..<at])
                appendEscape(byte)
                plainStart = at + 1
            }
            at += 1
        }
        bytes.append(contentsOf: text[plainStart...])
    }

    private mutating func appendEscape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case 0x0A: append("\\n")
        case 0x09: append("\\t")
        case 0x0D: append("\\r")
        case 0x08: append("\\b")
        case 0x0C: append("\\f")
        default:
            append(byte < 0x10 ? "\\u000" : "\\u001")
            bytes.append(Array("0123456789abcdef".utf8)[Int(byte & 0xF)])
        }
    }
}
