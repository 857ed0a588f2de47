import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

struct WaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until a run has ended, is paused, or waits for a signal.",
        discussion: """
            Exits as ren run does, with 12 when the time is over, and with 13 when the run comes to wait for a person \
            while its end is waited for. --for paused and --for signal exit with 0 once it is so.
            """)

    enum Goal: String, ExpressibleByArgument, CaseIterable { case done, paused, signal }

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @Option(name: .customLong("for"), help: "done, paused or signal.")
    var goal = Goal.done

    @Option(name: .long, help: ArgumentHelp("At most so long, such as 30s or 2h.", valueName: "time"))
    var timeout: String?

    @Flag(name: .customLong("wait-signals"), help: "Wait on while the run is paused or waits for a person.")
    var waitsOn = false

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.require(.human, .json)
        let patience = try timeout.map { text throws(RenError) in try DurationText.parse(text) }
        let reading = try Reading(data)
        let row = try reading.run(name)
        let report = RunReport(id: row.id, options: output, showsProgress: false)
        var followed = FollowedRun(reading, row.number, report)
        let (goal, waitsOn) = (goal, waitsOn)
        followed.isWanted = { row in
            if !row.status.isOpen { return true }
            return switch goal {
            case .done: row.needsPerson && !waitsOn
            case .paused: row.status == .paused
            case .signal: row.isWaiting
            }
        }
        // Who waits on has time for somebody to start an engine again.
        followed.needsEngine = false
        followed.deadline = patience.map { .now + $0 }
        Signals.watch()
        switch try await followed.follow() {
        case .rested(let row): leave(try finish(followed, row))
        case .timedOut, .abandoned:
            throw Complaint(
                RenError(
                    .waitTimeout, "run \(row.id) is not there yet after \(timeout ?? "")",
                    hint: "it goes on all the same; ren show \(row.id)"), status: .timedOut)
        case .interrupted: leave(Signals.received == Signals.terminate ? .terminated : .interrupted)
        }
    }

    private func finish(_ followed: FollowedRun, _ row: RunRow) throws -> ExitCode {
        let summary = try followed.summary()
        if output.output == .human {
            Terminal.print("\(summary.row.id)  \(summary.status)")
        } else {
            Terminal.printJSON(summary.report(output: try summary.output(in: followed.journal)))
        }
        // What was waited for has come, and is no failure.
        return goal != .done && row.status.isOpen ? .success : .of(row.status)
    }
}

extension RenError.Code {
    static let waitTimeout = Self("wait.timeout")
}
