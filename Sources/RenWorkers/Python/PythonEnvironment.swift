package import RenCore
import RenJSON

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The packages that function files require, in a virtual environment of the data directory.
///
/// It is keyed by the hash of the sorted requirements and the Python, built beside its place and renamed when complete:
/// a half-built one has no name, and two processes may build at the same time.
package struct PythonEnvironment: Sendable {
    /// In the order of the files, each once; pip's own notation.
    package let requirements: [String]
    /// Names the environment; nil when nothing is required.
    package let hash: Digest?
    /// Where it lies, or will; nil when nothing is required.
    package let directory: String?

    private let base: PythonExecutable
    private let variables: [String: String]

    /// What `python -m ren.requires` needs to be done in; a file is only read.
    private static let planTimeMax = Duration.seconds(30)

    /// Reads what the files require, without importing them.
    ///
    /// - Parameter environment: of this process; pip gets proxies, certificates and its own settings from it.
    /// - Throws: `function.broken` when a requirement is no literal, `python.missing`.
    package static func plan(
        files: [String], python: PythonExecutable, sdk: String, under dataDirectory: String,
        environment: [String: String] = [:]
    ) async throws(RenError) -> PythonEnvironment {
        let reader = Command(
            executable: python.path, arguments: ["-m", "ren.requires"] + files,
            environment: environment.merging(["PYTHONIOENCODING": "utf-8"]) { $1 }, directory: sdk)
        let outcome = try await reader.run(timeLimit: planTimeMax)
        let answer: JSON
        do {
            answer = try JSON(parsing: outcome.lines.last ?? "")
        } catch {
            throw RenError(
                .workerFailed,
                "the requirements could not be read (\(outcome.status)): \(outcome.lines.joined(separator: "\n"))")
        }
        if let error = answer["errors"]?[0] {
            let file = error["file"]?.stringValue
            throw RenError(
                .functionBroken, "\(file ?? "a file"): \(error["message"]?.stringValue ?? "bad requirements")",
                file: file)
        }
        return PythonEnvironment(
            requirements: answer["requires"]?.arrayValue?.compactMap(\.stringValue) ?? [], base: python,
            dataDirectory: dataDirectory, variables: environment)
    }

    init(requirements: [String], base: PythonExecutable, dataDirectory: String, variables: [String: String]) {
        self.requirements = requirements
        self.base = base
        self.variables = variables
        guard !requirements.isEmpty else {
            hash = nil
            directory = nil
            return
        }
        let key = (requirements.sorted() + [base.version, base.path]).joined(separator: "\n")
        let hash = Digest(hashing: Array(key.utf8))
        self.hash = hash
        directory = "\(dataDirectory)/environments/\(hex(hash.bytes.prefix(8)))"
    }

    /// Whether nothing is left to install.
    package var isInstalled: Bool { directory.map { Files.exists($0) } ?? true }

    /// The executable for the workers.
    package var python: String { directory.map { "\($0)/bin/python" } ?? base.path }

    /// Builds the environment, if it is not there.
    ///
    /// - Parameter progress: gets each line of pip.
    /// - Throws: `environment.failed` with pip's last lines; nothing is left but the log, `<directory>.log`.
    package func install(
        timeLimit: Duration = .seconds(1800), progress: @escaping @Sendable (String) -> Void
    ) async throws(RenError) {
        guard let directory, !isInstalled else { return }
        let draft = "\(directory).\(UInt32.random(in: .min ... .max))"
        try Files.makeFolder(Files.parent(of: directory) ?? directory)
        do throws(RenError) {
            progress("making a virtual environment with Python \(base.version)")
            var log = try await step(base.path, ["-m", "venv", draft], [], timeLimit, progress, log: directory)
            let pip = ["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
            log += try await step("\(draft)/bin/python", pip + requirements, log, timeLimit, progress, log: directory)
            try relocate(draft, to: directory)
            if try !Files.publish(draft, as: directory) { Files.remove(draft) }
        } catch {
            Files.remove(draft)
            throw error
        }
    }

    /// Runs a program of the building; what it prints joins the log.
    private func step(
        _ executable: String, _ arguments: [String], _ before: [String], _ timeLimit: Duration,
        _ progress: @escaping @Sendable (String) -> Void, log directory: String
    ) async throws(RenError) -> [String] {
        let command = Command(
            executable: executable, arguments: arguments,
            environment: variables.merging(["PYTHONNOUSERSITE": "1", "PYTHONUNBUFFERED": "1"]) { $1 })
        let outcome = try await command.run(timeLimit: timeLimit, line: progress)
        let log = (before + outcome.lines).joined(separator: "\n") + "\n"
        try Files.write(Array(log.utf8), to: "\(directory).log")
        guard outcome.succeeded else {
            throw RenError(
                .environmentFailed,
                "\(requirements.joined(separator: ", ")) could not be installed (\(outcome.status)):\n"
                    + outcome.lines.suffix(12).joined(separator: "\n"),
                hint: "the whole log is in \(directory).log")
        }
        return outcome.lines
    }

    /// Scripts of a virtual environment name their Python by its full path: it becomes that of the final place.
    private func relocate(_ draft: String, to directory: String) throws(RenError) {
        guard let folder = opendir("\(draft)/bin") else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            let path = "\(draft)/bin/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size < 1 << 20 else {
                continue
            }
            let bytes = try Files.read(path)
            guard let text = String(validating: bytes, as: UTF8.self), text.contains(draft) else { continue }
            let moved = text.split(separator: draft, omittingEmptySubsequences: false).joined(separator: directory)
            // Rewriting in place keeps the mode, which makes it executable.
            try Files.write(Array(moved.utf8), to: path)
        }
    }
}
