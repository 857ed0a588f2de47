import ArgumentParser

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case human, json, jsonl, csv
}

/// `-o` and `--color`, for every command that prints something.
struct OutputOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("human, json; lists also jsonl, some csv.", valueName: "format"))
    var output = OutputFormat.human

    @Option(name: .long, help: "auto, always or never.")
    var color = Style.Choice.auto

    var style: Style { Style(color, isTerminal: Terminal.outputIsTerminal) }

    /// - Throws: wrong usage, when the command has no such output.
    func require(_ formats: OutputFormat...) throws {
        guard formats.contains(output) else {
            throw ValidationError(
                "this command prints \(formats.map(\.rawValue).joined(separator: ", ")), not \(output.rawValue)")
        }
    }
}
