import JSONLogic
import RenJSON
import Testing

/// A row of a table: a rule, its data, and what is wanted: JSON text, or `!` and the type of the error.
struct Row: Sendable, CustomTestStringConvertible {
    var rule: String
    var data: String
    var wanted: String

    init(_ rule: String, _ wanted: String, data: String = "null") {
        self.rule = rule
        self.wanted = wanted
        self.data = data
    }

    var testDescription: String { "\(rule) of \(data) is \(wanted)" }

    func check(sourceLocation: SourceLocation = #_sourceLocation) throws {
        switch outcome(try JSON(parsing: rule), try JSON(parsing: data)) {
        case .success(let value):
            // The text, so that an integer is told from a double.
            #expect(value.text == wanted, sourceLocation: sourceLocation)
        case .failure(let error):
            #expect("!" + error.type == wanted, "\(error)", sourceLocation: sourceLocation)
        }
    }
}
