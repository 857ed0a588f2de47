import JSONLogic
import RenJSON
import Testing

@Suite("Evaluation")
struct EvaluationTests {
    private static let numbers = JSON.array((0..<3_000).map { .integer($0) })

    /// Large values, so that work on them would take long if it were not charged.
    private static let large: JSON = {
        let text = String(repeating: "a", count: 700_000)
        let big = JSON.array(Array(repeating: 7, count: 200_000))
        let nested = JSON.array(Array(repeating: .array(Array(repeating: 7, count: 500)), count: 500))
        return [
            "l": numbers, "big": big, "nested": nested, "nestedAgain": .array((nested.arrayValue ?? []) + []),
            "text": .string(text), "textAgain": .string(text + ""), "hugeText": .string(text + text),
            "needle": .string(String(repeating: "a", count: 300_000) + "b"),
        ]
    }()

    // In release each takes well under a second; the limit is there for the case that nothing stops it.
    @Test(
        "Work that grows is stopped by the budget", .timeLimit(.minutes(1)),
        arguments: [
            #"{"map": [{"var": "l"}, {"map": [{"val": [[2], "l"]}, {"+": [{"var": ""}, 1]}]}]}"#,
            #"{"filter": [{"var": "l"}, {"some": [{"val": [[2], "l"]}, false]}]}"#,
            #"{"reduce": [{"var": "l"}, {"all": [{"val": [[2], "l"]}, true]}, 0]}"#,
            #"{"reduce": [{"var": "l"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "x"]}"#,
            #"{"reduce": [{"var": "l"}, {"merge": [{"var": "accumulator"}, {"var": "accumulator"}]}, [1]]}"#,
            #"{"reduce": [{"var": "l"}, [{"var": "accumulator"}, {"var": "accumulator"}], 1]}"#,
            #"{"reduce": [{"var": "l"}, {"eachKey": {"a": {"var": "accumulator"}, "b": {"var": "accumulator"}}}, 1]}"#,
            #"{"reduce": [{"var": "l"}, [{"var": "accumulator"}], 1]}"#,
            #"{"reduce": [{"var": "l"}, {"cat": [[{"var": "accumulator"}, {"var": "accumulator"}]]}, 1]}"#,
            #"{"map": [{"var": "l"}, {"in": [-1, {"val": [[2], "big"]}]}]}"#,
            #"{"map": [{"var": "l"}, {"===": [{"val": [[2], "nested"]}, {"val": [[2], "nestedAgain"]}]}]}"#,
            #"{"map": [{"var": "l"}, {"in": [{"val": [[2], "needle"]}, {"val": [[2], "text"]}]}]}"#,
            #"{"map": [{"var": "l"}, {"length": {"val": [[2], "text"]}}]}"#,
            #"{"map": [{"var": "l"}, {"<": [{"val": [[2], "text"]}, {"val": [[2], "textAgain"]}]}]}"#,
            #"{"map": [{"var": "l"}, {"missing": {"val": [[2], "big"]}}]}"#,
            #"{"map": [{"var": "l"}, {"+": {"val": [[2], "big"]}}]}"#,
            #"{"map": [{"var": "l"}, {"var": {"val": [[2], "text"]}}]}"#,
            #"{"map": [{"var": "l"}, {"substr": [{"val": [[2], "text"]}, 1, 2]}]}"#,
            #"{"map": [{"var": "l"}, {"cat": [{"val": [[2], "text"]}, "x"]}]}"#,
            #"{"map": [{"var": "big"}, 1]}"#, #"{"merge": [{"var": "text"}, {"var": "text"}]}"#,
            #"[{"var": "text"}, {"var": "text"}]"#,
            #"{"cat": [{"var": "text"}, {"var": "text"}]}"#, #"{"if": [true, {"var": "hugeText"}]}"#,
            #"{"try": [{"map": [{"var": "big"}, 1]}, "caught"]}"#,
        ])
    func budget(_ rule: String) throws {
        let rule = try Rule(compiling: JSON(parsing: rule))
        let error = #expect(throws: LogicError.self) { try rule.evaluate(Self.large) }
        #expect(error?.code == .budget)
    }

    @Test(
        "Work within the budget is done",
        arguments: [
            Row(#"{"length": [{"map": [{"var": "l"}, {"*": [{"var": ""}, 2]}]}]}"#, "3000"),
            Row(#"{"reduce": [{"var": "l"}, {"+": [{"var": "accumulator"}, {"var": "current"}]}, 0]}"#, "4498500"),
            Row(#"{"length": [{"reduce": [{"var": "l"}, {"cat": [{"var": "accumulator"}, "01234"]}, ""]}]}"#, "15000"),
            Row(#"{"in": [2999, {"var": "l"}]}"#, "true"),
        ])
    func withinBudget(_ row: Row) throws {
        var row = row
        row.data = (["l": Self.numbers] as JSON).text
        try row.check()
    }

    @Test("A smaller budget stops earlier, and says where")
    func smallBudget() throws {
        let rule = try Rule(compiling: ["if": [["+": [1, 2]], ["cat": ["abc", "def"]], 0]])
        #expect(try rule.evaluate(.null, budget: Budget(steps: 3, resultBytes: 8)) == "abcdef")
        let steps = #expect(throws: LogicError.self) {
            try rule.evaluate(.null, budget: Budget(steps: 2, resultBytes: 8))
        }
        #expect(steps?.pointer == "/if/1")
        let bytes = #expect(throws: LogicError.self) {
            try rule.evaluate(.null, budget: Budget(steps: 3, resultBytes: 5))
        }
        #expect(bytes?.pointer == "/if/1")
        #expect(bytes?.code == .budget)
    }

    @Test("A value that is read as it is has no limit of size")
    func reference() throws {
        let text = JSON.string(String(repeating: "a", count: 3 << 20))
        #expect(try Rule(compiling: ["var": "x"]).evaluate(["x": text]) == text)
    }

    @Test(
        "Errors have a code, a type, the values and the place",
        arguments: [
            ErrorRow(#"{"+": [1, {"var": "x"}]}"#, .number, "NaN", "", "needs a number, not \"abc\""),
            ErrorRow(#"{"if": [{"/": [1, 0]}, 1]}"#, .number, "NaN", "/if/0", "`/` by zero"),
            ErrorRow(#"{"*": [1e200, 1e200]}"#, .number, "NaN", "", "out of range"),
            ErrorRow(#"{"map": [{"var": "x"}, 1]}"#, .arguments, "Invalid Arguments", "", "needs a list, not \"abc\""),
            ErrorRow(#"[{"<": 5}]"#, .arguments, "Invalid Arguments", "/0", "takes a list written in the rule"),
            ErrorRow(#"{"throw": "Bad"}"#, .thrown, "Bad", "", "threw \"Bad\""),
            ErrorRow(#"{"throw": {"var": "e"}}"#, .thrown, "E", "", "threw \"E\""),
        ])
    func errors(_ row: ErrorRow) throws {
        let rule = try Rule(compiling: JSON(parsing: row.rule))
        let data: JSON = ["x": "abc", "e": ["type": "E", "more": 1]]
        let error = try #require(#expect(throws: LogicError.self) { try rule.evaluate(data) })
        #expect(error.code == row.code)
        #expect(error.type == row.type)
        #expect(error.pointer == row.pointer)
        #expect(error.message.contains(row.part), "\(error.message)")
        #expect(error.value == (row.type == "E" ? data["e"] : nil))
    }

    @Test("No message repeats the data at length")
    func shortMessages() throws {
        let rule = try Rule(compiling: ["+": [["var": "x"], 1]])
        let error = try #require(
            #expect(throws: LogicError.self) { try rule.evaluate(["x": .string(String(repeating: "é", count: 5_000))]) }
        )
        #expect(error.message.count < 100)
    }

    @Test("The trace: operands once each, operators from the inside out")
    func trace() throws {
        let source = """
            {"and": [
                {"<": [{"var": "a.b"}, 3]},
                {"some": [{"var": "l"}, {"==": [{"var": ""}, {"val": [[2], "gone"]}]}]}
            ]}
            """
        let rule = try Rule(compiling: JSON(parsing: source))
        let trace = rule.trace(["a": ["b": 2], "l": [5, 0, 7]])
        #expect(trace.result == .success(true))
        let operands = trace.operands.map { "\($0.path.joined(separator: ".")) = \($0.value?.text ?? "nothing")" }
        #expect(operands == ["a.b = 2", "l = [5,0,7]", "gone = nothing"])
        let texts = trace.steps.map { step in
            let operands = JSON.array(step.operands).text
            let result = (try? step.result.get())?.text ?? "error"
            return "\(step.level) \(step.pointer) \(step.name) \(operands) \(result)"
        }
        #expect(
            texts == [
                #"0 /and/0/</0 var [] 2"#, #"0 /and/0 < [2,3] true"#, #"0 /and/1/some/0 var [] [5,0,7]"#,
                #"1 /and/1/some/1/==/0 var [] 5"#, #"1 /and/1/some/1/==/1 val [] null"#,
                #"1 /and/1/some/1 == [5,null] false"#,
                #"1 /and/1/some/1/==/0 var [] 0"#, #"1 /and/1/some/1/==/1 val [] null"#,
                #"1 /and/1/some/1 == [0,null] true"#,
                #"0 /and/1 some [[5,0,7]] true"#, #"0  and [true,true] true"#,
            ])
        #expect(!trace.isCut)
        #expect(trace.stepCount == 7)
    }

    @Test("The trace of a failure ends at its place; missing paths are operands too")
    func traceOfFailure() throws {
        let rule = try Rule(compiling: ["if": [["missing": ["a", "b"]], ["/": [["var": "a"], 0]], 1]])
        let trace = rule.trace(["a": 1])
        #expect(trace.steps.map(\.name) == ["missing", "var", "/", "if"])
        #expect(trace.operands.map(\.path) == [["a"], ["b"]])
        guard case .failure(let error) = trace.result else { return #expect(Bool(false), "it divides by zero") }
        #expect(error.pointer == "/if/1")
    }

    @Test("A long trace is cut, its result is not")
    func longTrace() throws {
        let trace = try Rule(compiling: ["map": [["var": "l"], ["+": [["var": ""], 1]]]]).trace(["l": Self.numbers])
        #expect(trace.steps.count == 1_000)
        #expect(trace.isCut)
        #expect((try trace.result.get()).arrayValue?.count == 3_000)
    }
}

struct ErrorRow: Sendable, CustomTestStringConvertible {
    var rule: String
    var code: LogicError.Code
    var type: String
    var pointer: String
    var part: String

    init(_ rule: String, _ code: LogicError.Code, _ type: String, _ pointer: String, _ part: String) {
        (self.rule, self.code, self.type, self.pointer, self.part) = (rule, code, type, pointer, part)
    }

    var testDescription: String { rule }
}
