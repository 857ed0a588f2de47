import ArgumentParser
import Ren
import RenClient
import RenCore
import RenJSON
import RenJournal

// `pause`, `stop` and `signal`: asked of the engine that holds the directory, and as a passer-by when none does
// (SEMANTICS.md 9).

/// What the three have in common.
struct ControlOptions: ParsableArguments {
    @Option(name: .long, help: "Why; kept with the event.")
    var reason: String?

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    /// Where the run stands after the request.
    struct Outcome {
        var row: RunRow
        var inFlight: Int
        var isCarried: Bool
        var sequence: UInt64
    }

    /// - Parameter ask: of an engine, with the run's id and the key of the request; gives the sequence of its last event.
    func ask(
        _ request: Request, of name: String?, command: String,
        _ ask: (Client, _ run: String, _ key: String) async throws -> Client.Accepted, done: (Outcome) -> String
    ) async throws {
        try output.require(.human, .json)
        let directory = try data.existing()
        let key = Client.newKey()
        let (id, sequence) = try await EnginePath.take(in: directory) { client in
            let id = try Reading(data).run(name).id
            return (id, try await ask(client, id, key).sequence)
        } nobody: {
            let outcome = try PasserBy.ask(
                request, of: { view throws(RenError) in try RunName.find(name, in: view) }, in: directory, by: "cli",
                command: command)
            return (outcome.id, outcome.sequence.rawValue)
        }
        try report(try outcome(of: id, sequence), done)
    }

    private func outcome(of id: String, _ sequence: UInt64) throws -> Outcome {
        let reading = try Reading(data)
        let row = try reading.run(id)
        let (nodes, isCarried) = try reading.journal.read { view throws(RenError) in
            (try view.nodes(of: row.number), try view.isCarried(row, engineHolds: reading.holder != nil))
        }
        let inFlight = nodes.reduce(0) { $0 + $1.row.running }
        return Outcome(row: row, inFlight: inFlight, isCarried: isCarried, sequence: sequence)
    }

    private func report(_ outcome: Outcome, _ done: (Outcome) -> String) throws {
        guard output.output == .human else {
            let answer: JSON = [
                "run": .string(outcome.row.id), "status": .string(outcome.row.shownStatus),
                "sequence": .integer(Int64(clamping: outcome.sequence)),
            ]
            return Terminal.printJSON(answer.text)
        }
        Terminal.print("\(outcome.row.id)  \(done(outcome))   journal #\(Words.grouped(outcome.sequence))")
    }
}

extension ControlOptions.Outcome {
    /// `pausing (3 in flight)`
    var status: String {
        ["pausing", "stopping"].contains(row.shownStatus) && inFlight > 0
            ? "\(row.shownStatus) (\(Words.grouped(inFlight)) in flight)" : row.shownStatus
    }
}

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Pause a run: what is in flight may finish, nothing new begins.")

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @Flag(name: .long, help: "Do not wait for what is in flight: it is interrupted, and begins again later.")
    var now = false

    @OptionGroup var options: ControlOptions

    func run() async throws {
        let (now, reason) = (now, options.reason)
        try await options.ask(.pause(now: now, reason: reason), of: name, command: "ren pause") { client, run, key in
            try await client.pause(run, now: now, reason: reason, key: key)
        } done: { outcome in
            "\(outcome.status); ren resume goes on with it"
        }
    }
}

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop a run for good: what is open is cancelled.")

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

    func run() async throws {
        let mode: StopMode = now ? .now : wait ? .wait : .cancel
        let reason = options.reason
        try await options.ask(.stop(mode, reason: reason), of: name, command: "ren stop") { client, run, key in
            try await client.stop(run, mode: mode.rawValue, reason: reason, key: key)
        } done: {
            $0.status
        }
    }
}

struct SignalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal", abstract: "Give a waiting run what it waits for.",
        discussion: "An engine goes on with the run at once; without one, ren resume does.")

    @Argument(help: ArgumentHelp("As ren --help says.", valueName: "run"))
    var runName: String

    @Argument(help: "The signal's name, as ren show prints it.")
    var name: String

    @Argument(help: ArgumentHelp("Its data: JSON, or @file (null unless given).", valueName: "json|@file"))
    var value: String?

    @OptionGroup var options: ControlOptions

    func run() async throws {
        let value = try value.map { text throws(RenError) in try TextArgument.json(text) } ?? .null
        let (signal, reason) = (name, options.reason)
        let request = Request.signal(name: signal, payload: Payload(hashing: value.compact))
        try await options.ask(request, of: runName, command: "ren signal") { client, run, key in
            try await client.signal(run, name: signal, data: value, reason: reason, key: key)
        } done: { outcome in
            let recorded = "signal \(Terminal.escaped(signal)) recorded; "
            guard outcome.row.status.isOpen else { return recorded + "the run \(outcome.row.shownStatus)" }
            let isPaused = outcome.row.status != .running
            if outcome.isCarried, !isPaused { return recorded + "the run goes on" }
            return recorded + (isPaused ? "the run is \(outcome.status); " : "") + "ren resume goes on with it"
        }
    }
}
