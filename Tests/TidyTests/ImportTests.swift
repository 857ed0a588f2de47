import Foundation
import Testing

/// DESIGN.md section 2: which room may import which. A rule that a build cannot state is stated here.
@Suite("The house")
struct ImportTests {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// System modules that files may import anywhere; Foundation is not among them.
    private static let system: Set = [
        "Darwin", "Glibc", "Musl", "Synchronization", "_StringProcessing", "RegexBuilder",
    ]

    static let rules: [String: Set<String>] = [
        "LMDB": ["CLMDB"],
        "RenJSON": [],
        "RenYAML": ["RenJSON"],
        "JSONLogic": ["RenJSON"],
        "RenCore": ["RenJSON", "JSONLogic"],
        "RenJournal": ["RenJSON", "RenCore", "LMDB", "Crypto"],
        "RenWorkers": [
            "RenJSON", "RenCore", "RenAssets", "NIOCore", "NIOPosix", "Subprocess", "Crypto", "SystemPackage", "System",
        ],
        "RenEngine": ["RenJSON", "RenCore", "RenJournal", "RenWorkers"],
        // Foundation only for `Encodable` and `Decodable` values of an embedding program.
        "Ren": [
            "RenJSON", "RenYAML", "JSONLogic", "RenCore", "RenJournal", "RenWorkers", "RenEngine", "Logging",
            "FoundationEssentials", "Foundation",
        ],
        "RenAPI": ["RenCore", "RenJSON"],
        "RenWebSocket": [
            "HummingbirdCore", "HTTPTypes", "Logging", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOWebSocket",
            "NIOHTTPTypes", "NIOHTTPTypesHTTP1", "NIOConcurrencyHelpers", "ServiceLifecycle",
        ],
        "RenServer": [
            "RenAPI", "RenWebSocket", "RenAssets", "Ren", "RenJSON", "RenYAML", "RenCore", "RenJournal", "RenWorkers",
            "RenEngine", "Crypto", "Hummingbird", "HummingbirdCore", "HTTPTypes", "Logging", "Metrics", "CoreMetrics",
            "NIOCore", "NIOPosix", "ServiceLifecycle",
        ],
        "RenClient": ["RenAPI", "RenCore", "RenJSON", "AsyncHTTPClient", "NIOCore", "NIOHTTP1"],
    ]

    @Test("A room imports only what it may know", arguments: rules.keys.sorted())
    func imports(_ room: String) throws {
        let allowed = try #require(Self.rules[room]).union(Self.system)
        for file in try Self.files(below: "Sources/\(room)", ending: ".swift") {
            for (number, line) in try Self.lines(of: file) {
                guard let module = Self.importedModule(line) else { continue }
                #expect(
                    allowed.contains(module),
                    "\(file):\(number) imports \(module): \(room) may know \(allowed.subtracting(Self.system).sorted()) only"
                )
            }
        }
    }

    @Test("Every target under Sources has a rule, an opening comment and a name in Package.swift")
    func targets() throws {
        let package = try String(contentsOf: Self.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let ruleless: Set = ["CLMDB", "RenAssets", "RenTestKit"]
        for room in try FileManager.default.contentsOfDirectory(atPath: Self.root.path + "/Sources") {
            #expect(Self.rules[room] != nil || ruleless.contains(room), "\(room) has no import rule in this test")
            #expect(package.contains("name: \"\(room)\""), "\(room) is not in Package.swift")
            guard Self.rules[room] != nil else { continue }
            let opening = try Self.lines(of: "Sources/\(room)/\(room).swift").first?.1 ?? ""
            #expect(
                opening.hasPrefix("// \(room): "), "Sources/\(room)/\(room).swift must say first what the room knows")
        }
    }

    @Test("Nothing else stands at the top level")
    func topLevel() throws {
        let allowed: Set = [
            "Package.swift", "Sources", "Tests", "Tools", "fixtures", "README.md", "LICENSE", "Package.resolved",
        ]
        for name in try FileManager.default.contentsOfDirectory(atPath: Self.root.path) where !name.hasPrefix(".") {
            #expect(allowed.contains(name), "\(name) does not belong at the top level")
        }
    }

    @Test("Only the LMDB room and the journal name LMDB's files")
    func databaseFiles() throws {
        // A second descriptor on these files drops every lock that the process holds on them (RELIABILITY.md A1).
        for room in try FileManager.default.contentsOfDirectory(atPath: Self.root.path + "/Sources")
        where room != "LMDB" && room != "RenJournal" && room != "RenTestKit" {
            for file in try Self.files(below: "Sources/\(room)", ending: ".swift") {
                for (number, line) in try Self.lines(of: file)
                where line.contains("data.mdb") || line.contains("lock.mdb") {
                    Issue.record("\(file):\(number) names a file of LMDB")
                }
            }
        }
    }

    // MARK: Reading the tree

    static func files(below folder: String, ending: String) throws -> [String] {
        let found = FileManager.default.enumerator(atPath: root.path + "/" + folder)?.compactMap { $0 as? String } ?? []
        return found.filter { $0.hasSuffix(ending) }.sorted().map { "\(folder)/\($0)" }
    }

    static func lines(of file: String) throws -> [(Int, String)] {
        let text = try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8)
        return text.components(separatedBy: "\n").enumerated().map { ($0.offset + 1, $0.element) }
    }

    private static func importedModule(_ line: String) -> String? {
        var words = line.split(separator: " ").map(String.init)
        while let first = words.first,
            ["package", "public", "internal", "private", "@preconcurrency", "@testable", "unsafe"].contains(first)
        {
            words.removeFirst()
        }
        guard words.first == "import", words.count >= 2 else { return nil }
        let name =
            ["struct", "class", "enum", "func", "protocol", "var", "let"].contains(words[1]) ? words[2] : words[1]
        return name.split(separator: ".").first.map(String.init)
    }
}
