import ArgumentParser

struct JournalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "Look at the journal, and prove that it is whole.",
        subcommands: [
            JournalListCommand.self, JournalTailCommand.self, JournalShowCommand.self, JournalVerifyCommand.self,
            JournalAnchorCommand.self, JournalPruneCommand.self, VerifyInChildCommand.self,
        ])
}
