import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

struct JournalBackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the journal and its artifacts, also while an engine writes.",
        discussion: """
            The copy is a data directory of its own, checked whole: ren --data DIR opens it. It holds no token and no \
            environments.
            """)

    @Argument(help: ArgumentHelp("A directory that is not there yet.", valueName: "dir"))
    var target: String

    @Flag(name: .long, help: "Also what the functions said.")
    var logs = false

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        guard !target.isEmpty else { throw ValidationError("the directory has no name") }
        let reading = try Reading(data, givingWay: true)
        reading.sayWay(output)
        let meter = Meter("copied")
        defer { meter.clear() }
        let report = try JournalBackup(reading.journal, of: reading.directory)
            .run(to: target, logs: logs) { meter.show($0, of: $1) }
        meter.clear()
        guard output.output == .human else { return Terminal.print(JSON.object(json(report, reading)).text) }
        Terminal.print(
            "backed up \(Words.count(Int(report.head.sequence.rawValue), "event")), "
                + "\(Words.count(report.artifacts, "artifact")), \(Words.bytes(report.bytes)) to "
                + "\(Terminal.escaped(target)): checked whole, last seq \(report.head.sequence) "
                + "sha256:\(report.head.hash)")
    }

    private func json(_ report: JournalBackup.Report, _ reading: Reading) -> JSONObject {
        [
            "directory": .string(target), "read": .string(reading.way.word),
            "events": JSON(report.head.sequence.rawValue), "runs": JSON(report.runs),
            "artifacts": JSON(report.artifacts), "logs": JSON(report.logs), "bytes": JSON(report.bytes),
            "head": JSON(report.head.sequence.rawValue), "head_hash": .string(report.head.hash.description),
        ]
    }
}
