import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Who asked what when, what a run was made of, and whether its records are whole; else exit 20.")

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        let reading = try Reading(data, givingWay: true)
        let audit = try AuditView(try reading.ownRun(name), in: reading.journal, directory: reading.directory)
        Terminal.print(output.output == .human ? audit.text(output.style) : JSON.object(audit.json).text)
        if !audit.isClean { throw ExitCode.integrity }
    }
}
