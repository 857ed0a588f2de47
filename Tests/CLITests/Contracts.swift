import Foundation
import RenJSON
import Testing

/// What a documented command promises: one row per command of the tree, tried in a folder of its own.
struct Contract: Sendable, CustomTestStringConvertible {
    enum Human: Sendable {
        /// As `fixtures/cli/<command>.txt` has it, with `Masked`.
        case fixture
        /// What depends on the machine: these texts are in it.
        case contains([String])
    }

    /// As it stands in the tree: `flow check`.
    var command: String
    var arguments: [String] = []
    /// Commands before it, whose exit code does not matter.
    var before: [[String]] = []
    /// With `ren serve` at work.
    var engine = false
    var code: Int32 = 0
    var human = Human.fixture
    /// `-o json` prints what `fixtures/cli/<command>.schema.json` describes.
    var hasJSON = true
    var environment: [String: String] = [:]
    /// The name of its fixtures, for a second row of a command.
    var fixture: String?

    var words: [String] { command.split(separator: " ").map(String.init) + arguments }
    var name: String { fixture ?? command.split(separator: " ").joined(separator: "-") }
    var testDescription: String { "ren \(command)\(fixture.map { " (\($0))" } ?? "")" }

    private static let quick = ["run", "quick.yaml", "--id", "q"]
    private static let gate = ["run", "gate.yaml", "--id", "g", "-i", "n=20"]
    private static let halves = ["run", "halves.yaml", "-f", "functions.py", "--id", "h", "-i", "count=10"]
    /// The systemd of whoever runs the tests is left alone.
    private static let noSystemd = ["PATH": "/nonexistent", "XDG_CONFIG_HOME": "/tmp/<folder>"]

    static let all: [Contract] = [
        Contract(command: "run", arguments: ["quick.yaml", "--id", "q"]),
        Contract(command: "resume", arguments: ["g"], before: [gate], code: 13),
        Contract(command: "open", arguments: ["--print"], engine: true),
        Contract(command: "runs", before: [quick, gate]),
        Contract(command: "show", arguments: ["h"], before: [halves]),
        Contract(command: "watch", arguments: ["q"], before: [quick]),
        Contract(command: "wait", arguments: ["g"], before: [gate], code: 13),
        Contract(command: "items", arguments: ["h", "halves", "--failed"], before: [halves]),
        Contract(command: "logs", arguments: ["h", "-n", "halves", "-k", "n-4"], before: [halves]),
        Contract(command: "result", arguments: ["q"], before: [quick]),
        Contract(command: "state", arguments: ["g", "--at", "5"], before: [gate]),
        Contract(command: "pause", arguments: ["g"], before: [gate]),
        Contract(command: "stop", arguments: ["g"], before: [gate]),
        Contract(command: "signal", arguments: ["g", "approve", "{\"ok\": 1}"], before: [gate]),
        Contract(command: "retry", arguments: ["h", "--dry-run"], before: [halves]),
        Contract(
            command: "skip", arguments: ["h", "halves", "n-3", "--value", "1", "--dry-run"], before: [halves]),
        Contract(
            command: "fork",
            arguments: [
                "h", "--dry-run", "--id", "f", "--set", "input.count=3", "--item-output", "halves/n-4=7",
            ], before: [halves]),
        Contract(command: "replay", arguments: ["h"], before: [halves]),
        Contract(
            command: "replay", arguments: ["h", "--flow", "other.yaml"], before: [halves], fixture: "what-if"),
        Contract(command: "audit", arguments: ["h"], before: [halves]),
        Contract(
            command: "diff", arguments: ["h", "i"],
            before: [halves, ["run", "halves.yaml", "-f", "functions.py", "--id", "i", "-i", "count=12"]]),
        Contract(command: "why", arguments: ["g", "small"], before: [gate]),
        Contract(command: "flow check", arguments: ["gate.yaml", "wrong.yaml"], code: 2),
        Contract(command: "flow eval", arguments: ["{\"<\": [{\"var\": \"a\"}, 3]}", "--data", "{\"a\": 1}"]),
        Contract(command: "flow register", arguments: ["quick.yaml", "gate.yaml"], before: [quick]),
        Contract(command: "functions list", arguments: ["-f", "functions.py"]),
        Contract(
            command: "functions check", arguments: ["-f", "functions.py"], human: .contains(["3 functions in 1 file"])),
        Contract(command: "functions try", arguments: ["functions.half", "-f", "functions.py", "-i", "4"]),
        Contract(command: "workers", before: [halves], engine: true, human: .contains(["pid ", "ready", " done"])),
        Contract(command: "journal ls", before: [quick]),
        Contract(command: "journal tail", arguments: ["-n", "2"], before: [quick]),
        Contract(command: "journal show", arguments: ["3"], before: [quick]),
        Contract(
            command: "journal stats", before: [quick],
            human: .contains([
                "6 events", "By flow\n", "(of no run)", "By run", "run.created", "By day", "nobody reads",
            ])),
        Contract(command: "journal verify", before: [quick]),
        Contract(command: "journal export", arguments: ["q", "--to", "q.jsonl"], before: [quick]),
        Contract(
            command: "journal import", arguments: ["q.jsonl", "--data", "other"],
            before: [quick, ["journal", "export", "q", "--to", "q.jsonl"]]),
        Contract(command: "journal backup", arguments: ["copy"], before: [quick]),
        Contract(command: "journal compact", before: [quick]),
        Contract(command: "journal rebuild", before: [quick]),
        Contract(command: "journal anchor", before: [quick]),
        Contract(command: "journal prune", arguments: ["--keep", "0"], before: [quick]),
        Contract(command: "doctor", human: .contains(["✓ data directory", "liblmdb", "file limit"])),
        Contract(command: "service install", arguments: ["--print"], hasJSON: false),
        Contract(command: "service status", environment: noSystemd),
        Contract(
            command: "service uninstall", before: [["service", "install"]], hasJSON: false, environment: noSystemd),
        Contract(
            command: "completion", arguments: ["bash"], human: .contains(["complete ", "ren"]), hasJSON: false),
        Contract(command: "version", human: .contains(["ren ", "liblmdb"])),
        Contract(command: "exit-codes"),
    ]

    /// Commands that do not end by themselves; see `ServeTests`.
    static let elsewhere = ["serve"]
}

extension Ren {
    /// A folder with the flows and functions that contracts use.
    static func forContracts() throws -> Ren {
        try Ren([
            "quick.yaml": Flows.quick, "gate.yaml": Flows.gate, "halves.yaml": Flows.halves,
            "functions.py": Flows.functions, "other.yaml": Flows.otherHalves,
            "wrong.yaml": "flow: wrong\nnodes:\n  a: {fail: no, retires: 3}\n",
        ])
    }
}

/// Text with what differs between two runs of the same command taken out.
struct Masked: Equatable, CustomStringConvertible {
    let description: String

    init(_ text: String, in ren: Ren) {
        var text = text.replacingOccurrences(of: ren.folder, with: "<folder>")
        text = text.replacingOccurrences(of: Ren.binary, with: "<ren>")
        for (pattern, word) in Self.masks {
            text = text.replacingOccurrences(of: pattern, with: word, options: .regularExpression)
        }
        description = text
    }

    private static let masks = [
        (#"ExecStart="[^"]*""#, #"ExecStart="<ren>""#), (#"\b[0-9a-f]{64}\b"#, "<hash>"),
        (#"@[0-9a-f]{7}\b"#, "@<hash>"),
        (#"\b[0-9a-f]{12}\b"#, "<hash>"),
        (#"#code=[A-Za-z0-9_-]+"#, "#code=<code>"), (#"127\.0\.0\.1:[0-9]+"#, "127.0.0.1:<port>"),
        (#"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+Z?"#, "<time>"),
        (#"\b[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?\b"#, "<time>"),
        (#"\b[0-9]+\.[0-9] ?s\b"#, "<duration>"), (#"\b[0-9.]+ ms\b"#, "<duration>"),
        (#"\b[0-9]+(\.[0-9])? (B|kB|MB|GB|TB)\b"#, "<size>"),
        (#"\b(pid|process) [0-9]+\b"#, "$1 <pid>"), (#"python [0-9.]+"#, "python <version>"),
        (#"#[0-9,]+"#, "#<n>"), (#"\b[0-9,]+ events/s"#, "<n> events/s"), (#"\b[0-9]+:<hash>"#, "<n>:<hash>"),
        // Columns are as wide as what stands in them.
        (#" {2,}"#, "  "), (#" +\n"#, "\n"),
    ]
}
