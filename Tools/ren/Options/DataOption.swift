import ArgumentParser
import Ren
import RenCore
import RenJournal

/// `--data`, for every command that needs the data directory.
struct DataOption: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Data directory (else REN_DATA, else ~/.ren).", valueName: "dir"))
    var data: String?

    var path: String {
        let variables = SystemFile.environment
        if let data { return data }
        if let variable = variables["REN_DATA"], !variable.isEmpty { return variable }
        return (variables["HOME"] ?? ".") + "/.ren"
    }

    /// For commands that look at or change what is there.
    ///
    /// - Throws: `journal.missing` (exit 3) when nothing was ever run here; `directory.*`.
    func existing() throws(RenError) -> DataDirectory {
        guard SystemFile.exists(path + "/journal") else {
            throw RenError(
                .journalMissing, "there is no journal in \(path)",
                hint: "ren run FLOW makes one; --data or REN_DATA names another directory")
        }
        try directory.check()
        return directory
    }

    var directory: DataDirectory { DataDirectory(path) }
}
