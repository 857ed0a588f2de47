import RenJSON
import Testing

@Suite("Places")
struct PlaceTests {
    private let text = "{\n  \"é😀\": [1,\n\t\"x\", {\"deep\": null}],\r\n  \"b\": -2.5\n}"

    @Test(
        "Every value knows its line, column in scalars, and byte",
        arguments: [
            ("", 1, 1, 0), ("/é😀", 2, 9, 14), ("/é😀/0", 2, 10, 15), ("/é😀/1", 3, 2, 19), ("/é😀/2", 3, 7, 24),
            ("/é😀/2/deep", 3, 16, 33), ("/b", 4, 8, 49),
        ])
    func everyValueKnowsItsPlace(_ pointer: String, _ line: Int, _ column: Int, _ offset: Int) throws {
        let located = try Located(parsing: text)
        let pointer = try #require(JSONPointer(parsing: pointer))
        #expect(located[pointer]?.place == Place(line: line, column: column, offset: offset))
        #expect(located.place(at: pointer) == Place(line: line, column: column, offset: offset))
    }

    @Test("A key knows its place") func aKeyKnowsItsPlace() throws {
        guard case .object(let members) = try Located(parsing: text).value else { throw Unexpected("no object") }
        #expect(members.map(\.keyPlace.description) == ["2:3", "4:3"])
    }

    @Test("A missing part is shown at the nearest part around it") func aMissingPart() throws {
        let located = try Located(parsing: text)
        #expect(located.place(at: JSONPointer(["b", "c", "d"])) == located["b"]?.place)
        #expect(located.place(at: JSONPointer(["nothing"])) == located.place)
        #expect(located[JSONPointer(["é😀", "3"])] == nil)
    }

    @Test(
        "An error knows its line and column",
        arguments: [
            ("[\n1,\n  x]", "3:3"), ("\"é\" x", "1:5"), ("[\r\n\r\n}", "3:1"), ("[1,\n", "2:1"),
        ])
    func anErrorKnowsItsPlace(_ text: String, _ place: String) {
        #expect(error { _ = try JSON(parsing: text) }?.place.description == place)
    }
}
