import RenJSON
import RenYAML
import Testing

/// A text and the place of each key (`key@line:column+offset`) and value (`kind@…`), in the order of the text.
struct Places: Sendable, CustomTestStringConvertible {
    var yaml: String
    var places: String

    init(_ yaml: String, _ places: String) {
        self.yaml = yaml
        self.places = places
    }

    var testDescription: String { yaml.debugDescription }
}

@Suite("Places")
struct PlacesTests {
    @Test(
        "Every key and value knows where it begins",
        arguments: [
            Places("a", "string@1:1+0"),
            Places("a: 1\nb:   x", "object@1:1+0 a@1:1+0 integer@1:4+3 b@2:1+5 string@2:6+10"),
            Places(
                "a:\n  - 1\n  - b: 2",
                "object@1:1+0 a@1:1+0 array@2:3+5 integer@2:5+7 object@3:5+13 b@3:5+13 integer@3:8+16"),
            Places("- - x\n-\n  - y", "array@1:1+0 array@1:3+2 string@1:5+4 array@3:3+10 string@3:5+12"),
            Places("{ a: [1,\n 2]}", "object@1:1+0 a@1:3+2 array@1:6+5 integer@1:7+6 integer@2:2+10"),
            Places("[a: b]", "array@1:1+0 object@1:2+1 a@1:2+1 string@1:5+4"),
            // Columns count Unicode scalars, offsets count bytes.
            Places("é: \"ü\"\n'😀x': y", "object@1:1+0 é@1:1+0 string@1:4+4 😀x@2:1+9 string@2:7+18"),
            Places("{é: ü, ö: 1}", "object@1:1+0 é@1:2+1 string@1:5+5 ö@1:8+9 integer@1:11+13"),
            // A break of two bytes ends one line.
            Places(
                "a: 1\r\nb: |\r\n  x\r\nc: >\r\n  y",
                "object@1:1+0 a@1:1+0 integer@1:4+3 b@2:1+6 string@2:4+9 c@4:1+17 string@4:4+20"),
            // What is not written stands where it is missing.
            Places("a:\nb: # c\n- x", "object@1:1+0 a@1:1+0 null@1:3+2 b@2:1+3 array@3:1+10 string@3:3+12"),
            Places("-\n- {a: }", "array@1:1+0 null@1:2+1 object@2:3+4 a@2:4+5 null@2:6+7"),
            Places("# c\n---\n\n  a: b", "object@4:3+11 a@4:3+11 string@4:6+14"),
        ])
    func everyPartKnowsItsPlace(_ row: Places) throws {
        var found: [String] = []
        func visit(_ value: Located) {
            found.append("\(value.typeName)@\(text(value.place))")
            switch value.value {
            case .array(let items): items.forEach(visit)
            case .object(let members):
                for member in members {
                    found.append("\(member.key)@\(text(member.keyPlace))")
                    visit(member.value)
                }
            default: break
            }
        }
        visit(try YAML.parseOne(Array(row.yaml.utf8)))
        #expect(found.joined(separator: " ") == row.places)
    }

    @Test("Columns are right anywhere on a long line")
    func longLine() throws {
        // Scalars of one to four bytes, so that they fall on every side of any block boundary.
        let words = (0..<500).map { "\($0)aéあ😀" }
        let value = try YAML.parseOne(Array("[\(words.joined(separator: ","))]".utf8))
        guard case .array(let items) = value.value else {
            Issue.record("no list: \(value)")
            return
        }
        var expected = Place(line: 1, column: 2, offset: 1)
        for (item, word) in zip(items, words) {
            #expect(item.place == expected)
            expected.column += word.unicodeScalars.count + 1
            expected.offset += word.utf8.count + 1
        }
        #expect(items.count == words.count)
    }

    private func text(_ place: Place) -> String { "\(place.line):\(place.column)+\(place.offset)" }
}
