import ArgumentParser
import RenJSON

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Summary of one run: nodes, problems, and what to do next.")

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        let summary = try Reading(data).summary(of: name)
        guard output.output == .human else { return Terminal.printJSON(JSON.object(summary.jsonWithNext).text) }
        Terminal.print(summary.text(output.style))
    }
}
