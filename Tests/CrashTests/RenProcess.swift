import Foundation
import Testing

/// The real binary, as a process of its own.
struct RenProcess {
    let process = Process()
    private let output: URL

    /// The release binary where `REN_BINARY` names it, else the debug one of this package.
    static let binary: String = {
        if let named = ProcessInfo.processInfo.environment["REN_BINARY"] { return named }
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return root.appendingPathComponent(".build/debug/ren").path
    }()

    init(_ arguments: [String], in folder: String, environment: [String: String] = [:]) throws {
        output = URL(fileURLWithPath: folder + "/output-\(UUID().uuidString)")
        try Data().write(to: output)
        let handle = try FileHandle(forWritingTo: output)
        process.executableURL = URL(fileURLWithPath: Self.binary)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ProcessInfo.processInfo.environment
            .merging(["REN_DATA": folder + "/data", "SWIFT_BACKTRACE": "enable=no"]) { _, new in new }
            .merging(environment) { _, new in new }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
    }

    /// What it printed so far, on both streams.
    var text: String { String(decoding: (try? Data(contentsOf: output)) ?? Data(), as: UTF8.self) }

    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Runs a command to its end.
    static func run(_ arguments: [String], in folder: String) throws -> (code: Int32, text: String) {
        let child = try RenProcess(arguments, in: folder)
        child.process.waitUntilExit()
        return (child.process.terminationStatus, child.text)
    }
}

/// Waits until `condition` holds; fails after `limit`.
func wait(_ what: String, limit: Duration = .seconds(60), until condition: () throws -> Bool) throws {
    let end = ContinuousClock.now + limit
    while try !condition() {
        guard ContinuousClock.now < end else { throw Missing(what: what) }
        _ = poll(nil, 0, 2)
    }
}

struct Missing: Error {
    var what: String
}
