import ArgumentParser
import Ren
import RenCore

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
        return .ask { packages in
            Terminal.writeToStandardError(
                "The functions need: \(Terminal.escaped(packages.joined(separator: ", ")))\nInstall them? [y/N] "
            )
            return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
        }
    }
}
