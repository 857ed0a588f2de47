import ArgumentParser
import Ren
import RenCore
import RenJournal

struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Watch a run until it ends: one line per node.",
        discussion: """
            Exits as ren run does. Ctrl-C stops watching; the run goes on. On a terminal the lines are painted over, \
            elsewhere there is a line at each change of a node and every 30 s.
            """)

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.require(.human, .json)
        let reading = try Reading(data)
        let row = try reading.run(name)
        let report = RunReport(id: row.id, options: output, showsProgress: true)
        let followed = FollowedRun(reading, row.number, report)
        guard row.status.isOpen else { leave(try followed.finish()) }
        if reading.holder == nil, !row.needsPerson {
            throw RenError(
                .engineGone, "no engine is at work on run \(row.id)", hint: "ren resume \(row.id) goes on with it")
        }
        report.announce("\(row.flowName) \(row.id)  Ctrl-C stops watching, the run goes on", in: reading.directory)
        Signals.watch()
        leave(try await followed.followToEnd())
    }
}
