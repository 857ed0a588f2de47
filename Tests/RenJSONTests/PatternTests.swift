import RenJSON
import Testing

@Suite("Patterns")
struct PatternTests {
    private func matches(_ pattern: String, _ text: String) throws -> Bool {
        try JSONSchema(compiling: ["pattern": .string(pattern)]).validate(.string(text)).isEmpty
    }

    @Test(
        "Match as in ECMAScript",
        arguments: [
            ("", ["", "x"], []), ("b", ["abc"], ["ac"]), ("^$", [""], ["x", "\n"]),
            ("^a*$", ["", "aaa"], ["ab", "a\n"]),
            ("^a+$", ["a"], [""]), ("^ab?$", ["a", "ab"], ["abb"]), ("^a{2}$", ["aa"], ["a", "aaa"]),
            ("^a{2,}$", ["aa", "aaaa"], ["a"]),
            ("^a{1,3}$", ["a", "aaa"], ["", "aaaa"]), ("^a{0}$", [""], ["a"]), ("^a{,3}$", ["a{,3}"], ["a"]),
            ("^x{a}$", ["x{a}"], ["x"]),
            ("^(cat|dog|)$", ["cat", "dog", ""], ["catdog"]), ("^a|b$", ["ax", "xb"], ["xa", "bx"]),
            ("^(?:ab)+$", ["abab"], ["aba"]),
            ("^(?<year>\\d{4})-\\d\\d$", ["2026-01"], ["26-01"]),
            ("^.$", ["x", "é", "😀"], ["", "\n", "xy", "\u{2028}"]),
            ("^[a-cx]$", ["a", "b", "x"], ["d", "-"]), ("^[^a-c]$", ["d", "é", "\n"], ["a"]),
            ("^[a-]$", ["a", "-"], ["b"]),
            ("^[]-]$", [], ["]", "-", "]-]"]), ("^[^]$", ["\n", "x"], [""]), ("^[[a]$", ["[", "a"], ["b"]),
            ("^[a&&b]$", ["&", "a"], ["c"]),
            ("^[\\]\\-\\\\]$", ["]", "-", "\\"], ["x"]),
            ("^[\\w.-]+@[\\w-]+\\.\\w{2,}$", ["a.b@c-d.eu"], ["a@b", "@c.de"]),
            ("^\\d$", ["0", "9"], ["٣", "a"]), ("^\\D$", ["٣"], ["1"]), ("^\\w$", ["_", "Z"], ["é", "-"]),
            ("^\\W$", ["é"], ["a"]),
            ("^\\s$", [" ", "\u{A0}", "\u{3000}", "\u{FEFF}"], ["x"]), ("^\\S+$", ["ab"], ["a b"]),
            ("^[\\s\\d]$", ["1", " "], ["a"]),
            ("\\bcat\\b", ["a cat!", "cat"], ["concat", "cats"]), ("\\Bcat", ["concat"], ["cat"]),
            ("^[\\b]$", ["\u{8}"], ["b"]),
            ("^\\p{Lu}\\p{L}*$", ["Émile"], ["émile", "E1"]), ("^\\P{L}$", ["1"], ["a"]),
            ("^\\x41\\u00e9\\u{1F600}\\ud83d\\ude00$", ["Aé😀😀"], ["A"]),
            ("^\\n\\t\\r\\f\\v\\0\\/\\.\\$$", ["\n\t\r\u{C}\u{B}\0/.$"], ["x"]), ("^a.*?b$", ["axxb"], ["axx"]),
            ("(a*)*b", ["b", "aab"], ["a"]),
            ("^(a|b)*abb$", ["abb", "babaabb"], ["ab"]), ("^((a?){3}){3}$", ["", "aaaaaaaaa"], ["aaaaaaaaaa"]),
            ("a]b}", ["a]b}"], ["ab"]),
        ] as [(String, [String], [String])])
    func matchAsInECMAScript(_ pattern: String, _ fitting: [String], _ refused: [String]) throws {
        for text in fitting { #expect(try matches(pattern, text), "\(text.debugDescription)") }
        for text in refused { #expect(try !matches(pattern, text), "\(text.debugDescription)") }
    }

    @Test(
        "Are refused by name",
        arguments: [
            ("(", "a '(' is not closed (at character 2)"), (")", "a ')' without its '(' (at character 1)"),
            ("[a", "a '[' is not closed (at character 3)"),
            ("*a", "nothing stands before the quantifier (at character 1)"),
            ("a**", "two quantifiers in a row (at character 3)"),
            ("a{3,2}", "the bounds of a repetition are reversed (at character 7)"),
            ("a{1001}", "more than 1000 repetitions (at character 8)"),
            ("[b-a]", "a range in reverse order (at character 5)"),
            ("[\\d-z]", "a range between character classes (at character 6)"),
            ("(?=a)", "look-around and inline flags are not supported (at character 3)"),
            ("(?<!a)", "look-around and inline flags are not supported (at character 4)"),
            ("(?i)a", "look-around and inline flags are not supported (at character 3)"),
            ("(a)\\1", "back references are not supported (at character 4)"),
            ("\\A", "\\A is not supported (at character 1)"),
            ("\\", "the pattern ends with a backslash (at character 2)"),
            ("\\u12", "no character has this number (at character 3)"),
            ("\\ud800", "no character has this number (at character 3)"),
            ("\\u{110000}", "no character has this number (at character 4)"),
            ("\\xg0", "no character has this number (at character 3)"),
            (
                "\\p{Script=Greek}",
                "the category 'Script=Greek' is not supported; use a general one such as L, Lu or Nd (at character 3)"
            ),
            ("((a{1000}){1000}){1000}", "the pattern is too large: repetitions written out give over 5000 steps"),
            (
                "((((){1000}){1000}){1000}){1000}",
                "the pattern is too large: repetitions written out give over 5000 steps"
            ),
            (String(repeating: "(", count: 10_000), "groups stand more than 64 deep (at character 65)"),
        ])
    func areRefusedByName(_ pattern: String, _ message: String) {
        #expect(
            throws: SchemaErrors(all: [
                SchemaError(
                    pointer: JSONPointer(["pattern"]), message: "the pattern cannot be used: \(message)", hint: nil,
                    place: nil)
            ])
        ) { try JSONSchema(compiling: ["pattern": .string(pattern)]) }
    }

    @Test(
        "Take time in proportion to the text", .timeLimit(.minutes(1)),
        arguments: ["^(a+)+$", "^(a|a)*$", "^(a?){30}a{30}$", "(.*)*x$"])
    func takeProportionalTime(_ pattern: String) throws {
        #expect(try !matches(pattern, String(repeating: "a", count: 2_000) + "b"))
    }
}
