import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal
import RenWorkers

struct FunctionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "functions",
        abstract: "List the functions of this project and of -f, check that they load, or try one.",
        subcommands: [FunctionsListCommand.self, FunctionsCheckCommand.self, FunctionsTryCommand.self],
        defaultSubcommand: FunctionsListCommand.self)
}

struct FunctionsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List functions with their arguments.")

    @OptionGroup var functions: FunctionOptions
    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let discovery = try await functions.discover(data)
        let signatures = discovery.signatures.values.sorted { $0.name < $1.name }
        if output.output == .human {
            return Terminal.print(Columns.text(signatures.map(line)))
        }
        var listing = Listing(output.output, header: ["name", "file", "line", "async", "once", "doc"])
        for signature in signatures { listing.add(json(signature), text: "") }
        listing.end()
    }

    private func line(_ signature: FunctionSignature) -> [String] {
        let place = [signature.file?.split(separator: "/").last.map(String.init), signature.line.map { String($0) }]
        return [
            "\(signature.name)(\(parameters(signature)))", place.compactMap(\.self).joined(separator: ":"),
            Terminal.escaped(signature.doc?.split(separator: "\n").first.map(String.init) ?? "").shortened(to: 80),
        ]
    }

    private func parameters(_ signature: FunctionSignature) -> String {
        let required = Set(signature.parameters?["required"]?.arrayValue?.compactMap(\.stringValue) ?? [])
        return (signature.parameters?["properties"]?.objectValue?.keys).map { keys in
            keys.map { required.contains($0) ? $0 : "\($0)?" }.joined(separator: ", ")
        } ?? ""
    }

    private func json(_ signature: FunctionSignature) -> JSONObject {
        [
            "name": .string(signature.name), "file": JSON(signature.file), "line": JSON(signature.line),
            "async": .bool(signature.isAsync), "once": .bool(signature.once), "doc": JSON(signature.doc),
            "requires": .array(signature.requires.map(JSON.string)), "parameters": signature.parameters ?? .null,
        ]
    }
}

struct FunctionsCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Load the function files in a worker; exit 2 when one cannot be used.")

    @OptionGroup var functions: FunctionOptions
    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.require(.human, .json)
        let discovery = try await functions.discover(data)
        guard output.output == .human else {
            let result: JSON = [
                "files": JSON(discovery.files.count), "functions": JSON(discovery.signatures.count),
                "python": .string(discovery.python),
            ]
            return Terminal.printJSON(result.text)
        }
        let functions = Words.count(discovery.signatures.count, "function")
        Terminal.print("\(functions) in \(Words.count(discovery.files.count, "file")), python \(discovery.python)")
    }
}

extension FunctionOptions {
    static let noFiles = RenError(
        .functionFileMissing, "no function files are named",
        hint: "name them with -f FILE.py, or with functions: in ren.yaml")

    /// Asks the files of the project around the current folder, and those of `-f`.
    fileprivate func discover(_ data: DataOption) async throws -> Discovery {
        let project = try Project.find(from: SystemFile.currentDirectory)
        let files = try all(with: project)
        guard !files.isEmpty else { throw Self.noFiles }
        return try await FunctionProbe.discover(files, in: try data.directory, install: policy(project)) {
            Terminal.complain(Terminal.escaped($0))
        }
    }
}
