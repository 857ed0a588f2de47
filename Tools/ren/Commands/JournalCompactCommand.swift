import ArgumentParser
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal

struct JournalCompactCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact", abstract: "Give back the space that the journal has no use for.",
        discussion: """
            No engine may be at work here; readers may. A copy is written beside the journal, checked whole, and \
            exchanged with it: a crash at any step leaves the one or the other.
            """)

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        let directory = try data.existing()
        let report = try data.withLock(of: directory, for: "ren journal compact") { () throws(RenError) in
            try Compaction.run(directory: directory.journal)
        }
        guard output.output == .human else {
            let object: JSONObject = [
                "bytes_before": JSON(report.bytesBefore), "bytes_after": JSON(report.bytesAfter),
                "events": JSON(report.events),
            ]
            return Terminal.print(JSON.object(object).text)
        }
        Terminal.print(
            "compacted \(Words.count(report.events, "event")): \(Words.bytes(report.bytesBefore)) before, "
                + "\(Words.bytes(report.bytesAfter)) after, checked whole")
    }
}
