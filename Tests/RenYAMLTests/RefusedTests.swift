import RenJSON
import RenYAML
import Testing

/// A text and what is said about it: each error as `code line:column`, and a word of the first hint.
struct Refused: Sendable, CustomTestStringConvertible {
    var yaml: String
    var errors: [String]
    var hint: String

    init(_ yaml: String, _ errors: String..., hint: String = "") {
        self.yaml = yaml
        self.errors = errors
        self.hint = hint
    }

    var testDescription: String { yaml.debugDescription }
}

@Suite("Refused YAML")
struct RefusedTests {
    @Test(
        "What flow files must not hold is refused by name",
        arguments: [
            Refused("a: &x 1", "yaml.alias_refused 1:4", hint: "write the value out"),
            Refused("a: *x", "yaml.alias_refused 1:4"),
            Refused("a: &x 1\nb: [*x]", "yaml.alias_refused 1:4", "yaml.alias_refused 2:5"),
            Refused("&x a: 1\n*y : 2", "yaml.alias_refused 1:1", "yaml.alias_refused 2:1"),
            Refused("&x\na: 1", "yaml.alias_refused 1:1"),
            Refused("[&a , &b x]", "yaml.alias_refused 1:2", "yaml.alias_refused 1:7"),
            Refused("<<: {a: 1}", "yaml.merge_refused 1:1", hint: "write the keys out"),
            Refused("- <<: *x", "yaml.merge_refused 1:3", "yaml.alias_refused 1:7"),
            Refused("{<<: 1}", "yaml.merge_refused 1:2"),
            Refused("a: !!str 1", "yaml.tag_refused 1:4"),
            Refused("a: !foo\n  b: 1", "yaml.tag_refused 1:4"),
            Refused("!!python/object/apply:os.system [ls]", "yaml.tag_refused 1:1"),
            Refused("a: !!binary |\n  AAAA\nb: ! x", "yaml.tag_refused 1:4", "yaml.tag_refused 3:4"),
            Refused("%YAML 1.2\n---\na: 1", "yaml.directive_refused 1:1"),
            Refused("%TAG ! x\n%YAML 1.1\n--- a", "yaml.directive_refused 1:1", "yaml.directive_refused 2:1"),
            Refused("? a\n: b", "yaml.complex_key_refused 1:1", hint: "key: value"),
            Refused("a: 1\n? b\n: c\nd: 2", "yaml.complex_key_refused 2:1"),
            Refused("[a]: b", "yaml.complex_key_refused 1:1"),
            Refused("a: 1\n{b: c}: d", "yaml.complex_key_refused 2:1"),
            Refused("{[a]: b}", "yaml.complex_key_refused 1:2"),
            Refused("[[a]: b]", "yaml.complex_key_refused 1:2"),
            Refused("{? a : b}", "yaml.complex_key_refused 1:2"),
            Refused("[? a]", "yaml.complex_key_refused 1:2"),
            Refused("a: {{ x }}", "yaml.complex_key_refused 1:4", hint: "{{ }}"),
        ])
    func refusedByName(_ row: Refused) { check(row) }

    @Test(
        "Operators that need quotes",
        arguments: [
            Refused("{*: [1]}", "yaml.alias_refused 1:2", hint: "quotes"),
            Refused("{!: [1]}", "yaml.tag_refused 1:2", hint: "quotes"),
            Refused("a: {!=: [1]}\nb: {!!: x}", "yaml.tag_refused 1:5", "yaml.tag_refused 2:5", hint: "quotes"),
            Refused("{%: [1]}", "yaml.syntax 1:2", hint: "quotes"),
            Refused("{>: [1]}", "yaml.syntax 1:2", hint: "quotes"),
            Refused(">=: [1]", "yaml.syntax 1:2", hint: "quotes"),
            Refused("a: @x", "yaml.syntax 1:4", hint: "quotes"),
            Refused("a: `x`", "yaml.syntax 1:4", hint: "quotes"),
            Refused("a: %x", "yaml.syntax 1:4", hint: "quotes"),
            Refused("a: 50\n%b: 1", "yaml.syntax 2:1", hint: "quotes"),
            Refused("a: ,b", "yaml.syntax 1:4", hint: "leave the comma out"),
        ])
    func operators(_ row: Refused) { check(row) }

    @Test(
        "Mistakes of beginners",
        arguments: [
            Refused("a: 1\nc:d", "yaml.syntax 2:1", hint: "space behind the colon"),
            Refused("a:b\nc: d", "yaml.syntax 1:1", hint: "space behind the colon"),
            Refused("- a:b\n  c: d", "yaml.syntax 1:3", hint: "space behind the colon"),
            Refused("foo\nbar: 1", "yaml.syntax 1:1", hint: "key: value"),
            Refused("a: 1\nfoo", "yaml.syntax 2:1", hint: "indented more"),
            Refused("a: 1\n\"b\":2", "yaml.syntax 2:5", hint: "key: value"),
            Refused("{a:1}", "yaml.syntax 1:2", hint: "space behind the colon"),
            Refused("{a, b}", "yaml.syntax 1:2", hint: "[a, b]"),
            Refused("- a\n-b", "yaml.syntax 2:1", hint: "- item"),
            Refused("- a\nb: 1", "yaml.syntax 2:1", hint: "- item"),
            Refused("a: 1\n- b", "yaml.syntax 2:1", hint: "under its key"),
            Refused("a: b: c", "yaml.syntax 1:5", hint: "quotes"),
            Refused("a: 'b': c", "yaml.syntax 1:7", hint: "next line"),
            Refused("a: - b", "yaml.syntax 1:4", hint: "next line"),
            Refused("--- a: b", "yaml.syntax 1:6", hint: "next line"),
            Refused("a: \"x\nb: 1", "yaml.syntax 1:4", hint: "write \""),
            Refused("a:\n  - 'x\n  - y\nb: 1", "yaml.syntax 2:5", hint: "write '"),
            Refused("a: 1\n\"b: 2\nc: 3", "yaml.syntax 2:1", hint: "write \""),
            Refused("'x", "yaml.syntax 1:1", hint: "write '"),
            Refused("a: [1, 2\nb: 1", "yaml.syntax 1:4", hint: "write `]`"),
            Refused("a: {b: [1\nc: 1", "yaml.syntax 1:8", hint: "write `]`"),
            Refused("{", "yaml.syntax 1:1", hint: "write `}`"),
            Refused("a: 'b' c", "yaml.syntax 1:8", hint: "quotes"),
            Refused("a: 'it's'", "yaml.syntax 1:8", hint: "written twice"),
            Refused("a: \"b\"#c", "yaml.syntax 1:7"),
            Refused(#"a: "C:\dir\q""#, "yaml.syntax 1:7", "yaml.syntax 1:11", hint: #"\\"#),
            Refused(#"a: "\xZZ \uD800 \U00110000""#, "yaml.syntax 1:5", "yaml.syntax 1:10", "yaml.syntax 1:17"),
            Refused(#"a: "\ud83d\u0041 \udc00\ué""#, "yaml.syntax 1:5", "yaml.syntax 1:18", "yaml.syntax 1:24"),
        ])
    func mistakes(_ row: Refused) { check(row) }

    @Test(
        "Wrong indentation names the column expected",
        arguments: [
            Refused("a:\n    b: 1\n  c: 2", "yaml.syntax 3:3", hint: "column 1, or at column 5"),
            Refused("a: 1\n  b: 2", "yaml.syntax 2:3", hint: "column 1"),
            Refused("a: 'x'\n  b: 2", "yaml.syntax 2:3", hint: "column 1"),
            Refused(" a: 1\nb: 2", "yaml.syntax 2:1", hint: "column 2"),
            Refused("a:\n  - b\n   - c: 1\n", "yaml.syntax 3:4", hint: "column 3"),
            Refused("- a\n - [b]\n- {}\n - c", "yaml.syntax 4:2", hint: "column 1"),
            Refused("a: |\n    x\n  y\nb: 1", "yaml.syntax 3:3", hint: "column 1"),
            Refused("a: b # c\n  d", "yaml.syntax 2:3", hint: "column 1"),
            Refused("a: |\n    \n  x", "yaml.syntax 2:5", hint: "at most 2 spaces"),
        ])
    func indentation(_ row: Refused) { check(row) }

    @Test(
        "Tabs",
        arguments: [
            Refused("\ta: 1", "yaml.tab 1:1", hint: "spaces"),
            Refused("a:\n\tb: 1\n\tc: 2", "yaml.tab 2:1"),
            Refused("a:\n  \tb: 1\nc:\n \td: 2", "yaml.tab 2:3", "yaml.tab 4:2"),
            Refused("a: |\n\tx", "yaml.tab 2:1"),
            Refused("-\t- a", "yaml.tab 1:2", hint: "one space"),
            Refused("-\ta: 1", "yaml.tab 1:2"),
        ])
    func tabs(_ row: Refused) { check(row) }

    @Test(
        "Brackets, keys and headers",
        arguments: [
            Refused("[a, , b]", "yaml.syntax 1:5", hint: "comma"),
            Refused("[,]", "yaml.syntax 1:2"),
            Refused("{a: 1,, b: 2}", "yaml.syntax 1:7"),
            Refused("[a}", "yaml.syntax 1:3", hint: "comma"),
            Refused("{a: b]", "yaml.syntax 1:6"),
            Refused("{a: b: c}", "yaml.syntax 1:6", hint: "quotes"),
            Refused("[a] b", "yaml.syntax 1:5"),
            Refused("a: [b]]", "yaml.syntax 1:7"),
            Refused("a: ]", "yaml.syntax 1:4"),
            Refused("[ - b ]", "yaml.syntax 1:3", hint: "[a, b]"),
            Refused("[a,#c\n b]", "yaml.syntax 1:4"),
            Refused("[a,\n---\nb]", "yaml.syntax 1:1", hint: "`]`"),
            Refused("{a\n b: c}", "yaml.syntax 1:2", hint: "join the lines"),
            Refused(": a", "yaml.syntax 1:1", hint: "key: value"),
            Refused("[: a]", "yaml.syntax 1:2"),
            Refused("a: |0\n  x", "yaml.syntax 1:5"),
            Refused("a: |x\n  y", "yaml.syntax 1:5", hint: "next line"),
            Refused("a: >++\n  y", "yaml.syntax 1:6"),
            Refused("... x\n", "yaml.syntax 1:5"),
        ])
    func bracketsAndHeaders(_ row: Refused) { check(row) }

    @Test(
        "Numbers that JSON cannot hold",
        arguments: [
            Refused("[.inf, -.Inf, .NaN]", "yaml.number 1:2", "yaml.number 1:8", "yaml.number 1:15", hint: "quotes"),
            Refused("a: 9223372036854775808\nb: 1e999", "yaml.number 1:4", "yaml.number 2:4"),
            Refused("a: -9223372036854775809", "yaml.number 1:4"),
            Refused("a: 0xFFFFFFFFFFFFFFFF", "yaml.number 1:4"),
            Refused("a: 1." + String(repeating: "0", count: 1_000), "yaml.number 1:4"),
        ])
    func numbers(_ row: Refused) { check(row) }

    @Test(
        "Duplicate keys name the first place",
        arguments: [
            Refused("a: 1\nb: 2\na: 3\na: 4", "yaml.duplicate_key 3:1", "yaml.duplicate_key 4:1"),
            Refused("{a: 1, \"a\": 2}", "yaml.duplicate_key 1:8"),
            Refused("- {x: {1: a, '1': b}}", "yaml.duplicate_key 1:14"),
            Refused("\"\\u0061\": 1\na: 2", "yaml.duplicate_key 2:1"),
        ])
    func duplicateKeys(_ row: Refused) {
        check(row)
        #expect(throws: YAMLErrors.self) { try YAML.parse(Array(row.yaml.utf8)) }
        #expect(errors(of: row.yaml).first?.message.contains("first in line 1") == true)
    }

    @Test("A message holds a short piece of the text and no control character")
    func messagesAreShortAndPlain() {
        let key = #""\e[31m"# + String(repeating: "x", count: 900) + #"""#
        let message = errors(of: "\(key): 1\n\(key): 2")[0].message
        #expect(message.unicodeScalars.count < 200)
        #expect(!message.contains("\u{1B}"))
    }

    @Test(
        "Several errors of one text are told at once",
        arguments: [
            Refused(
                "a: 1\na: 2\nb: *x\nc: d: e\nf:\n  g: @h\n  i: [1\nj: .inf", "yaml.duplicate_key 2:1",
                "yaml.alias_refused 3:4", "yaml.syntax 4:5", "yaml.syntax 6:6", "yaml.syntax 7:6", "yaml.number 8:4"),
            Refused("a: [\n1\n]\nb: @", "yaml.syntax 1:4", "yaml.syntax 4:4"),
            Refused("a: {b\n---\nc: d: e\n--- x", "yaml.syntax 1:4", "yaml.syntax 3:5"),
        ])
    func severalErrors(_ row: Refused) { check(row) }

    @Test("The depth of a refused value does not count for the next one")
    func depthAfterAnError() {
        let errors = errors(of: String(repeating: "- - " + String(repeating: "[", count: 20) + "@\n", count: 10))
        #expect(errors.map(\.code) == Array(repeating: .syntax, count: 10))
    }

    @Test("At most 20 errors are told")
    func errorsHaveALimit() {
        #expect(errors(of: String(repeating: "- *x\n", count: 100)).count == YAML.errorsMax)
    }

    @Test("One document is wanted")
    func oneDocument() throws {
        #expect(try YAML.parseOne(Array("--- a".utf8)).json == "a")
        let two = #expect(throws: YAMLErrors.self) { try YAML.parseOne(Array("a: 1\n---\n# c\n  b: 2".utf8)) }
        #expect(two?.first.code == .severalDocuments)
        #expect(two?.first.place == Place(line: 4, column: 3, offset: 15))
        let none = #expect(throws: YAMLErrors.self) { try YAML.parseOne(Array("# c\n".utf8)) }
        #expect(none?.first.code == .syntax)
    }

    private func check(_ row: Refused) {
        let errors = errors(of: row.yaml)
        #expect(errors.map { "\($0.code.rawValue) \($0.place.line):\($0.place.column)" } == row.errors)
        if !row.hint.isEmpty { #expect(errors.first?.hint.contains(row.hint) == true, "\(errors)") }
    }
}

/// What is said about a text; nothing when it is accepted.
func errors(of yaml: String) -> [YAMLError] {
    errors(of: Array(yaml.utf8))
}

func errors(of bytes: [UInt8]) -> [YAMLError] {
    do {
        _ = try YAML.parse(bytes)
        return []
    } catch {
        return error.errors
    }
}
