import Glibc
import LMDB

/// A directory of a test's own, fit for an environment, removed with the last reference.
final class Scratch: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/ren-lmdb-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("mkdtemp: \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    /// Makes a directory inside.
    func directory(_ name: String, mode: mode_t = 0o700) -> String {
        let inner = path + "/" + name
        precondition(mkdir(inner, 0o700) == 0 && chmod(inner, mode) == 0, "mkdir \(inner): \(errno)")
        return inner
    }

    private static func remove(_ path: String) {
        guard let directory = opendir(path) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            let inner = path + "/" + name
            if name == "." || name == ".." || unlink(inner) == 0 { continue }
            remove(inner)
        }
        closedir(directory)
        rmdir(path)
    }
}

/// A file system of 2 MiB in memory, taken away with the last reference.
final class SmallDisk: Sendable {
    let path: String
    private let scratch = Scratch()

    /// Nil where mounting is not allowed.
    init?() {
        path = scratch.directory("disk")
        guard mount("tmpfs", path, "tmpfs", 0, "size=2m,mode=0700") == 0 else { return nil }
    }

    deinit { umount2(path, Int32(MNT_DETACH)) }

    static var isAvailable: Bool { SmallDisk() != nil }

    /// Takes all space but `rest` bytes.
    func fill(leaving rest: Int = 0) {
        let file = open(path + "/ballast", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let block = [UInt8](repeating: 1, count: 4096)
        while write(file, block, block.count) > 0 {}
        if rest > 0 { precondition(ftruncate(file, lseek(file, 0, SEEK_END) - off_t(rest)) == 0) }
        close(file)
    }

    func free() { unlink(path + "/ballast") }
}

extension Environment.Options {
    /// One table named `1`, unless said otherwise.
    static func testing(_ access: Access = .create, tables: [String] = ["1"], mapSizeBytes: Int = 16 << 20) -> Self {
        var options = Self(access: access, tables: tables)
        options.mapSizeBytes = mapSizeBytes
        options.durability = .none
        return options
    }

    func with(_ change: (inout Self) -> Void) -> Self {
        var options = self
        change(&options)
        return options
    }
}

extension Environment {
    var one: Table { table("1") }

    /// Puts text under numbers.
    func fill(_ rows: KeyValuePairs<UInt64, String>) throws(LMDBError) {
        try write { txn throws(LMDBError) in
            for (key, text) in rows { try txn.put(Array(text.utf8), for: Key(key), in: one) }
        }
    }

    func text(_ key: UInt64) throws(LMDBError) -> String? {
        try read { txn throws(LMDBError) in
            try txn.get(Key(key), in: one).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// A read whose closure may throw anything, as expectations do.
    func look<R>(_ body: (borrowing ReadTransaction) throws -> R) throws -> R {
        let transaction = try beginRead()
        return try body(transaction)
    }

    func keys() throws(LMDBError) -> [UInt64] {
        try read { txn throws(LMDBError) in
            var keys: [UInt64] = []
            try txn.forEach(in: one) { key, _ in
                keys.append(key.uint64(at: 0))
                return .continue
            }
            return keys
        }
    }
}

/// The kind of the error `body` throws; nil when it throws none.
func kind(_ body: () throws(LMDBError) -> Void) -> LMDBError.Kind? {
    do throws(LMDBError) {
        try body()
        return nil
    } catch {
        return error.kind
    }
}
