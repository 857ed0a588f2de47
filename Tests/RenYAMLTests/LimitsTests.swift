import RenJSON
import RenYAML
import Testing

/// A text made of a repeated piece, and what is said first about it; nil when it is accepted.
struct Limit: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var error: String?

    init(_ name: String, _ text: String, _ error: String?) {
        self.init(name, Array(text.utf8), error)
    }

    init(_ name: String, _ bytes: [UInt8], _ error: String?) {
        self.name = name
        self.bytes = bytes
        self.error = error
    }

    var testDescription: String { name }
}

private func times(_ count: Int, _ piece: String) -> String { String(repeating: piece, count: count) }

@Suite("Limits", .timeLimit(.minutes(2)))
struct LimitsTests {
    @Test(
        "A limit is held exactly",
        arguments: [
            Limit("5 MB of spaces", times(5_000_000, " "), "yaml.too_large 1:1"),
            Limit("one byte too many", times(262_145, " "), "yaml.too_large 1:1"),
            Limit("the longest text", times(262_144, " "), nil),
            Limit("64 lists", times(64, "[") + times(64, "]"), nil),
            Limit("65 lists", times(65, "[") + times(65, "]"), "yaml.too_deep 1:65"),
            Limit("256 KiB of [", times(262_144, "["), "yaml.too_deep 1:65"),
            Limit("256 KiB of {a:", times(60_000, "{a: "), "yaml.too_deep 1:257"),
            Limit("64 nested dashes", times(64, "- "), nil),
            Limit("256 KiB of dashes", times(131_072, "- "), "yaml.too_deep 1:129"),
            Limit("65 nested maps", (0..<65).map { times($0, " ") + "a:\n" }.joined(), "yaml.too_deep 65:65"),
            Limit("64 nested maps", (0..<64).map { times($0, " ") + "a:\n" }.joined(), nil),
            Limit("pairs in lists", times(33, "[a: "), "yaml.too_deep 1:129"),
            Limit("100,000 values", "[" + times(99_999, "1,") + "]", nil),
            Limit("100,001 values", "[" + times(100_000, "1,") + "]", "yaml.too_many_items 1:200000"),
            Limit("100,001 missing values", times(100_001, "-\n"), "yaml.too_many_items 100000:2"),
            Limit("key of 1 KiB", times(1024, "k") + ": 1", nil),
            Limit("key over 1 KiB", "a:\n  " + times(1025, "k") + ": 1", "yaml.key_too_long 2:3"),
            Limit("quoted key over 1 KiB", "{'" + times(513, "é") + "': 1}", "yaml.key_too_long 1:2"),
        ])
    func limitIsHeldExactly(_ row: Limit) { check(row) }

    @Test(
        "What is not UTF-8 text is refused at its first byte",
        arguments: [
            Limit("byte order mark", [0xEF, 0xBB, 0xBF, 0x61], "yaml.encoding 1:1"),
            Limit("UTF-16", [0xFF, 0xFE, 0x61, 0x00], "yaml.encoding 1:1"),
            Limit("NUL", "a: 1\nb: \u{0}", "yaml.encoding 2:4"),
            Limit("escape character", "é\u{1B}[31m", "yaml.encoding 1:2"),
            Limit("delete", "a\u{7F}", "yaml.encoding 1:2"),
            Limit("C1 control", "a\u{9B}", "yaml.encoding 1:2"),
            Limit("next line", "a\u{85}", nil),
            Limit("lone continuation", [0x61, 0x80], "yaml.encoding 1:2"),
            Limit("overlong, 2 bytes", [0xC0, 0x80], "yaml.encoding 1:1"),
            Limit("overlong, 3 bytes", [0xE0, 0x9F, 0xBF], "yaml.encoding 1:1"),
            Limit("overlong, 4 bytes", [0xF0, 0x8F, 0xBF, 0xBF], "yaml.encoding 1:1"),
            Limit("surrogate", [0xED, 0xA0, 0x80], "yaml.encoding 1:1"),
            Limit("beyond U+10FFFF", [0xF4, 0x90, 0x80, 0x80], "yaml.encoding 1:1"),
            Limit("cut short", [0x61, 0xE2, 0x82], "yaml.encoding 1:2"),
            Limit("cut short within", [0xE2, 0x82, 0x61], "yaml.encoding 1:1"),
            Limit("the limits of UTF-8", "\u{A0}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFD}\u{10000}\u{10FFFF}", nil),
        ])
    func encoding(_ row: Limit) { check(row) }

    /// Texts that invite a reader to look at everything again for each piece.
    @Test(
        "64 KiB of any piece are read or refused in linear time", .serialized,
        arguments: ["", "a: ", "[", "{a: \"", "- - -\n", "a:\n  b:\n    - c: \""])
    func linearTime(prefix: String) {
        let pieces = [
            "a: \n", "\"", "'", "!a\n", "&a ", "*a\n", "a\n\n", "#", "é", "|\n", ">\n x\n", ": ", "? ", "\t\n", "-\n",
            "{a: ", "[a, ", "%a\n", "---\n", "...\n", "a: 'x\n", "a: [x\n", "\"\\u", "a: b: c\n", "- a\nb: c\n", " \n",
            "[],", "<<: 1\n", "a: |\n  x\n\n", "1", "a\r", "a: \"b\n  c\"\n", "  a: b\n c\n", " a\nb: [\n", "\\\n",
        ]
        for piece in pieces {
            let text = prefix + times(65_536 / piece.utf8.count, piece)
            let errors = errors(of: text)
            #expect(errors.count <= YAML.errorsMax)
            for error in errors {
                #expect(error.place.offset <= text.utf8.count, "\(piece.debugDescription): \(error)")
            }
        }
    }

    private func check(_ row: Limit) {
        let error = errors(of: row.bytes).first
        #expect(error.map { "\($0.code.rawValue) \($0.place.line):\($0.place.column)" } == row.error)
    }
}
