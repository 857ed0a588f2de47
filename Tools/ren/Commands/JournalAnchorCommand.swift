import ArgumentParser
import Ren
import RenCore
import RenJournal

struct JournalAnchorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "anchor",
        abstract: "Write down where the journal and each run stand, as one line of JSON: to be kept elsewhere.",
        discussion: """
            ren journal verify --anchor FILE proves with it that nothing up to there was changed or cut off. A journal \
            alone cannot: one that was cut off or built anew is whole in itself.
            """)

    @Option(name: .long, help: ArgumentHelp("Add the line to this file, on another disk.", valueName: "file"))
    var to: String?

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        let reading = try Reading(data)
        guard let line = try reading.journal.anchorLine() else {
            throw RenError(.eventNotFound, "the journal has no event yet", hint: "ren run FLOW makes some")
        }
        guard let to else { return Terminal.printJSON(line) }
        try SystemFile.append(line + "\n", to: to)
        guard output.output == .human else { return Terminal.printJSON(line) }
        let head = try reading.journal.read { view throws(RenError) in try view.head().sequence }
        Terminal.print("anchor of #\(Words.grouped(head.rawValue)) added to \(Terminal.escaped(to))")
    }
}
