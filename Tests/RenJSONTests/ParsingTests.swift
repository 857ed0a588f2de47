import RenJSON
import Testing

@Suite("Parsing")
struct ParsingTests {
    struct Accepted: Sendable, CustomTestStringConvertible {
        var text: String
        var value: JSON
        var testDescription: String { text }

        init(_ text: String, _ value: JSON) {
            self.text = text
            self.value = value
        }
    }

    @Test(
        "Reads every kind of value",
        arguments: [
            Accepted("null", nil), Accepted(" true\n", true), Accepted("\tfalse\r", false),
            Accepted("0", 0), Accepted("-1", -1), Accepted("9007199254740993", 9_007_199_254_740_993),
            Accepted("9223372036854775807", .integer(.max)), Accepted("-9223372036854775808", .integer(.min)),
            Accepted("1.0", .double(1)), Accepted("1e2", .double(100)), Accepted("1E+2", .double(100)),
            Accepted("-1.5e-3", .double(-0.0015)), Accepted("0.1", .double(0.1)), Accepted("0e5", .double(0)),
            Accepted("123456789012345678901.5", .double(123456789012345678901.5)),
            Accepted("1.7976931348623157e308", .double(.greatestFiniteMagnitude)),
            Accepted("5e-324", .double(.leastNonzeroMagnitude)), Accepted("1e-999", .double(0)),
            Accepted("0.000000000000000000000000000001", .double(1e-30)),
            Accepted("2.2250738585072011e-308", .double(Double("2.2250738585072011e-308")!)),
            Accepted(#""""#, ""), Accepted(#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{C}\n\r\t"),
            Accepted(#""\u0041\u00e9\u20AC\ud83d\ude00""#, "Aé€😀"), Accepted(#""\u0000""#, "\0"),
            Accepted("\"\u{7F}é€😀\u{FFFF}\"", "\u{7F}é€😀\u{FFFF}"),
            Accepted("[]", []), Accepted("[ ]", []), Accepted("[1,[2,{}]]", [1, [2, [:]]]),
            Accepted("{}", [:]), Accepted(#"{ "a" : 1 , "b" : { "" : null } }"#, ["a": 1, "b": ["": nil]]),
        ])
    func readsEveryKindOfValue(_ row: Accepted) throws {
        let value = try JSON(parsing: row.text)
        #expect(value == row.value)
        #expect(value.typeName == row.value.typeName, "an integer must stay an integer, a double a double")
        #expect(try Located(parsing: row.text).json == row.value)
        try JSONText.validate(row.text.utf8)
    }

    @Test("Keeps the sign of -0 as a double") func keepsTheSignOfMinusZero() throws {
        for text in ["-0", "-0.0"] {
            guard case .double(let value) = try JSON(parsing: text) else { throw Unexpected(text) }
            #expect(value.sign == .minus && value == 0)
        }
        #expect(try JSON(parsing: "[-0]").text == "[-0.0]")
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var bytes: [UInt8]
        var code: JSONError.Code
        var offset: Int
        var testDescription: String { String(decoding: bytes.prefix(40), as: UTF8.self) }

        init(_ text: String, _ code: JSONError.Code, at offset: Int) {
            self.init(Array(text.utf8), code, at: offset)
        }

        init(_ bytes: [UInt8], _ code: JSONError.Code, at offset: Int) {
            self.bytes = bytes
            self.code = code
            self.offset = offset
        }
    }

    @Test(
        "Refuses everything else with its code and byte",
        arguments: [
            // Syntax
            Refused("", .syntax, at: 0), Refused(" \n ", .syntax, at: 3), Refused("\u{FEFF}{}", .syntax, at: 0),
            Refused("{} {}", .syntax, at: 3), Refused("1 2", .syntax, at: 2), Refused("nul", .syntax, at: 0),
            Refused("True", .syntax, at: 0), Refused("'a'", .syntax, at: 0), Refused("[1,]", .syntax, at: 3),
            Refused("[,1]", .syntax, at: 1), Refused("[1 2]", .syntax, at: 3), Refused("[1", .syntax, at: 2),
            Refused("[", .syntax, at: 1), Refused("]", .syntax, at: 0), Refused("{", .syntax, at: 1),
            Refused("{\"a\"}", .syntax, at: 4), Refused("{\"a\":}", .syntax, at: 5),
            Refused("{\"a\":1,}", .syntax, at: 7),
            Refused("{a:1}", .syntax, at: 1), Refused("{1:1}", .syntax, at: 1),
            Refused("{\"a\":1 \"b\":2}", .syntax, at: 7),
            Refused("[1}", .syntax, at: 2), Refused("\"abc", .syntax, at: 0), Refused("\"abc\\", .syntax, at: 4),
            Refused("// x\n1", .syntax, at: 0), Refused("[1]\u{A0}", .syntax, at: 3), Refused("\u{B}1", .syntax, at: 0),
            Refused("1\0", .syntax, at: 1), Refused("nulls", .syntax, at: 4),
            // Numbers
            Refused("NaN", .number, at: 0), Refused("[Infinity]", .number, at: 1), Refused("-Infinity", .number, at: 0),
            Refused("1e999", .number, at: 0), Refused("[-1e309]", .number, at: 1), Refused("+1", .number, at: 0),
            Refused(".5", .number, at: 0), Refused("1.", .number, at: 0), Refused("1.e1", .number, at: 0),
            Refused("1e", .number, at: 0), Refused("1e+", .number, at: 0), Refused("-", .number, at: 0),
            Refused("01", .number, at: 0), Refused("-01", .number, at: 0), Refused("00", .number, at: 0),
            Refused("9223372036854775808", .number, at: 0), Refused("-9223372036854775809", .number, at: 0),
            Refused("18446744073709551616", .number, at: 0),
            Refused(String(repeating: "9", count: 400), .number, at: 0),
            Refused("0." + String(repeating: "1", count: 1_000), .number, at: 0),
            Refused("1e9999999999999", .number, at: 0),
            // Strings
            Refused("\"\\ud800\"", .string, at: 1), Refused("\"\\udc00\"", .string, at: 1),
            Refused("\"\\ud800\\ud800\"", .string, at: 1), Refused("\"\\ud800x\"", .string, at: 1),
            Refused("\"\\ud83d\\u12\"", .string, at: 7), Refused("\"\\x41\"", .string, at: 1),
            Refused("\"\\u00g0\"", .string, at: 1), Refused("\"\\u12", .string, at: 1),
            Refused("\"a\nb\"", .string, at: 2),
            Refused("\"12345678\t\"", .string, at: 9), Refused("\"\0\"", .string, at: 1),
            // Encoding: a lone continuation, overlong forms, an encoded surrogate, beyond U+10FFFF, a cut sequence
            Refused([0x22, 0x80, 0x22], .encoding, at: 1), Refused([0x22, 0xC0, 0xAF, 0x22], .encoding, at: 1),
            Refused([0x22, 0xE0, 0x80, 0xAF, 0x22], .encoding, at: 1),
            Refused([0x22, 0xED, 0xA0, 0x80, 0x22], .encoding, at: 1),
            Refused([0x22, 0xF0, 0x80, 0x80, 0x80, 0x22], .encoding, at: 1),
            Refused([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], .encoding, at: 1),
            Refused([0x22, 0xE2, 0x82], .encoding, at: 1),
            Refused([0x22, 0xFF, 0x22], .encoding, at: 1), Refused([0xFF, 0xFE, 0x7B, 0x00], .encoding, at: 0),
            Refused(Array("\"12345678".utf8) + [0xC3, 0x22], .encoding, at: 9),
            // Keys
            Refused(#"{"a":1,"b":2,"a":3}"#, .duplicateKey, at: 13),
            Refused(#"{"a":1,"\u0061":2}"#, .duplicateKey, at: 7),
            Refused(#"{"\u00e9":1,"é":2}"#, .duplicateKey, at: 12),
            Refused(#"[{"x":{"k":1,"k":1}}]"#, .duplicateKey, at: 13),
            Refused(#"{"\n":{},"\u000a":0}"#, .duplicateKey, at: 9),
            // Depth
            Refused(String(repeating: "[", count: 65) + String(repeating: "]", count: 65), .tooDeep, at: 64),
            Refused(String(repeating: "[", count: 10_000), .tooDeep, at: 64),
            Refused(String(repeating: "[", count: 1_000_000), .tooDeep, at: 64),
            Refused(String(repeating: "{\"a\":", count: 65), .tooDeep, at: 64 * 5),
        ])
    func refusesEverythingElse(_ row: Refused) {
        let errors = [
            error { _ = try JSON(parsing: row.bytes) }, error { _ = try Located(parsing: row.bytes) },
            error { try JSONText.validate(row.bytes) },
        ]
        for error in errors {
            #expect(error?.code == row.code)
            #expect(error?.place.offset == row.offset)
            #expect((error?.message.count ?? 0) < 250)
        }
    }

    @Test("Takes 64 levels") func takesSixtyFourLevels() throws {
        let text = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(try JSON(parsing: text).text == text)
        #expect(
            error { _ = try JSON(parsing: "[[1]]", limits: JSONLimits(maxDepth: 1, maxNodes: nil)) }?.code == .tooDeep)
    }

    @Test("Counts values, but only for documents") func countsValues() throws {
        let allowed = "[" + Array(repeating: "0", count: 99_999).joined(separator: ",") + "]"
        let tooMany = "[" + Array(repeating: "0", count: 100_000).joined(separator: ",") + "]"
        #expect(try JSON(parsing: allowed).arrayValue?.count == 99_999)
        #expect(error { _ = try JSON(parsing: tooMany) }?.code == .tooManyItems)
        #expect(error { _ = try Located(parsing: tooMany) }?.code == .tooManyItems)
        #expect(try JSON(parsing: tooMany, limits: .payload).arrayValue?.count == 100_000)
        try JSONText.validate(tooMany.utf8)
    }

    @Test("Finds a duplicate among many keys", arguments: [2, 15, 16, 17, 18, 1_000])
    func findsADuplicateAmongManyKeys(_ count: Int) throws {
        let members = (0..<count).map { "\"key\($0)\":\($0)" }
        let good = "{" + members.joined(separator: ",") + "}"
        let object = try #require(try JSON(parsing: good).objectValue)
        #expect(object.keys.elementsEqual((0..<count).map { "key\($0)" }))
        for index in 0..<count { #expect(object["key\(index)"] == .integer(Int64(index))) }
        for repeated in [0, count / 2, count - 1] {
            let bad = "{" + (members + ["\"k\\u0065y\(repeated)\":0"]).joined(separator: ",") + "}"
            #expect(error { _ = try JSON(parsing: bad) }?.code == .duplicateKey)
            #expect(error { try JSONText.validate(bad.utf8) }?.code == .duplicateKey)
        }
    }

    @Test("Takes a composed and a decomposed letter for two keys") func keepsNormalizationForms() throws {
        let value = try JSON(parsing: "{\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(value["\u{E9}"] == 1)
        #expect(value["e\u{301}"] == 2)
        #expect(JSON.string("\u{E9}") != .string("e\u{301}"))
    }

    @Test("Reads a slice and a lazy collection like an array") func readsAnyBytes() throws {
        let bytes = Array("xx[1,2]yy".utf8)
        #expect(try JSON(parsing: bytes[2..<7]) == [1, 2])
        #expect(try JSON(parsing: bytes[2..<7].lazy.map { $0 }) == [1, 2])
        #expect(try bytes[2..<7].withUnsafeBufferPointer { try JSON(parsing: $0) } == [1, 2])
    }

    @Test(
        "Says what it expected and found",
        arguments: [
            ("[1 2]", "expected ',' or ']' after an element, found '2'"),
            ("{\"a\" 1}", "expected ':' after a key, found '1'"),
            ("[1,", "expected a value, but the text ends here"),
            ("[\u{200B}1]", "expected a value, found U+200B"),
            ("{\"name\":1,\"name\":2}", "the key \"name\" stands twice in one object"),
        ])
    func saysWhatItExpected(_ text: String, _ message: String) {
        #expect(error { _ = try JSON(parsing: text) }?.message == message)
    }

    @Test("Echoes little of a long key") func echoesLittle() {
        let key = String(repeating: "k", count: 100_000)
        let message = error { _ = try JSON(parsing: "{\"\(key)\":1,\"\(key)\":2}") }?.message
        #expect(message.map { $0.count < 200 } == true)
    }
}

struct Unexpected: Error {
    let what: String
    init(_ what: String) { self.what = what }
}

/// The error a call throws, or nil when it throws none.
func error(_ body: () throws -> Void) -> JSONError? {
    do {
        try body()
        return nil
    } catch {
        return error as? JSONError
    }
}
