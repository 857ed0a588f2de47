import ArgumentParser

struct FlowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flow", abstract: "Check flow files, and try expressions.",
        subcommands: [FlowCheckCommand.self, FlowEvalCommand.self])
}
