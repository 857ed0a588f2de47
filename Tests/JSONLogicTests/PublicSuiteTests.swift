import JSONLogic
import RenJSON
import Testing

/// Without the sets there is nothing to compare with; the runner shows these tests as skipped, with this reason.
private let areThere = ConditionTrait.enabled(
    if: PublicSuites.areThere, "the folder ../shared/jsonlogic beside the package is missing")

@Suite("Public test sets")
struct PublicSuiteTests {
    @Test("All sets are read, the compatible one whole", areThere)
    func setsAreRead() {
        #expect(PublicSuites.cases.count(where: { $0.file == "compatible" }) == 278)
        for file in PublicSuites.files { #expect(PublicSuites.cases.contains { $0.file == file }) }
    }

    @Test("Every public case", areThere, arguments: PublicSuites.cases)
    func everyCase(_ row: PublicCase) {
        switch (outcome(row.rule, row.data), row.wanted) {
        case (.success(let value), .value(let wanted)): #expect(value == wanted)
        case (.failure(let error), .error(let type)): #expect(error.type == type)
        case (let outcome, let wanted): Issue.record("wanted \(wanted), got \(outcome)")
        }
    }

    @Test("Traced and evaluated twice gives the same", areThere, arguments: PublicSuites.cases)
    func tracedIsTheSame(_ row: PublicCase) throws {
        let rule = try Rule(compiling: row.rule)
        let plain = Result { () throws(LogicError) in try rule.evaluate(row.data) }
        let trace = rule.trace(row.data)
        #expect(trace.result == plain)
        #expect(rule.trace(row.data).result == plain)
        #expect(try Rule(compiling: rule.source) == rule)
        for operand in trace.operands {
            #expect(rule.reads.contains { $0.scope == .root && ($0.isDynamic || $0.path == operand.path) })
        }
    }
}
