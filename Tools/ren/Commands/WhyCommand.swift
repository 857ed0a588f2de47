import ArgumentParser
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal

struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Why a node or an item ran, was skipped, waits or was tried again.")

    @Argument(help: ArgumentHelp("As ren --help says.", valueName: "run"))
    var runName: String

    @Argument(help: "The node.")
    var node: String

    @Argument(help: "The key of an item.")
    var key: String?

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        let reading = try Reading(data)
        let row = try reading.ownRun(runName)
        let isCarried = try reading.journal.read { view throws(RenError) in
            try view.isCarried(row, engineHolds: reading.holder != nil)
        }
        let why = try WhyView(
            row, node: node, key: key, in: reading.journal,
            WhyView.Asker(isCarried: isCarried, now: Timestamp.wallClock()))
        guard output.output == .human else { return Terminal.printJSON(JSON.object(why.json).text) }
        Terminal.print(why.text(output.style))
    }
}
