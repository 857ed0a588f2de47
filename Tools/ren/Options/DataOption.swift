import ArgumentParser
import Ren
import RenCore
import RenJournal

/// `--data`, for every command that needs the data directory.
struct DataOption: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Data directory (else REN_DATA, else ~/.ren).", valueName: "dir"))
    var data: String?

    /// - Throws: `directory.unnamed` (exit 78) when nothing says where it is.
    var path: String {
        get throws(RenError) {
            let variables = SystemFile.environment
            if let data {
                guard data.isEmpty else { return data }
                throw RenError(.directoryUnnamed, "--data is empty", hint: "give a folder, or leave it out for ~/.ren")
            }
            if let variable = variables["REN_DATA"], !variable.isEmpty { return variable }
            if let home = variables["HOME"], !home.isEmpty { return home + "/.ren" }
            throw RenError(
                .directoryUnnamed, "there is no data directory: neither REN_DATA nor HOME is set",
                hint: "name one with --data or REN_DATA")
        }
    }

    /// For commands that look at or change what is there.
    ///
    /// - Throws: `journal.missing` (exit 3) when nothing was ever run here; `directory.*`.
    func existing() throws(RenError) -> DataDirectory {
        let directory = try directory
        do {
            try directory.check()
        } catch  where error.code == .directoryMissing {
            throw Self.missing(directory.path)
        }
        guard SystemFile.exists(directory.journal) || SystemFile.exists(directory.replacedJournal) else {
            throw Self.missing(directory.path)
        }
        return directory
    }

    var directory: DataDirectory {
        get throws(RenError) { DataDirectory(try path) }
    }

    private static func missing(_ path: String) -> RenError {
        RenError(
            .journalMissing, "there is no journal in \(path)",
            hint: "ren run FLOW makes one; --data or REN_DATA names another directory")
    }
}

extension RenError.Code {
    static let directoryUnnamed = Self("directory.unnamed")
}
