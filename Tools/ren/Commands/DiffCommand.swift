import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two runs: where they part, inputs, flows, outcomes, outputs, items by key, times.")

    @Argument(help: ArgumentHelp("As ren --help says.", valueName: "run"))
    var a: String

    @Argument(help: ArgumentHelp("The other one.", valueName: "run"))
    var b: String

    @Option(name: .long, help: "Show where the outputs of this node differ.")
    var node: String?

    @Flag(name: .long, help: "Show where the runs' outputs differ.")
    var result = false

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if result, node != nil { throw ValidationError("--node and --result exclude each other") }
    }

    func run() throws {
        try output.require(.human, .json)
        let reading = try Reading(data, givingWay: true)
        let diff = try DiffView(
            try reading.ownRun(a), try reading.ownRun(b), in: reading.journal,
            detail: node.map { .node($0) } ?? (result ? .output : .none),
            examples: output.output == .human ? 20 : .max)
        guard output.output == .human else { return Terminal.printJSON(JSON.object(diff.json).text) }
        Terminal.print(diff.text(output.style))
    }
}
