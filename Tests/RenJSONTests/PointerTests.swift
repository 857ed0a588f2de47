import RenJSON
import Testing

@Suite("Pointers and slices")
struct PointerTests {
    /// The document of RFC 6901, section 5.
    private static let document =
        #"{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8}"#

    @Test(
        "Finds the examples of RFC 6901",
        arguments: [
            ("", nil), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3),
            ("/g|h", 4),
            ("/i\\j", 5), ("/k\"l", 6), ("/ ", 7), ("/m~0n", 8),
        ] as [(String, JSON?)])
    func findsTheExamples(_ text: String, _ expected: JSON?) throws {
        let whole = try JSON(parsing: Self.document)
        let pointer = try #require(JSONPointer(parsing: text))
        #expect(pointer.description == text)
        #expect(whole[pointer] == expected ?? whole)
        #expect(try Located(parsing: Self.document)[pointer]?.json == expected ?? whole)
        let bytes = Array(Self.document.utf8)
        let range = try #require(JSONText.slice(at: pointer, in: bytes))
        #expect(try JSON(parsing: bytes[range]) == expected ?? whole)
    }

    @Test(
        "Finds nothing where nothing is",
        arguments: [
            "/foo/2", "/foo/-", "/foo/01", "/foo/-1", "/foo/+1", "/foo/bar", "/nothing", "/foo/0/x", "/a~1b/0",
            "/foo/99999999999999999999",
        ])
    func findsNothing(_ text: String) throws {
        let pointer = try #require(JSONPointer(parsing: text))
        #expect(try JSON(parsing: Self.document)[pointer] == nil)
        #expect(try Located(parsing: Self.document)[pointer] == nil)
        #expect(JSONText.slice(at: pointer, in: Array(Self.document.utf8)) == nil)
    }

    @Test("Refuses what is no pointer", arguments: ["a", "#/a", "/~", "/~2", "/a~"])
    func refusesWhatIsNoPointer(_ text: String) {
        #expect(JSONPointer(parsing: text) == nil)
    }

    @Test("Grows by keys and indexes") func grows() {
        var pointer = JSONPointer(["a/b"])
        pointer.append(3)
        pointer.append("~")
        #expect(pointer.description == "/a~1b/3/~0")
        #expect(pointer.appending("x").appending(0).tokens == ["a/b", "3", "~", "x", "0"])
    }

    @Test("Every part of a random text is found in it", arguments: 0..<100 as Range<UInt64>)
    func everyPartIsFound(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let value = random.json(depth: 5)
        for text in [value.text, value.pretty] {
            let bytes = Array(text.utf8)
            for (pointer, part) in parts(of: value, at: JSONPointer()) {
                let range = try #require(JSONText.slice(at: pointer, in: bytes), "seed \(seed), \(pointer)")
                #expect(try JSON(parsing: bytes[range]) == part, "seed \(seed), \(pointer)")
            }
        }
    }

    private func parts(of value: JSON, at pointer: JSONPointer) -> [(JSONPointer, JSON)] {
        var all = [(pointer, value)]
        switch value {
        case .array(let elements):
            for (index, element) in elements.enumerated() { all += parts(of: element, at: pointer.appending(index)) }
        case .object(let object):
            for member in object { all += parts(of: member.value, at: pointer.appending(member.key)) }
        default: break
        }
        return all
    }

    @Test("Elements are given as written, and can be resumed at each") func elementsCanBeResumed() {
        let bytes = Array(#" [ 1 , "a,]\"[" ,[2,[3]], {"x":"]"} ,null,-1.5e3 ] "#.utf8)
        let expected = ["1", #""a,]\"[""#, "[2,[3]]", #"{"x":"]"}"#, "null", "-1.5e3"]
        let ranges = all(JSONText.Elements(), in: bytes)
        #expect(ranges.map { String(decoding: bytes[$0], as: UTF8.self) } == expected)
        for (index, range) in ranges.enumerated() {
            #expect(all(JSONText.Elements(resumingAt: range.lowerBound), in: bytes) == Array(ranges[index...]))
        }
        var walked = JSONText.Elements()
        for index in ranges.indices {
            _ = walked.next(in: bytes)
            #expect(all(JSONText.Elements(resumingAt: walked.offset), in: bytes) == Array(ranges[(index + 1)...]))
        }
        #expect(walked.next(in: bytes) == nil)
    }

    @Test("There are no elements where there is no array", arguments: ["", " ", "[]", " [ ] ", "{}", "1", "\"[1]\""])
    func thereAreNoElements(_ text: String) {
        #expect(all(JSONText.Elements(), in: Array(text.utf8)).isEmpty)
    }

    @Test("Members are given with their keys read") func membersAreGiven() {
        let bytes = Array(#" { "a" : 1 , "\u0062\n" :[2, {}],"":{"c":"}"} } "#.utf8)
        var members = JSONText.Members()
        var found: [String] = []
        while let member = members.next(in: bytes) {
            found.append("\(member.key)=\(String(decoding: bytes[member.value], as: UTF8.self))")
        }
        #expect(found == ["a=1", "b\n=[2, {}]", "={\"c\":\"}\"}"])
        #expect(members.next(in: bytes) == nil)
    }

    @Test("Cut text is never read past its end", arguments: 0..<30 as Range<UInt64>)
    func cutTextIsNotReadPastItsEnd(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let whole = JSON.array([random.json(depth: 4), "a\\b", ["k": "v"]]).compact
        for end in whole.indices {
            let cut = Array(whole[..<end])
            for range in all(JSONText.Elements(), in: cut) { #expect(range.upperBound <= end, "seed \(seed)") }
            if let range = JSONText.slice(at: JSONPointer(["2", "k"]), in: cut) {
                #expect(range.upperBound <= end, "seed \(seed)")
            }
        }
    }

    @Test(
        "A damaged key ends the walk",
        arguments: [
            #"{"a\uZZZZ":1}"#, #"{"\ud800":1}"#, #"{"a\u12"#, #"{"a\"#, #"{""#, #"{"a"#, #"{"a" 1}"#, #"{"a":}"#,
            #"{1:2}"#,
        ])
    func aDamagedKeyEndsTheWalk(_ text: String) {
        var members = JSONText.Members()
        #expect(members.next(in: Array(text.utf8)) == nil)
        #expect(JSONText.slice(at: JSONPointer(["a"]), in: Array(text.utf8)) == nil)
    }

    private func all(_ elements: JSONText.Elements, in bytes: [UInt8]) -> [Range<Int>] {
        var elements = elements
        var ranges: [Range<Int>] = []
        while let range = elements.next(in: bytes) { ranges.append(range) }
        return ranges
    }
}
