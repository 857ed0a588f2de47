import ArgumentParser
import Ren
import RenCore

/// The `ren` command. One file per subcommand in `Commands/`; the rest is what they share.
///
/// This is the composition: it picks concrete types, knows people and terminals, and holds no rule of the engine.
struct RenTool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ren",
        abstract: "Durable flows on your own machine.",
        discussion: """
            A RUN is an id, a unique beginning of one, @last, @last:FLOW or @running; without it the only open run is \
            meant, else the last. The data directory is --data, else REN_DATA, else ~/.ren.
            """,
        version: renVersion,
        groupedSubcommands: [
            CommandGroup(name: "Start", subcommands: [RunCommand.self, ResumeCommand.self]),
            CommandGroup(
                name: "Runs",
                subcommands: [
                    RunsCommand.self, ShowCommand.self, ItemsCommand.self, LogsCommand.self, ResultCommand.self,
                ]),
            CommandGroup(name: "Control", subcommands: [PauseCommand.self, StopCommand.self, SignalCommand.self]),
            CommandGroup(name: "Flows", subcommands: [FlowCommand.self, FunctionsCommand.self]),
            CommandGroup(name: "Journal", subcommands: [JournalCommand.self]),
            CommandGroup(
                name: "System", subcommands: [DoctorCommand.self, VersionCommand.self, ExitCodesCommand.self]),
        ])
}

@main
enum Main {
    static func main() async {
        do {
            var command = try RenTool.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }

    private static func end(with error: any Error) -> Never {
        if let complaint = Complaint(caught: error) {
            complaint.print()
            leave(complaint.status)
        }
        if let status = error as? ExitCode { leave(status) }
        // What is left is the parser's own: help and version, which are no error, and wrong usage.
        let text = RenTool.fullMessage(for: error)
        guard RenTool.exitCode(for: error) != .success else {
            Terminal.print(text)
            leave(.success)
        }
        if Terminal.wantsJSON {
            Complaint(RenError(.usage, RenTool.message(for: error), hint: "ren --help")).print()
        } else {
            Terminal.complain(text)
        }
        leave(.usage)
    }
}
