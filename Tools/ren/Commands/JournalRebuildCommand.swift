import ArgumentParser
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal

struct JournalRebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "Make all projections again from the events.",
        discussion: "No engine may be at work here. A crash in the middle is made good by the next start.")

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        let directory = try data.existing()
        let start = ContinuousClock.now
        let meter = Meter("folded")
        defer { meter.clear() }
        let events = try data.withLock(of: directory, for: "ren journal rebuild") { () throws(RenError) -> UInt64 in
            var options = JournalOptions()
            options.rebuild = true
            options.onRebuild = { meter.show($0, of: $1) }
            let journal = try LMDBJournal.open(directory: directory.journal, options: options)
            defer { journal.close() }
            return try journal.read { view throws(RenError) in try view.head().sequence.rawValue }
        }
        meter.clear()
        let time = ContinuousClock.now - start
        guard output.output == .human else {
            let object: JSONObject = ["events": JSON(events), "milliseconds": JSON(time.nanoseconds / 1_000_000)]
            return Terminal.print(JSON.object(object).text)
        }
        Terminal.print("rebuilt the projections from \(Words.count(Int(events), "event")) in \(Words.duration(time))")
    }
}
