import Foundation
import RenJSON
import Testing

/// Where the output goes: a full disk, a reader who leaves, a terminal that obeys what it is sent.
@Suite("Where the output goes")
struct TerminalTests {
    /// Runs a command with its standard output at `path`.
    private static func run(_ ren: Ren, _ arguments: [String], into output: FileHandle) throws -> (Int32, String) {
        let process = Process()
        let errors = ren.folder + "/errors"
        try ren.write("", to: "errors")
        process.executableURL = URL(fileURLWithPath: Ren.binary)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: ren.folder)
        process.environment = ProcessInfo.processInfo.environment.merging(["REN_DATA": ren.data]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle(forWritingAtPath: errors)
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, try String(contentsOfFile: errors, encoding: .utf8))
    }

    #if os(Linux)
    @Test(
        "Output that cannot be written is an error",
        arguments: [
            ["result", "q"], ["show", "q"], ["runs"], ["journal", "ls"], ["run", "quick.yaml"], ["--help"],
            ["result", "q", "-o", "json"], ["flow", "eval", "1"], ["journal", "tail"],
        ])
    func full(_ arguments: [String]) throws {
        let ren = try Ren(["quick.yaml": Flows.quick])
        #expect(try ren("run", "quick.yaml", "--id", "q").code == 0)
        let device = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        let (code, errors) = try Self.run(ren, arguments, into: device)
        #expect(code == 74, "\(errors)")
        #expect(errors.contains("output.lost"))
    }
    #endif

    @Test("A terminal gets escapes for control characters, in JSON too; a file gets the text")
    func terminal() throws {
        let ren = try Ren(["odd.yaml": "flow: odd\nnodes:\n  a: {succeed: \"a\\u202Eb\\x9bc\"}\n"])
        #expect(try ren("run", "odd.yaml", "--id", "o").code == 0)
        #expect(try ren("result", "o").output == "\"a\u{202E}b\u{9B}c\"\n")
        for arguments in [["result", "o"], ["flow", "eval", "\"a\u{202E}b\u{9B}c\""]] {
            #expect(try Self.onTerminal(ren, arguments) == "\"a\\u202eb\\u009bc\"\r\n")
        }
    }

    /// What a command writes to a terminal; Python makes the terminal, since not every C library shows how to Swift.
    private static func onTerminal(_ ren: Ren, _ arguments: [String]) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["python3", "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))", Ren.binary] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["REN_DATA": ren.data]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: bytes, as: UTF8.self)
    }
}
