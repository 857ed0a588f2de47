import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

struct ResultCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "result", abstract: "Print the output of a run that succeeded, as JSON.")

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        let reading = try Reading(data)
        let summary = try reading.summary(of: name)
        let row = summary.row
        guard !row.status.isOpen else {
            throw RenError(.runNotEnded, "run \(row.id) has not ended: \(summary.status)", hint: "ren show \(row.id)")
        }
        guard row.status == .succeeded else {
            let error = row.error.map { ": \($0.text)" } ?? ""
            throw Complaint(
                RenError(.runNoResult, "run \(row.id) \(row.status.name)\(error)", hint: "ren show \(row.id)"),
                status: .of(row.status))
        }
        let bytes = try summary.output(in: reading.journal) ?? Array("null".utf8)
        guard output.output == .human, let value = try? JSON(parsing: bytes, limits: .payload) else {
            return Terminal.printJSON(String(decoding: bytes, as: UTF8.self))
        }
        Terminal.printJSON(value.pretty)
    }
}

extension RenError.Code {
    static let runNoResult = Self("run.no_result")
}
