import RenJSON
import RenYAML
import Testing

@Suite("Properties", .timeLimit(.minutes(2)))
struct PropertyTests {
    @Test("A JSON value written as block YAML is read back equal", arguments: 1...8 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        for round in 0..<250 {
            let value = JSON.random(depth: 4, using: &generator)
            let yaml = BlockWriter.write(value, using: &generator)
            let read = try YAML.parseOne(Array(yaml.utf8)).json
            #expect(read.text == value.text, "seed \(seed), round \(round):\n\(yaml)")
        }
    }

    @Test("JSON text is YAML", arguments: 11...14 as ClosedRange<UInt64>)
    func jsonIsYAML(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        for round in 0..<250 {
            let value = JSON.random(depth: 4, using: &generator)
            for text in [value.text, value.pretty] {
                let read = try YAML.parseOne(Array(text.utf8)).json
                #expect(read.text == value.text, "seed \(seed), round \(round):\n\(text)")
            }
        }
    }

    /// Each text is read or refused with places inside of it; what is read can be written and read again.
    @Test("Mutated texts never trap", arguments: 21...30 as ClosedRange<UInt64>)
    func mutations(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let pieces = [
            " ", "  ", "\n", "\n  ", "\t", "- ", ": ", ":", "#", " # ", "\"", "'", "[", "]", "{", "}", ",", "|\n",
            ">-\n",
            "\n\n", "? ", "&a ", "*a", "!t ", "<<: ", "\n---\n", "\n...\n", "%", "\\", "\\u", "\r", "é", "\u{0}", "~",
            "9",
        ]
        for round in 0..<1_000 {
            var bytes = Array(
                round % 4 == 0
                    ? productsFlow.utf8
                    : BlockWriter.write(JSON.random(depth: 4, using: &generator), using: &generator).utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let at = Int.random(in: 0...bytes.count, using: &generator)
                let end = min(bytes.count, at + Int.random(in: 0...12, using: &generator))
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes.removeSubrange(at..<end)
                case 1:
                    bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &generator))
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: at)
                default: bytes.insert(contentsOf: pieces.randomElement(using: &generator)!.utf8, at: at)
                }
            }
            do {
                for document in try YAML.parse(bytes) {
                    let yaml = BlockWriter.write(document.json, using: &generator)
                    let again = try YAML.parseOne(Array(yaml.utf8)).json
                    #expect(again.text == document.json.text, "seed \(seed), round \(round):\n\(yaml)")
                }
            } catch {
                for error in error.errors {
                    let isInside = (0...bytes.count).contains(error.place.offset)
                    #expect(
                        isInside && error.place.line >= 1 && error.place.column >= 1, "seed \(seed), round \(round)")
                    #expect(!error.message.isEmpty && !error.hint.isEmpty)
                }
            }
        }
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension JSON {
    static func random(depth: Int, using generator: inout SplitMix64) -> JSON {
        switch Int.random(in: 0..<(depth > 0 ? 10 : 6), using: &generator) {
        case 0: return [.null, .bool(true), .bool(false)].randomElement(using: &generator)!
        case 1: return .integer(Int64(bitPattern: generator.next()) >> Int64.random(in: 0...63, using: &generator))
        case 2: return .double(Double.random(in: -1e9...1e9, using: &generator))
        case 3, 4, 5: return .string(randomText(using: &generator))
        case 6, 7:
            let count = Int.random(in: 0...4, using: &generator)
            return .array((0..<count).map { _ in random(depth: depth - 1, using: &generator) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                object[randomText(using: &generator)] = random(depth: depth - 1, using: &generator)
            }
            return .object(object)
        }
    }

    private static func randomText(using generator: inout SplitMix64) -> String {
        let pieces = [
            "a", "word", " ", "  ", "\n", "\n\n", "\t", ": ", ":", " #", "- ", "-", "'", "\"", "\\", "{", "}", "[", "]",
            ",",
            "~", "null", "true", "12", "1e3", ".5", "é", "😀", "&", "*", "!", "|", ">", "%", "@", "?", "---", "...",
            "<<",
        ]
        let count = Int.random(in: 0...5, using: &generator)
        return (0..<count).map { _ in pieces.randomElement(using: &generator)! }.joined()
    }
}

/// Writes JSON as a person may write YAML: block maps and lists of several layouts, every style of text.
enum BlockWriter {
    static func write(_ value: JSON, using generator: inout SplitMix64) -> String {
        let isNested = value.arrayValue?.isEmpty == false || value.objectValue?.isEmpty == false
        return isNested ? block(value, at: 0, using: &generator) : inline(value, under: 0, using: &generator) + "\n"
    }

    /// The lines of a map or list that is not empty, each after `column` spaces.
    private static func block(_ value: JSON, at column: Int, using generator: inout SplitMix64) -> String {
        let spaces = String(repeating: " ", count: column)
        var lines = ""
        if case .array(let items) = value {
            for item in items { lines += spaces + "-" + entry(item, under: column, isItem: true, using: &generator) }
        } else if case .object(let object) = value {
            for member in object.members {
                let key = isSafe(member.key) && Bool.random(using: &generator) ? member.key : quoted(member.key)
                lines += spaces + key + ":" + entry(member.value, under: column, isItem: false, using: &generator)
            }
        }
        return lines
    }

    /// What stands behind `-` or `key:`, with the break at its end.
    private static func entry(
        _ value: JSON, under column: Int, isItem: Bool, using generator: inout SplitMix64
    ) -> String {
        let isList = value.arrayValue?.isEmpty == false
        guard isList || value.objectValue?.isEmpty == false, Int.random(in: 0..<5, using: &generator) > 0 else {
            return " " + inline(value, under: column, using: &generator) + "\n"
        }
        let comment = Bool.random(using: &generator) ? " # a: comment\n\n" : "\n"
        if isItem {
            // Compact: the first line stands behind the dash.
            let lines = block(value, at: column + 2, using: &generator)
            return Bool.random(using: &generator) ? " " + lines.dropFirst(column + 2) : comment + lines
        }
        let step = isList ? Int.random(in: 0...3, using: &generator) : Int.random(in: 1...4, using: &generator)
        return comment + block(value, at: column + step, using: &generator)
    }

    /// A scalar, or a map or list as JSON.
    private static func inline(_ value: JSON, under column: Int, using generator: inout SplitMix64) -> String {
        guard case .string(let text) = value else { return value.text }
        let hasText = text.contains { $0 != "\n" }
        switch Int.random(in: 0..<4, using: &generator) {
        case 0 where isSafe(text): return text
        case 1 where !text.unicodeScalars.contains { $0.value < 0x20 || isControl($0) }:
            return "'" + text.replacing("'", with: "''") + "'"
        case 2 where hasText && !text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || isControl($0) }:
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let indent = String(repeating: " ", count: column + 2)
            // The last piece of a text that ends in a break is no line: `+` keeps all breaks, `-` takes the one there is.
            let isKept = text.last == "\n"
            let written = isKept ? lines.dropLast() : lines[...]
            return (isKept ? "|2+\n" : "|2-\n") + written.map { indent + $0 }.joined(separator: "\n")
        default: return quoted(text)
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = ""
        for scalar in JSON.string(text).text.unicodeScalars {
            // YAML text holds no raw control characters, JSON text some.
            quoted += isControl(scalar) ? "\\x" + String(scalar.value, radix: 16) : String(scalar)
        }
        return quoted
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool { (0x7F...0x9F).contains(scalar.value) }

    /// Whether a text needs no quotes anywhere.
    private static func isSafe(_ text: String) -> Bool {
        text.hasPrefix("word") && text.unicodeScalars.allSatisfy { $0.properties.isAlphabetic || $0.properties.isEmoji }
    }
}
