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
