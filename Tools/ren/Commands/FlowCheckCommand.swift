import ArgumentParser
import Ren
import RenAPI
import RenCore
import RenJSON
import RenJournal
import RenWorkers

struct FlowCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Find everything that is wrong with flow files, with line and column.")

    @Argument(help: "Flow files, YAML or JSON.")
    var flows: [String]

    @Flag(name: .customLong("without-functions"), help: "Do not look whether the functions exist.")
    var withoutFunctions = false

    @OptionGroup var functions: FunctionOptions
    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.require(.human, .json)
        var errors: [RenError] = []
        var warnings: [RenError] = []
        var signatures = SignatureCache(functions: functions, data: data)
        for path in flows {
            let check: FlowCheck
            do {
                check = try FlowFile.check(path)
            } catch {
                errors.append(error.named(path))
                continue
            }
            var calls: (errors: [RenError], warnings: [RenError]) = ([], [])
            if let flow = check.draft, !withoutFunctions, flow.callsFunctions {
                do {
                    let known = try await signatures.all(for: path)
                    calls.errors = FunctionOptions.hinted(
                        FunctionCheck.errors(of: flow, in: check.document, signatures: known), known: known.count)
                    calls.warnings = FunctionCheck.warnings(
                        of: flow, in: check.document, signatures: known, pool: try pool(for: path))
                } catch let error as RenError where !check.errors.isEmpty {
                    errors.append(error)  // what is wrong with the flow itself is told all the same
                }
            }
            errors += (check.errors + calls.errors).sortedByPlace().map { $0.named(path) }
            warnings += (check.warnings + calls.warnings).sortedByPlace().map { $0.named(path) }
        }
        try report(errors, warnings)
    }

    /// What the workers of a run of the flow take at a time.
    private func pool(for flow: String) throws -> FunctionCheck.Pool {
        let project = try Project.find(from: flow)
        let settings = WorkerSettings(directory: "", variables: [:], artifacts: "")
        return FunctionCheck.Pool(
            processes: project?.processes ?? settings.processes, blocking: project?.slots ?? settings.blocking,
            async: settings.async)
    }

    private func report(_ errors: [RenError], _ warnings: [RenError]) throws {
        guard output.output == .human else {
            let result: JSON = [
                "files": JSON(flows.count), "errors": .array(errors.map { .object($0.json) }),
                "warnings": .array(warnings.map { .object($0.json) }),
            ]
            Terminal.printJSON(result.text)
            throw errors.isEmpty ? ExitCode.success : .usage
        }
        if !warnings.isEmpty { Terminal.print(Findings.text(warnings, word: "warning")) }
        if !errors.isEmpty { Terminal.print(Findings.text(errors, word: "error")) }
        let files = Words.count(flows.count, "file")
        Terminal.print(errors.isEmpty ? "\(files), no errors" : "\(Words.count(errors.count, "error")) in \(files)")
        throw errors.isEmpty ? ExitCode.success : .usage
    }
}

/// The functions that a flow may call: those of its project and of `-f`, asked once per list of files.
struct SignatureCache {
    let functions: FunctionOptions
    let data: DataOption
    private var known: [[String]: [String: FunctionSignature]] = [:]

    init(functions: FunctionOptions, data: DataOption) {
        self.functions = functions
        self.data = data
    }

    mutating func all(for flow: String) async throws -> [String: FunctionSignature] {
        let project = try Project.find(from: flow)
        let files = try functions.all(with: project)
        guard !files.isEmpty else { return [:] }
        if let signatures = known[files] { return signatures }
        let discovery = try await FunctionProbe.discover(
            files, in: try data.directory, install: functions.policy(project)
        ) { Terminal.complain(Terminal.escaped($0)) }
        known[files] = discovery.signatures
        return discovery.signatures
    }
}
