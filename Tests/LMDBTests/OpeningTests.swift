import Glibc
import LMDB
import Synchronization
import Testing

@Suite("Opening")
struct OpeningTests {
    private let scratch = Scratch()

    @Test("A new environment is made, closed with its last reference, and found again")
    func createAndReopen() throws {
        do {
            let env = try Environment(at: scratch.path, options: .testing())
            try env.fill([1: "a"])
        }
        let env = try Environment(at: scratch.path, options: .testing(.readWrite))
        #expect(try env.text(1) == "a")
    }

    /// Another way to the environment in `a`, once that is open.
    enum Door: CaseIterable {
        case samePath, slashAtEnd, dotInside, relative, parentLink, hardLink, hardLinkOfLockFile, renamed

        func open(_ scratch: Scratch) -> String {
            let path = scratch.path
            switch self {
            case .samePath: return path + "/a"
            case .slashAtEnd: return path + "/a//"
            case .dotInside: return path + "/./a/../a"
            case .relative: return relative(path) + "/a"
            case .parentLink:
                symlink(path, path + "/parent")
                return path + "/parent/a"
            case .hardLink, .hardLinkOfLockFile:
                let other = scratch.directory("b")
                let name = self == .hardLink ? "/data.mdb" : "/lock.mdb"
                link(path + "/a" + name, other + name)
                return other
            case .renamed:
                rename(path + "/a", path + "/c")
                return path + "/c"
            }
        }

        private func relative(_ path: String) -> String {
            let here = getcwd(nil, 0)!
            defer { free(here) }
            let depth = String(cString: here).split(separator: "/").count
            return String(repeating: "../", count: depth) + path.dropFirst()
        }
    }

    @Test(
        "A second opening in the process is refused by every door, and allowed after closing", arguments: Door.allCases)
    func alreadyOpen(_ door: Door) throws {
        let path = scratch.directory("a")
        var env: Environment? = try Environment(at: path, options: .testing())
        try env?.fill([1: "a"])
        let other = door.open(scratch)
        for access in [Environment.Options.Access.create, .readWrite, .readOnly] where door != .hardLinkOfLockFile {
            #expect(
                kind { () throws(LMDBError) in _ = try Environment(at: other, options: .testing(access)) }
                    == .alreadyOpen)
        }
        #expect(kind { () throws(LMDBError) in _ = try Environment(at: other, options: .testing()) } == .alreadyOpen)
        #expect(try env?.text(1) == "a")
        env = nil
        _ = try Environment(at: other, options: .testing())
    }

    @Test("A refused second opening leaves the reader of the first its snapshot, whoever writes (E4)")
    func refusedOpeningKeepsLocks() async throws {
        let path = scratch.path
        let env = try Environment(at: path, options: .testing())
        try overwrite(env, 255)
        let before = try Held(env)
        #expect(kind { () throws(LMDBError) in _ = try Environment(at: path, options: .testing()) } == .alreadyOpen)
        await #expect(processExitsWith: .success) { [path = path as String] in
            let env = try Environment(at: path, options: .testing(.readWrite))
            for round in 0..<UInt8(40) {
                try overwrite(env, round)
            }
        }
        #expect(try before.damaged() == 0)
        #expect(try Held(env).rows().allSatisfy { $0.first == 39 })
    }

    @Test("Without `create`, nothing is made", arguments: [Environment.Options.Access.readWrite, .readOnly])
    func opensOnlyWhatIsThere(_ access: Environment.Options.Access) throws {
        let missing = kind { () throws(LMDBError) in _ = try Environment(at: scratch.path, options: .testing(access)) }
        #expect(missing == .badDirectory(.empty(scratch.path + "/data.mdb")))
        do { _ = try Environment(at: scratch.path, options: .testing()) }
        let tables = kind { () throws(LMDBError) in
            _ = try Environment(at: scratch.path, options: .testing(access, tables: ["1", "9"]))
        }
        #expect(tables == .tableMissing("9"))
        let env = try Environment(at: scratch.path, options: .testing(access))
        #expect(try env.read { txn throws(LMDBError) in try txn.entryCount(in: env.one) } == 0)
    }

    @Test("A file that is no environment is refused by name, and left as it was")
    func foreignFile() throws {
        let text = [UInt8](repeating: UInt8(ascii: "x"), count: 10_000)
        let file = open(scratch.path + "/data.mdb", O_CREAT | O_WRONLY, 0o600)
        #expect(write(file, text, text.count) == text.count)
        close(file)
        #expect(
            kind { () throws(LMDBError) in _ = try Environment(at: scratch.path, options: .testing()) } == .invalidFile)
        var status = stat()
        #expect(stat(scratch.path + "/data.mdb", &status) == 0 && status.st_size == text.count)
    }

    @Test("A read-only environment reads, and refuses to write")
    func readOnly() throws {
        do { try Environment(at: scratch.path, options: .testing()).fill([1: "a"]) }
        let env = try Environment(at: scratch.path, options: .testing(.readOnly, mapSizeBytes: 1))
        #expect(try env.text(1) == "a")
        #expect(try env.statistics().mapSizeBytes == 16 << 20)
        #expect(kind { () throws(LMDBError) in try env.fill([2: "b"]) } == .io(errno: EACCES))
    }

    @Test("When all reader slots are taken, the next read is refused and the first stays good")
    func readersFull() throws {
        let env = try Environment(at: scratch.path, options: .testing().with { $0.maxReaders = 1 })
        let slots = try env.statistics().maxReaders
        #expect(try refusal(env, after: slots) == .readersFull)
        #expect(try env.keys() == [])
    }

    @Test("Two processes that open and close all the time both get in (A11)")
    func openingStorm() async throws {
        let path = scratch.path
        do { _ = try Environment(at: path, options: .testing()) }
        async let other = #expect(processExitsWith: .success) { [path = path as String] in
            for _ in 0..<300 { try Environment(at: path, options: .testing()).fill([1: "child"]) }
        }
        for _ in 0..<300 { try Environment(at: path, options: .testing()).fill([2: "parent"]) }
        _ = await other
        #expect(try Environment(at: path, options: .testing()).keys() == [1, 2])
    }

    @Test("A try that meets another process in the middle of opening is followed by the next (A11)")
    func opensAgain() throws {
        let path = scratch.path
        do { _ = try Environment(at: path, options: .testing()) }
        // What another process leaves visible for an instant: it has the lock, and the lock file holds nothing yet.
        let lockPath = path + "/lock.mdb"
        var status = stat()
        #expect(stat(lockPath, &status) == 0)
        #expect(truncate(lockPath, 0) == 0 && truncate(lockPath, status.st_size) == 0)
        let holder = open(lockPath, O_RDONLY)
        #expect(lockShared(holder))
        let watch = inotify_init1(0)
        defer { close(watch) }
        #expect(inotify_add_watch(watch, lockPath, UInt32(IN_CLOSE_WRITE)) >= 0)
        let opened = Mutex<Result<Int, LMDBError>?>(nil)
        onThreads(2) { number in
            if number == 0 {
                let result = Result { () throws(LMDBError) in
                    try Environment(at: path, options: .testing()).keys().count
                }
                opened.withLock { $0 = result }
            } else {
                // The file is closed after our look at it and after LMDB's: then the first try has failed.
                waitForEvents(watch, 2)
                close(holder)
            }
        }
        #expect(opened.withLock { $0 } == .success(0))
    }

    @Test("A reader of another process follows a map that was enlarged (B2)")
    func mapEnlarged() async throws {
        let path = scratch.path
        do { _ = try Environment(at: path, options: .testing(mapSizeBytes: 1 << 20)) }
        let env = try Environment(at: path, options: .testing(.readOnly))
        do {
            let before = try Held(env)
            await #expect(processExitsWith: .success) { [path = path as String] in
                let env = try Environment(at: path, options: .testing(.readWrite, mapSizeBytes: 8 << 20))
                for key in 0..<UInt64(200) { try store(env, key) }
            }
            #expect(kind { () throws(LMDBError) in _ = try env.keys() } == .mapResized)
            #expect(try before.rows().isEmpty)
        }
        #expect(try env.keys().count == 200)
        #expect(try env.statistics().mapSizeBytes == 8 << 20)
    }
}

/// A read transaction that a test holds across its waits, and the rows it saw at first.
private final class Held {
    private let transaction: ReadTransaction
    private let table: Table
    private var first: [[UInt8]] = []

    init(_ env: Environment) throws {
        transaction = try env.beginRead()
        table = env.one
        first = try rows()
    }

    func rows() throws -> [[UInt8]] {
        var rows: [[UInt8]] = []
        try transaction.forEach(in: table) { _, value in
            rows.append(value.copiedBytes)
            return .continue
        }
        return rows
    }

    /// How many rows are not what they were.
    func damaged() throws -> Int {
        let now = try rows()
        return zip(first, now).count { $0 != $1 } + abs(first.count - now.count)
    }
}

private func overwrite(_ env: Environment, _ value: UInt8) throws {
    try env.write { txn throws(LMDBError) in
        for key in 0..<UInt64(50) { try txn.put([UInt8](repeating: value, count: 2_000), for: Key(key), in: env.one) }
    }
}

private func store(_ env: Environment, _ key: UInt64) throws {
    try env.write { txn throws(LMDBError) in
        try txn.put([UInt8](repeating: 1, count: 3_000), for: Key(key), in: env.one)
    }
}

/// Holds `count` reads and says how one more is refused.
private func refusal(_ env: Environment, after count: Int) throws -> LMDBError.Kind? {
    guard count > 0 else { return kind { () throws(LMDBError) in _ = try env.beginRead() } }
    let held = try env.beginRead()
    let refusal = try refusal(env, after: count - 1)
    #expect(try held.entryCount(in: env.one) == 0)
    return refusal
}

/// A shared lock of the open file, as one of another process would be.
private func lockShared(_ descriptor: Int32) -> Bool {
    var lock = flock()
    lock.l_type = Int16(F_RDLCK)
    lock.l_whence = Int16(SEEK_SET)
    let setLockOfOpenFile: Int32 = 37  // F_OFD_SETLK
    return fcntl(descriptor, setLockOfOpenFile, &lock) == 0
}

/// Waits for `count` events, and not for more than 5 s.
private func waitForEvents(_ watch: Int32, _ count: Int) {
    var seen = 0
    let eventByteCount = MemoryLayout<inotify_event>.size
    var ready = pollfd(fd: watch, events: Int16(POLLIN), revents: 0)
    while seen < count, poll(&ready, 1, 5_000) == 1 {
        var buffer = [UInt8](repeating: 0, count: eventByteCount * 16)
        let byteCount = read(watch, &buffer, buffer.count)
        guard byteCount > 0 else { return }
        seen += byteCount / eventByteCount
    }
}
