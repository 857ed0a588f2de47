import Foundation
import RenJSON
import Testing

@Suite("Command line")
struct CommandLineTests {
    @Test(
        "Wrong usage exits 2 and says why",
        arguments: [
            ["frobnicate"], ["run"], ["runs", "--limit", "0"], ["runs", "--limit", "x"], ["show", "--nope"],
            ["run", "flow.yaml", "-o", "xml"], ["run", "flow.yaml", "-o", "csv"], ["show", "-o", "jsonl"],
            ["stop", "--now", "--wait"], ["items", "r", "n", "--failed", "--state", "failed"],
            ["items", "r", "n", "--state", "nope"], ["journal", "show", "x"], ["journal", "tail", "-f", "-o", "json"],
            ["journal", "verify", "--anchor", "12"], ["flow", "eval"], ["completion", "tcsh"], ["workers", "--now"],
            ["wait", "--for", "never"],
        ])
    func wrongUsage(_ arguments: [String]) throws {
        let result = try Ren().run(arguments)
        #expect(result.code == 2, "\(arguments): \(result.errors)")
        #expect(!result.wasKilled)
        #expect(result.output.isEmpty)
        #expect(!result.errors.isEmpty)
    }

    @Test("Wrong usage is a JSON object when JSON is asked for")
    func wrongUsageAsJSON() throws {
        let result = try Ren()("runs", "-o", "json", "--limit", "x")
        #expect(result.code == 2)
        #expect(result.errorCode == "usage")
    }

    @Test(
        "Help and versions exit 0",
        arguments: [
            ["--help"], ["run", "--help"], ["help", "exit-codes"], ["--version"], ["version"], ["exit-codes"],
        ])
    func help(_ arguments: [String]) throws {
        let result = try Ren().run(arguments)
        #expect(result.code == 0)
        #expect(!result.output.isEmpty)
        #expect(result.errors.isEmpty)
    }

    @Test("version names liblmdb")
    func version() throws {
        let versions = try Ren()("version", "-o", "json").json
        #expect(versions["ren"]?.stringValue?.isEmpty == false)
        #expect(versions["liblmdb"]?.stringValue?.hasPrefix("0.9.") == true)
    }

    @Test("exit-codes is in help and in JSON")
    func exitCodes() throws {
        let ren = try Ren()
        #expect(try ren("help", "exit-codes").output.contains(" 73  "))
        let codes = try ren("exit-codes", "-o", "json").json.arrayValue?.compactMap { $0["code"]?.integerValue }
        #expect(codes == [0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 20, 65, 69, 73, 74, 78, 130, 143])
    }

    @Test(
        "Without a journal, commands that read or control exit 3 with a hint, and make nothing",
        arguments: [
            ["runs"], ["show"], ["items", "r", "n"], ["logs"], ["result"], ["pause"], ["stop"], ["signal", "r", "go"],
            ["resume"], ["wait"], ["watch"], ["open"], ["workers"], ["journal", "ls"], ["journal", "tail"],
            ["journal", "show", "1"], ["journal", "verify"],
        ])
    func nothingThere(_ arguments: [String]) throws {
        let ren = try Ren()
        let result = try ren.run(arguments + ["-o", "json"])
        #expect(result.code == 3, "\(result.errors)")
        #expect(result.errorCode == "journal.missing")
        #expect(try JSON(parsing: result.errors)["error"]?["hint"] != nil)
        #expect(!FileManager.default.fileExists(atPath: ren.data))
    }

    @Test("What is no data directory is refused with 78 by every command", arguments: [["runs"], ["show"], ["resume"]])
    func noDirectory(_ arguments: [String]) throws {
        let ren = try Ren(["file": ""])
        try FileManager.default.createSymbolicLink(atPath: ren.folder + "/link", withDestinationPath: ren.folder)
        for (path, code) in [
            ("link", "directory.symlink"), ("file", "directory.not_a_directory"), ("", "directory.unnamed"),
        ] {
            let result = try ren.run(arguments + ["--data", path, "-o", "json"])
            #expect(result.code == 78, "\(path): \(result.errors)")
            #expect(result.errorCode == code)
        }
        let homeless = try ren.run(arguments + ["-o", "json"], environment: ["REN_DATA": "", "HOME": ""])
        #expect(homeless.code == 78 && homeless.errorCode == "directory.unnamed", "\(homeless.errors)")
    }

    @Test("Arguments refused after parsing come with the usage of their command")
    func usage() throws {
        let limit = try Ren()("runs", "--limit", "0").errors
        #expect(limit.contains("--limit is a whole number") && limit.contains("Usage: ren runs"), "\(limit)")
        #expect(try Ren()("flow", "eval", "--help").output.contains("ren flow eval <rule>"))
        let status = try Ren()("runs", "--status", "foo")
        #expect(status.code == 2 && status.errors.contains("quarantined, waiting"), "\(status.errors)")
    }

    @Test("A data directory that others may write to is refused with 78")
    func foreignDirectory() throws {
        let ren = try Ren(["quick.yaml": Flows.quick])
        #expect(try ren("run", "quick.yaml").code == 0)
        #expect(chmod(ren.data, 0o777) == 0)
        let result = try ren("runs", "-o", "json")
        #expect(result.code == 78)
        #expect(result.errorCode == "directory.permissions")
    }
}
