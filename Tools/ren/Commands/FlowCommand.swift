import ArgumentParser

struct FlowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flow", abstract: "Check flow files, register them, and try expressions.",
        subcommands: [FlowCheckCommand.self, FlowEvalCommand.self, FlowRegisterCommand.self])
}
