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
            while its end is waited for. --for paused and --for signal exit with 0 once it is so. Without an engine a \
            run does not go on: it exits with 5, at once or when the engine goes away. With --timeout it says so and \
            waits for another one.
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
        // Whoever names a time has it for somebody to start an engine again.
        followed.needsEngine = patience == nil
        if try followed.isAbandoned() {
            let nobody = RenError(
                .engineGone, "no engine is at work on run \(row.id)",
                hint: "ren resume \(row.id) goes on with it, ren serve with every open run")
            // An engine that is there may be about to take it up.
            guard patience != nil || reading.holder != nil else { throw nobody }
            Terminal.complain(Terminal.escaped("\(nobody.message): \(nobody.hint ?? "")"))
        }
        followed.deadline = patience.map { .now + $0 }
        Signals.watch()
        switch try await followed.follow() {
        case .rested(let row): leave(try finish(followed, row))
        case .timedOut:
            let hint =
                try followed.isAbandoned()
                ? "no engine is at work on it: ren resume \(row.id) goes on with it"
                : "ren show \(row.id) tells where it stands"
            throw Complaint(
                RenError(.waitTimeout, "run \(row.id) is not there yet after \(timeout ?? "")", hint: hint),
                status: .timedOut)
        case .abandoned: throw followed.engineGone
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
