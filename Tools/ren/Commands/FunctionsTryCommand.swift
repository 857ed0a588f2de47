import ArgumentParser
import Ren
import RenClient
import RenCore
import RenJSON

struct FunctionsTryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "try", abstract: "Call one function once, outside of any run; nothing is recorded.",
        discussion: """
            With -f, or without an engine, the files are loaded here; else it is the engine's own set. Exit 10 when the \
            function fails.
            """)

    @Argument(help: "The function's name, such as shop.list.")
    var name: String

    @Option(
        name: .shortAndLong, parsing: .unconditional,
        help: ArgumentHelp("Its arguments as an object, or the one that it takes.", valueName: "json|@file"))
    var input = "{}"

    @Option(name: .long, help: ArgumentHelp("At most so long, such as 30s or 5m.", valueName: "time"))
    var timeout = "60s"

    @OptionGroup var functions: FunctionOptions
    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.require(.human, .json)
        let input = try TextArgument.json(input)
        let timeout = try DurationText.parse(timeout)
        let directory = try data.directory
        let trial: JSON
        if functions.files.isEmpty {
            trial = try await EnginePath.take(in: directory) { client in
                try await client.attempt(name, input: input, timeout: timeout)
            } nobody: {
                try await here(input, timeout)
            }
        } else {
            trial = try await here(input, timeout)
        }
        try report(trial)
    }

    private func here(_ input: JSON, _ timeout: Duration) async throws -> JSON {
        let project = try Project.find(from: SystemFile.currentDirectory)
        let files = try functions.all(with: project)
        guard !files.isEmpty else { throw FunctionOptions.noFiles }
        return .object(
            try await FunctionProbe.attempt(
                name, input: input, files: files, in: try data.directory, timeout: timeout,
                install: functions.policy(project)
            ) { Terminal.complain(Terminal.escaped($0)) }.json)
    }

    private func report(_ trial: JSON) throws {
        let hasReturned = trial["outcome"] == "returned"
        guard output.output == .human else {
            Terminal.printJSON(trial.text)
            throw hasReturned ? ExitCode.success : .runFailed
        }
        for line in trial["logs"]?.arrayValue ?? [] {
            let fields = line["fields"].flatMap { $0.isNull ? nil : "  \($0.text)" } ?? ""
            let text = "\(line["level"]?.stringValue ?? "")  \(line["text"]?.stringValue ?? "")\(fields)"
            Terminal.complain(Terminal.escaped(text))
        }
        let time = Words.duration(.milliseconds(trial["milliseconds"]?.integerValue ?? 0))
        guard !hasReturned else {
            Terminal.printJSON((trial["output"] ?? .null).pretty)
            return Terminal.complain("\(name) returned after \(time)")
        }
        if let trace = trial["trace"]?.stringValue { Terminal.complain(Terminal.escaped(trace, lines: true)) }
        let words = trial["outcome"] == "timed_out" ? "did not return in time" : "failed"
        let error = trial["error"].flatMap { error in
            error["message"]?.stringValue.map { ": \(error["name"]?.stringValue ?? ""): \($0)" }
        }
        Terminal.complain("\(name) \(words) after \(time)\(Terminal.escaped(error ?? ""))")
        throw ExitCode.runFailed
    }
}
