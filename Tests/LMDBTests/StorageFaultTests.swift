import Glibc
import LMDB
import Testing

@Suite("Faults in the map")
struct StorageFaultTests {
    private let scratch = Scratch()

    @Test("A truncated file ends the process with a line, a breadcrumb and 74 (D6, E7)")
    func truncated() async throws {
        let path = scratch.path
        let result = await #expect(
            processExitsWith: .exitCode(StorageFault.exitStatus), observing: [\.standardErrorContent]
        ) { [path = path as String] in
            let env = try filled(path)
            try StorageFault.install(env)
            #expect(truncate(path + "/env/data.mdb", 3 * 4_096) == 0)
            _ = try env.keys()
        }
        let words = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        let offset = try #require(words.firstMatch(of: /storage fault at offset (\d+)\n/)).1
        #expect(try 3 * 4_096..<(1 << 20) ~= #require(Int(offset)))
        #expect(crumb() == "storage fault at offset \(offset)\n")
    }

    @Test("A fault elsewhere, and one after closing, end as they always did", arguments: [false, true])
    func elsewhere(_ closesFirst: Bool) async {
        let path = scratch.path
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            [path = path as String, closesFirst = closesFirst as Bool] in
            var env: Environment? = try filled(path)
            if let env { try StorageFault.install(env) }
            let inside = try env.flatMap(addressInMap) ?? 0
            if closesFirst { env = nil }
            // A write into the map faults as long as it is there too, so this one goes elsewhere then.
            UnsafeMutablePointer<UInt8>(bitPattern: closesFirst ? inside : 8)?.pointee = 1
            withExtendedLifetime(env) {}
        }
    }

    @Test("A damaged page is an error or, where LMDB cannot bear it, a line before it aborts (D5)")
    func damagedPages() async throws {
        let path = scratch.path
        let ended = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            [path = path as String] in
            let env = try filled(path)
            try zeroLeaves(of: path + "/env/data.mdb", after: 10)
            let found = kind { () throws(LMDBError) in _ = try env.keys() }
            exit(found == .corrupted ? 3 : 4)
        }
        let result = try #require(ended)
        let words = String(decoding: result.standardErrorContent, as: UTF8.self)
        if result.exitStatus == .signal(SIGABRT) {
            #expect(words.contains("LMDB gave up on damaged data: "))
            #expect(crumb().hasPrefix("LMDB gave up on damaged data: "))
        } else {
            #expect(result.exitStatus == .exitCode(3) && Environment.version > LMDBVersion(0, 9, 24))
        }
    }

    private func crumb() -> String {
        let file = open(scratch.path + "/crumb", O_RDONLY)
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 1_000)
        let count = read(file, &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}

/// An environment of many pages in `env`, with the breadcrumb file `crumb` beside it.
private func filled(_ path: String) throws -> Environment {
    mkdir(path + "/env", 0o700)
    let options = Environment.Options.testing().with { $0.breadcrumbPath = path + "/crumb" }
    let env = try Environment(at: path + "/env", options: options)
    for key in 0..<UInt64(100) {
        try env.write { txn throws(LMDBError) in
            try txn.put([UInt8](repeating: 1, count: 1_500), for: Key(key), in: env.one)
        }
    }
    return env
}

private func addressInMap(_ env: Environment) throws -> UInt? {
    try env.read { txn throws(LMDBError) in
        try txn.withValue(of: Key(UInt64(0)), in: env.one) { $0.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
    }
}

/// Overwrites with zeros each leaf page whose first key is a number above `last`: LMDB checks the page it lands on,
/// and in 0.9.24 takes the next one for granted.
private func zeroLeaves(of path: String, after last: UInt64) throws {
    let pageByteCount = 4_096
    let file = open(path, O_RDWR)
    defer { close(file) }
    var page = [UInt8](repeating: 0, count: pageByteCount)
    var offset: off_t = 0
    while pread(file, &page, pageByteCount, offset) == pageByteCount {
        defer { offset += off_t(pageByteCount) }
        // Page: number 8, pad 2, flags 2 (leaf: 2), bounds 4, node offsets. Node: size 4, flags 2, key size 2, key.
        let node = Int(page[16]) | Int(page[17]) << 8
        guard page[10] == 2, node < pageByteCount - 16, page[node + 6] == 8 else { continue }
        guard page[node + 8..<node + 16].reduce(0, { $0 << 8 | UInt64($1) }) > last else { continue }
        let zeros = [UInt8](repeating: 0, count: pageByteCount)
        #expect(pwrite(file, zeros, pageByteCount, offset) == pageByteCount)
    }
}
