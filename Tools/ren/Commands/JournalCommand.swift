import ArgumentParser

struct JournalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "Look at the journal, and prove that it is whole.",
        subcommands: [
            JournalListCommand.self, JournalTailCommand.self, JournalShowCommand.self, JournalStatsCommand.self,
            JournalVerifyCommand.self, JournalAnchorCommand.self, JournalExportCommand.self, JournalImportCommand.self,
            JournalBackupCommand.self, JournalPruneCommand.self, JournalCompactCommand.self, JournalRebuildCommand.self,
            VerifyInChildCommand.self,
        ])
}
