import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

// `pause`, `stop` and `signal`: asked as a passer-by when no engine holds the directory (SEMANTICS.md 9).

/// What the three have in common.
struct ControlOptions: ParsableArguments {
    @Option(name: .long, help: "Why; kept with the event.")
    var reason: String?

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func ask(_ request: Request, of name: String?, command: String, done: (RunState.Phase) -> String) throws {
        try output.require(.human, .json)
        let outcome = try PasserBy.ask(
            request, of: { view throws(RenError) in try RunName.find(name, in: view) }, in: try data.existing(),
            by: "cli",
            command: command)
        guard output.output == .human else {
            let answer: JSON = [
                "run": .string(outcome.id), "status": .string(outcome.phase.word),
                "sequence": JSON(outcome.sequence.rawValue),
            ]
            return Terminal.printJSON(answer.text)
        }
        Terminal.print("\(outcome.id)  \(done(outcome.phase))   journal #\(Words.grouped(outcome.sequence.rawValue))")
    }
}

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Pause a run that no engine is at work on.")

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @Flag(name: .long, help: "Do not wait for what is in flight.")
    var now = false

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.ask(.pause(now: now, reason: options.reason), of: name, command: "ren pause") { phase in
            "\(phase.word); ren resume goes on with it"
        }
    }
}

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop a run that no engine is at work on: what is open is cancelled.")

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @Flag(name: .long, help: "Kill what is in flight.")
    var now = false

    @Flag(name: .long, help: "Let what is in flight finish.")
    var wait = false

    @OptionGroup var options: ControlOptions

    func validate() throws {
        if now, wait { throw ValidationError("--now and --wait exclude each other") }
    }

    func run() throws {
        let mode: StopMode = now ? .now : wait ? .wait : .cancel
        try options.ask(.stop(mode, reason: options.reason), of: name, command: "ren stop") { phase in phase.word }
    }
}

struct SignalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal", abstract: "Give a waiting run what it waits for; ren resume goes on with it.")

    @Argument(help: ArgumentHelp("As ren --help says.", valueName: "run"))
    var runName: String

    @Argument(help: "The signal's name, as ren show prints it.")
    var name: String

    @Argument(help: ArgumentHelp("Its data: JSON, or @file (null unless given).", valueName: "json|@file"))
    var value: String?

    @OptionGroup var options: ControlOptions

    func run() throws {
        let value = try value.map { text throws(RenError) in try TextArgument.json(text) } ?? .null
        let payload = Payload(hashing: value.compact)
        try options.ask(.signal(name: name, payload: payload), of: runName, command: "ren signal") { phase in
            let recorded = "signal \(Terminal.escaped(name)) recorded; "
            if case .ended = phase { return recorded + "the run \(phase.word)" }
            return recorded + (phase == .running ? "" : "the run is \(phase.word); ") + "ren resume goes on with it"
        }
    }
}

extension RunState.Phase {
    var word: String {
        switch self {
        case .running: "running"
        case .pausing: "pausing"
        case .paused: "paused"
        case .stopping: "stopping"
        case .ending: "ending"
        case .ended(let status): status.rawValue
        case .quarantined: "quarantined"
        }
    }
}
