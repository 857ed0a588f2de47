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
            CommandGroup(
                name: "Start", subcommands: [RunCommand.self, ResumeCommand.self, ServeCommand.self, OpenCommand.self]),
            CommandGroup(
                name: "Runs",
                subcommands: [
                    RunsCommand.self, ShowCommand.self, WatchCommand.self, WaitCommand.self, ItemsCommand.self,
                    LogsCommand.self, ResultCommand.self,
                ]),
            CommandGroup(
                name: "Control",
                subcommands: [
                    PauseCommand.self, StopCommand.self, SignalCommand.self, RetryCommand.self, SkipCommand.self,
                    ForkCommand.self,
                ]),
            CommandGroup(
                name: "History",
                subcommands: [
                    StateCommand.self, ReplayCommand.self, AuditCommand.self, DiffCommand.self, WhyCommand.self,
                ]),
            CommandGroup(
                name: "Flows", subcommands: [FlowCommand.self, FunctionsCommand.self, WorkersCommand.self]),
            CommandGroup(name: "Journal", subcommands: [JournalCommand.self]),
            CommandGroup(
                name: "System",
                subcommands: [
                    DoctorCommand.self, ServiceCommand.self, CompletionCommand.self, VersionCommand.self,
                    ExitCodesCommand.self,
                ]),
        ])
}

@main
enum Main {
    static func main() async {
        var called: any ParsableCommand.Type = RenTool.self
        do {
            var command = try RenTool.parseAsRoot()
            called = type(of: command)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            leave(.success)
        } catch {
            end(with: error, of: called)
        }
    }

    /// - Parameter command: the command that was parsed; the root when none was.
    private static func end(with error: any Error, of command: any ParsableCommand.Type) -> Never {
        if let complaint = Complaint(caught: error) {
            complaint.print()
            leave(complaint.status)
        }
        if let status = error as? ExitCode { leave(status) }
        // What is left is the parser's own: help and version, which are no error, and wrong usage.
        // The parser knows which command it parsed, but not which one refused its arguments later.
        let text =
            error is ValidationError
            ? "Error: \(RenTool.message(for: error))\nUsage: \(RenTool.usageString(for: command))"
            : RenTool.fullMessage(for: error)
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
