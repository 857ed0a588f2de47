import RenJSON
import Testing

@Suite("Values")
struct ValueTests {
    @Test(
        "Equality is by value, and equal values hash alike",
        arguments: [
            (JSON.integer(1), JSON.double(1), true), (0, -0.0, true), (.integer(1 << 53 + 1), .double(0x1p53), false),
            (.integer(.max), .double(0x1p63), false), (1, true, false), (0, nil, false), ("1", 1, false),
            (1.5, 1.5, true),
            (["a": 1, "b": [2]], ["b": [2.0], "a": 1], true), (["a": 1], ["a": 1, "b": 2], false),
            (["a": 1, "b": nil], ["a": 1, "c": nil], false), ([1, 2], [2, 1], false), ([], [:], false),
        ] as [(JSON, JSON, Bool)])
    func equalityIsByValue(_ left: JSON, _ right: JSON, _ equal: Bool) {
        #expect((left == right) == equal)
        #expect((right == left) == equal)
        if equal { #expect(left.hashValue == right.hashValue) }
    }

    @Test(
        "Numbers are ordered exactly",
        arguments: [
            (JSON.integer(1), JSON.double(1.5), true), (1.5, 1, false), (2, 1, false), (1, 1, false), (-1, 0, true),
            (.double(0x1p53), .integer(1 << 53 + 1), true), (.integer(1 << 53 + 1), .double(0x1p53), false),
            (.integer(.max), .double(0x1p63), true), (.integer(.max), 1e300, true), (-1e300, .integer(.min), true),
            (0.5, 0.25, false),
        ] as [(JSON, JSON, Bool)])
    func numbersAreOrdered(_ left: JSON, _ right: JSON, _ isLess: Bool) {
        #expect(left.isLess(than: right) == isLess)
        #expect(right.isLess(than: left) == (!isLess && left != right))
    }

    @Test("What is no number has no order") func othersHaveNoOrder() {
        #expect(JSON.string("1").isLess(than: 2) == nil)
        #expect(JSON.integer(1).isLess(than: nil) == nil)
    }

    @Test("Accessors give nil for other kinds") func accessors() {
        let value: JSON = ["n": nil, "b": true, "i": 3, "d": 2.5, "w": 4.0, "s": "x", "a": [1, 2]]
        #expect(value["n"]?.isNull == true)
        #expect(value["b"]?.boolValue == true)
        #expect(value["i"]?.integerValue == 3)
        #expect(value["i"]?.doubleValue == 3)
        #expect(value["d"]?.integerValue == nil)
        #expect(value["w"]?.integerValue == 4)
        #expect(value["s"]?.stringValue == "x")
        #expect(value["s"]?.doubleValue == nil)
        #expect(value["a"]?[1] == 2)
        #expect(value["a"]?[2] == nil)
        #expect(value["a"]?[-1] == nil)
        #expect(value["a"]?["b"] == nil)
        #expect(value["missing"] == nil)
        #expect(value[0] == nil)
        #expect(value["a"]?.arrayValue?.count == 2)
        #expect(value["b"]?.objectValue == nil)
    }

    @Test("An object behaves as an ordered dictionary", arguments: 0..<50 as Range<UInt64>)
    func anObjectIsAnOrderedDictionary(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var object = JSONObject()
        var model: [(key: String, value: JSON)] = []
        for step in 0..<200 {
            let key = "k\(Int.random(in: 0..<40, using: &random))"
            let value: JSON? = Int.random(in: 0..<4, using: &random) == 0 ? nil : .integer(Int64(step))
            object[key] = value
            let position = model.firstIndex { $0.key == key }
            switch (position, value) {
            case (let position?, let value?): model[position].value = value
            case (let position?, nil): model.remove(at: position)
            case (nil, let value?): model.append((key, value))
            case (nil, nil): break
            }
            #expect(object.map(\.key) == model.map(\.key), "seed \(seed), step \(step)")
            #expect(object.map(\.value) == model.map(\.value), "seed \(seed), step \(step)")
            for index in 0..<40 {
                #expect(
                    object["k\(index)"] == model.first { $0.key == "k\(index)" }?.value, "seed \(seed), step \(step)")
            }
        }
    }

    @Test(
        "The nearest name is found, a far one is not",
        arguments: [
            ("requird", ["type", "required"], "required"), ("tpye", ["type", "items"], "type"),
            ("TYPE", ["type"], "type"),
            ("timout", ["timeout", "retry"], "timeout"), ("xyz", ["type", "items"], nil), ("", ["a"], nil),
            ("a", ["b"], nil),
            ("propertys", ["property", "properties"], "property"), ("x", [], nil),
            (String(repeating: "a", count: 10_000), ["a"], nil),
        ] as [(String, [String], String?)])
    func theNearestNameIsFound(_ word: String, _ names: [String], _ expected: String?) {
        #expect(nearest(to: word, in: names) == expected)
    }
}
