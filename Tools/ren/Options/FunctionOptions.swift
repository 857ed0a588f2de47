import ArgumentParser
import Ren
import RenClient
import RenCore
import RenWorkers

/// `-f` and `--install`.
struct FunctionOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("functions")], parsing: .singleValue,
        help: ArgumentHelp("A file of functions, besides those of ren.yaml; may be repeated.", valueName: "file.py"))
    var files: [String] = []

    @Flag(name: .long, help: "Install packages that the functions ask for, without a question.")
    var install = false

    /// The project's files, then those of `-f`.
    func all(with project: Project?) throws(RenError) -> [String] {
        try (project?.functionFiles() ?? []) + files
    }

    /// - Throws: `file.not_found` (exit 2).
    static func require(_ files: [String]) throws(RenError) {
        for file in files where !SystemFile.exists(file) {
            throw RenError(
                .fileNotFound, "there is no file \(file)",
                hint: file.hasPrefix("/") ? nil : "paths of -f are relative to the folder you are in")
        }
    }

    /// Errors of a flow, with what to do where no function file was named at all.
    static func hinted(_ errors: [RenError], known: Int) -> [RenError] {
        errors.map { error in
            guard known == 0, error.code == .functionUnknown else { return error }
            var error = error
            error.hint = "no function files are named: add -f FILE.py, or functions: [FILE.py] in ren.yaml"
            return error
        }
    }

    func policy(_ project: Project?) -> FunctionLoader.Install {
        if install || project?.environments == .install { return .yes }
        guard Terminal.inputIsTerminal else { return .no }
        return .ask { packages in Self.mayInstall("The functions need: \(packages.joined(separator: ", "))") }
    }

    /// Asks the person at the terminal.
    private static func mayInstall(_ need: String) -> Bool {
        Terminal.writeToStandardError("\(Terminal.escaped(need))\nInstall them? [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }

    /// Lets an engine do something with function files, and once more with leave to install packages when it needs it
    /// and the person at the terminal gives it.
    ///
    /// - Parameter request: gets that leave.
    func withInstalling<Result>(
        _ project: Project?, _ request: (Bool) async throws(RenError) -> Result
    ) async throws(RenError) -> Result {
        let isAllowed = install || project?.environments == .install
        do throws(RenError) {
            return try await request(isAllowed)
        } catch {
            guard error.code == .environmentMissing, !isAllowed, Terminal.inputIsTerminal,
                Self.mayInstall(error.message)
            else { throw error }
            return try await request(true)
        }
    }

    /// The files as an engine elsewhere is told of them.
    static func named(_ files: [String]) throws(RenError) -> [Client.FunctionFile] {
        try FunctionSet(files: files).files.map { Client.FunctionFile(path: $0.path, hash: $0.hash) }
    }
}
