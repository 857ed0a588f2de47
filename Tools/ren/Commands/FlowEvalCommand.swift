import ArgumentParser
import JSONLogic
import Ren
import RenCore
import RenJSON

struct FlowEvalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval", abstract: "Evaluate a JSONLogic expression, as a flow would.",
        usage: "ren flow eval <rule> [--data <json|@file>] [--trace] [-o <format>]",
        discussion: "The result is printed as JSON. RULE and the data may be @FILE, or @- for standard input.")

    /// An array, so that a rule such as `-1` is not taken for an option.
    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("The expression, as JSON.", valueName: "rule"))
    var rules: [String]

    @Option(
        name: .long, parsing: .unconditional, help: ArgumentHelp("What the expression reads.", valueName: "json|@file"))
    var data = "null"

    @Flag(name: .long, help: "Show each operator with its operands and its result.")
    var trace = false

    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        rules.removeAll { $0 == "--" }
        guard rules.count == 1 else { throw ValidationError("one expression is wanted, not \(rules.count)") }
    }

    func run() throws {
        try output.require(.human, .json)
        let data = try TextArgument.json(data)
        let rule = try Rule(compiling: try TextArgument.json(rules[0]))
        for quirk in rule.quirks where output.output == .human {
            Terminal.complain("warning: \(Terminal.escaped(quirk.message))\(Self.place(quirk.pointer))")
        }
        guard trace else { return Terminal.printJSON(try rule.evaluate(data).text) }
        try show(rule.trace(data))
    }

    /// Where in the rule; nothing for the whole of it.
    static func place(_ pointer: String) -> String { pointer.isEmpty ? "" : " (at \(pointer))" }

    private func show(_ evaluation: Evaluation) throws {
        guard output.output == .human else {
            var trace: JSONObject = ["result": try evaluation.result.get()]
            for member in evaluation.traceJSON { trace[member.key] = member.value }
            return Terminal.printJSON(JSON.object(trace).text)
        }
        for step in evaluation.steps {
            let operands = step.operands.map { Terminal.escaped($0.excerpt) }.joined(separator: ", ")
            let result: String
            switch step.result {
            case .success(let value): result = Terminal.escaped(value.excerpt)
            case .failure(let error): result = "error: \(Terminal.escaped(error.message))"
            }
            Terminal.complain("\(step.pointer.isEmpty ? "/" : step.pointer)  \(step.name)(\(operands)) = \(result)")
        }
        if evaluation.isCut { Terminal.complain("… and more, \(evaluation.stepCount) steps in all") }
        Terminal.printJSON(try evaluation.result.get().text)
    }
}
