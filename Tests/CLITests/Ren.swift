import Foundation
import RenJSON
import Testing

/// A folder with files and a data directory, and the binary run in it.
final class Ren: Sendable {
    let folder: String
    var data: String { folder + "/data" }

    /// What a finished process left.
    struct Result {
        var code: Int32
        /// It was ended by a signal, `code`.
        var wasKilled: Bool
        var output: String
        var errors: String

        var json: JSON {
            get throws { try JSON(parsing: output, limits: .payload) }
        }

        /// The code in `{"error": {"code": …}}` on standard error.
        var errorCode: String? {
            // Text that is not JSON has no code; the test says what it got.
            (try? JSON(parsing: errors))?["error"]?["code"]?.stringValue
        }

        /// One object per line.
        var lines: [JSON] {
            get throws { try output.split(separator: "\n").map { try JSON(parsing: String($0), limits: .payload) } }
        }
    }

    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let binary =
        ProcessInfo.processInfo.environment["REN_BINARY"] ?? root.appendingPathComponent(".build/debug/ren").path

    init(_ files: [String: String] = [:]) throws {
        folder = NSTemporaryDirectory() + "ren-cli-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for (name, text) in files { try write(text, to: name) }
    }

    deinit {
        // What cannot be removed stays in the temporary folder of the system.
        try? FileManager.default.removeItem(atPath: folder)
    }

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
    }

    /// Runs a command to its end.
    func callAsFunction(
        _ arguments: String..., input: String? = nil, environment: [String: String] = [:]
    ) throws -> Result {
        try run(arguments, input: input, environment: environment)
    }

    func run(_ arguments: [String], input: String? = nil, environment: [String: String] = [:]) throws -> Result {
        try start(arguments, input: input, environment: environment).end()
    }

    func start(
        _ arguments: [String], input: String? = nil, environment: [String: String] = [:]
    ) throws -> Running {
        try Running(arguments, in: self, input: input, environment: environment)
    }
}

/// A process of the binary. Its streams are files, so that it never waits for a reader.
final class Running {
    let process = Process()
    private let output: String
    private let errors: String
    private let home: Ren

    init(_ arguments: [String], in home: Ren, input: String?, environment: [String: String]) throws {
        self.home = home
        let name = home.folder + "/.stream-" + UUID().uuidString
        (output, errors) = (name + ".out", name + ".err")
        process.executableURL = URL(fileURLWithPath: Ren.binary)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: home.folder)
        let inherited = ProcessInfo.processInfo.environment.filter { !["NO_COLOR", "FORCE_COLOR"].contains($0.key) }
        process.environment =
            inherited
            .merging(["REN_DATA": home.data, "SWIFT_BACKTRACE": "enable=no", "TZ": "UTC"]) { $1 }
            .merging(environment) { $1 }
        process.standardInput = try Self.stream(input, at: name + ".in")
        process.standardOutput = try Self.sink(output)
        process.standardError = try Self.sink(errors)
        try process.run()
    }

    private static func stream(_ text: String?, at path: String) throws -> FileHandle {
        guard let text else { return FileHandle.nullDevice }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return try #require(FileHandle(forReadingAtPath: path))
    }

    private static func sink(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path))
        return try #require(FileHandle(forWritingAtPath: path))
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    var errorText: String { Self.text(errors) }
    var outputText: String { Self.text(output) }

    func send(_ signal: Int32) {
        kill(process.processIdentifier, signal)
    }

    func end() -> Ren.Result {
        process.waitUntilExit()
        return Ren.Result(
            code: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal,
            output: outputText, errors: errorText)
    }
}

struct TimedOut: Error {
    var what: String
}

/// Looks every few milliseconds whether `condition` holds.
func wait(for what: String, limit: Duration = .seconds(60), _ condition: () throws -> Bool) throws {
    let end = ContinuousClock.now + limit
    while try !condition() {
        guard ContinuousClock.now < end else { throw TimedOut(what: what) }
        _ = poll(nil, 0, 10)
    }
}
