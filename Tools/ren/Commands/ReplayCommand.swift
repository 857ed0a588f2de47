import ArgumentParser
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Decide the whole history of a run again, without effects, and compare; exit 20 where it differs.",
        discussion: """
            Every recorded event must follow from those before it: requests must have been admissible, conditions and \
            arguments are evaluated again from recorded values, and what ren decided must be what it decides now.
            """)

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @Option(name: .long, help: ArgumentHelp("Up to this event of the journal.", valueName: "sequence"))
    var to: UInt64?

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        let reading = try Reading(data, givingWay: true)
        let row = try reading.ownRun(name)
        let began = ContinuousClock.now
        let view = try ReplayView(
            row, in: reading.journal, directory: reading.directory, upTo: to.map { JournalSequence($0) })
        let duration = ContinuousClock.now - began
        if output.output == .json {
            var object = view.json
            object["milliseconds"] = JSON(duration.nanoseconds / 1_000_000)
            Terminal.printJSON(JSON.object(object).text)
        } else {
            Terminal.print(view.text(output.style, duration))
        }
        if !view.isWhole { throw ExitCode.integrity }
    }
}

extension Reading {
    /// A run that follows a flow.
    ///
    /// - Throws: `run.invalid` for the run `journal`, what `run(_:)` throws.
    func ownRun(_ name: String?) throws(RenError) -> RunRow {
        guard name != RunRow.journalID else {
            throw RenError(
                .init("run.invalid"), "the run journal follows no flow: it holds what belongs to no run",
                hint: "ren journal ls --run journal lists it, ren journal verify checks it")
        }
        return try run(name)
    }
}
