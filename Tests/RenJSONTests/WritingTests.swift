import RenJSON
import Testing

@Suite("Writing")
struct WritingTests {
    @Test(
        "Writes compactly, in written order, escaping only what must be",
        arguments: [
            (JSON.null, "null"), (true, "true"), (0, "0"), (-7, "-7"), (10, "10"),
            (.integer(.min), "-9223372036854775808"),
            (.integer(.max), "9223372036854775807"), (1.0, "1.0"), (0.1, "0.1"), (1e16, "1e+16"), (1e-7, "1e-07"),
            (-0.0, "-0.0"), (.double(.leastNonzeroMagnitude), "5e-324"), ("", "\"\""),
            ("/é😀\u{7F}\u{2028}", "\"/é😀\u{7F}\u{2028}\""),
            ("\"\\\n\t\r\u{8}\u{C}\0\u{1F}", #""\"\\\n\t\r\b\f\u0000\u001f""#),
            ("12345678\"12345678\\", #""12345678\"12345678\\""#),
            ([], "[]"), ([:], "{}"), (["b": [1, [:], "x"], "a": ["c": nil]], #"{"b":[1,{},"x"],"a":{"c":null}}"#),
        ] as [(JSON, String)])
    func writesCompactly(_ value: JSON, _ text: String) throws {
        #expect(value.text == text)
        #expect(value.description == text)
        #expect(try JSON(parsing: text) == value)
    }

    @Test(
        "Writes one canonical text for equal values",
        arguments: [
            (["b": 1, "a": 2.0], #"{"a":2,"b":1}"#),
            ([1.0, 1.5, -0.0, 1e15], "[1,1.5,0,1000000000000000]"),
            (.double(9_007_199_254_740_992), "9007199254740992"), (.double(1e300), "1e+300"),
            // By UTF-16 code units a surrogate pair comes before U+FB33: the example of RFC 8785.
            (
                ["\u{20AC}": 1, "\r": 2, "\u{FB33}": 3, "1": 4, "\u{1F600}": 5, "\u{80}": 6, "\u{F6}": 7],
                "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{F6}\":7,\"\u{20AC}\":1,\"\u{1F600}\":5,\"\u{FB33}\":3}"
            ),
            (["x": [["b": 1, "a": 2]]], #"{"x":[{"a":2,"b":1}]}"#),
        ] as [(JSON, String)])
    func writesCanonically(_ value: JSON, _ text: String) throws {
        #expect(String(decoding: value.canonical, as: UTF8.self) == text)
        #expect(try JSON(parsing: text) == value)
    }

    @Test("Writes for people with two spaces") func writesForPeople() {
        let value: JSON = ["a": [1, [:], []], "b": ["c": "x"]]
        let lines = [
            "{", "  \"a\": [", "    1,", "    {},", "    []", "  ],", "  \"b\": {", "    \"c\": \"x\"", "  }", "}",
        ]
        #expect(value.pretty == lines.joined(separator: "\n"))
        #expect(JSON.array([]).pretty == "[]")
    }

    @Test("Sets commas by itself") func setsCommas() {
        var writer = JSONWriter(reservingCapacity: 100)
        writer.beginObject()
        writer.field("a", "x")
        writer.field("b", 7)
        writer.field("c", true)
        writer.key("d")
        writer.beginArray()
        writer.null()
        writer.double(2.5)
        writer.beginObject()
        writer.endObject()
        writer.raw(Array("{\"raw\":1}".utf8))
        writer.endArray()
        writer.field("e", ["f": [1]])
        writer.endObject()
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == #"{"a":"x","b":7,"c":true,"d":[null,2.5,{},{"raw":1}],"e":{"f":[1]}}"#)
        #expect(!writer.hasNonFinite)
    }

    @Test("Tells of a double that JSON cannot hold", arguments: [Double.nan, .infinity, -.infinity])
    func tellsOfNonFinite(_ value: Double) {
        var writer = JSONWriter()
        writer.value([.double(value)])
        #expect(writer.bytes == Array("[null]".utf8))
        #expect(writer.hasNonFinite)
    }

    @Test(
        "An excerpt has at most 80 characters",
        arguments: [
            JSON.string(String(repeating: "é", count: 10_000)),
            .array(Array(repeating: ["a": 1] as JSON, count: 10_000)),
            .object(JSONObject(members: (0..<1_000).map { .init(key: "k\($0)", value: 1) })),
        ])
    func anExcerptIsShort(_ value: JSON) {
        #expect(value.excerpt.count == 80)
        #expect(value.excerpt.hasSuffix("…"))
        #expect(value.text.hasPrefix(value.excerpt.dropLast()))
    }

    @Test("What was written is read back the same", arguments: 0..<300 as Range<UInt64>)
    func whatWasWrittenIsReadBack(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let value = random.json(depth: 5)
        let bytes = value.compact
        let read = try JSON(parsing: bytes)
        #expect(read == value, "seed \(seed)")
        #expect(read.compact == bytes, "seed \(seed): the text must not change either")
        #expect(read.hashValue == value.hashValue, "seed \(seed)")
        try JSONText.validate(bytes)
        #expect(try JSON(parsing: value.pretty).compact == bytes, "seed \(seed)")
        #expect(try Located(parsing: bytes).json.compact == bytes, "seed \(seed)")
        #expect(try JSON(parsing: value.canonical).canonical == value.canonical, "seed \(seed)")
        #expect(try JSON(parsing: value.canonical) == value, "seed \(seed)")
        #expect(random.shuffled(value).canonical == value.canonical, "seed \(seed)")
    }

    @Test("The three consumers agree on damaged text", arguments: 0..<300 as Range<UInt64>)
    func theConsumersAgree(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bytes = random.json(depth: 4).compact
        for _ in 0..<20 {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            bytes[index] =
                Bool.random(using: &random)
                ? UInt8.random(in: 0...255, using: &random) : #"{}[]",:\0e.-"#.utf8.randomElement(using: &random)!
            let tree = error { _ = try JSON(parsing: bytes) }
            #expect(tree == error { try JSONText.validate(bytes, limits: .document) }, "seed \(seed)")
            #expect(tree == error { _ = try Located(parsing: bytes) }, "seed \(seed)")
            if tree == nil {
                #expect(error { _ = try JSON(parsing: try JSON(parsing: bytes).compact) } == nil, "seed \(seed)")
            }
        }
    }

    @Test("Doubles of all sizes are read exactly", arguments: 0..<20 as Range<UInt64>)
    func doublesAreReadExactly(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let texts = [
                value.description,
                "\(Int64.random(in: 0..<1 << 60, using: &random))e\(Int.random(in: -40...40, using: &random))",
            ]
            for text in texts {
                guard case .double(let read) = try JSON(parsing: text) else { throw Unexpected(text) }
                #expect(read.bitPattern == Double(text)!.bitPattern, "seed \(seed): \(text)")
            }
        }
    }
}
