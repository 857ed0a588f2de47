import CLMDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Why an LMDB call, or a system call around it, did not do its work.
package struct LMDBError: Error, Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// The map is used up: reopen with a larger `mapSizeBytes`; the transaction is undone, nothing else is lost.
        case mapFull
        /// One transaction touched too many pages: use smaller ones.
        case transactionFull
        /// All reader slots are taken.
        case readersFull
        /// Another process enlarged the map while transactions of this one are open: end them all and try again.
        case mapResized
        /// A meta page could not be written: the environment is unusable until the process has reopened it.
        case panic
        case keyExists
        case notFound
        /// A key of 0 or more than 511 bytes, or a value beyond 4 GiB.
        case badValueSize
        case corrupted
        case versionMismatch
        case invalidFile
        /// The data file is cut short or contradicts itself, in words.
        case damagedFile(String)
        /// This process has the directory or one of its files open already.
        case alreadyOpen
        /// Locks, mapped memory or flushes do not hold there; the name is that of the file system.
        case unsupportedFileSystem(String)
        case badDirectory(DirectoryProblem)
        /// No space, quota reached, or the file is as large as it may get.
        case noSpace
        /// Any other error of the operating system.
        case io(errno: Int32)
        /// The name of a table that should be there.
        case tableMissing(String)
        /// Another process was opening or closing at each try.
        case busy
        /// Another code of LMDB.
        case other(Int32)
    }

    /// What was being done.
    package enum Operation: String, Sendable {
        case open, begin, get, put, delete, cursor, commit, sync, copy, inspect, lock
    }

    package let kind: Kind
    /// LMDB's code (negative) or an `errno` (positive); 0 when the finding is our own.
    package let code: Int32
    package let operation: Operation

    package init(_ kind: Kind, code: Int32 = 0, operation: Operation) {
        self.kind = kind
        self.code = code
        self.operation = operation
    }

    /// Reads a return code of LMDB or an `errno`.
    package init(returnCode code: Int32, operation: Operation) {
        self.init(Kind(returnCode: code), code: code, operation: operation)
    }

    /// Whether damaged pages explain it. LMDB answers them with codes that otherwise only a wrong use has, which is why
    /// those count only here.
    package var isDamage: Bool {
        switch kind {
        case .corrupted, .invalidFile, .versionMismatch, .notFound, .tableMissing, .damagedFile: true
        case .badDirectory(.empty): true
        case .other(MDB_INCOMPATIBLE), .other(MDB_CURSOR_FULL), .other(MDB_BAD_TXN), .other(MDB_PAGE_FULL),
            .other(MDB_BAD_DBI):
            true
        default: false
        }
    }

    /// The words of LMDB or of the operating system for `code`; our own for what they do not know.
    package var message: String {
        switch kind {
        case .alreadyOpen: "the environment is already open in this process"
        case .unsupportedFileSystem(let name): "the file system \(name) is not supported"
        case .badDirectory(let problem): problem.description
        case .damagedFile(let what): "the data file is damaged: \(what)"
        case .tableMissing(let name): "table \(name) is missing"
        case .busy: "another process is opening or closing the environment"
        default: Self.text(of: code)
        }
    }

    private static func text(of code: Int32) -> String {
        // SAFETY: mdb_strerror returns a static, null-terminated string, or null for no code we ever pass.
        guard let text = unsafe mdb_strerror(code) else { return "code \(code)" }
        return unsafe String(cString: text)
    }
}

extension LMDBError: CustomStringConvertible {
    package var description: String { "\(operation.rawValue): \(message) (\(code))" }
}

extension LMDBError.Kind {
    fileprivate init(returnCode code: Int32) {
        self =
            switch code {
            case MDB_MAP_FULL: .mapFull
            case MDB_TXN_FULL: .transactionFull
            case MDB_READERS_FULL: .readersFull
            case MDB_MAP_RESIZED: .mapResized
            case MDB_PANIC: .panic
            case MDB_KEYEXIST: .keyExists
            case MDB_NOTFOUND: .notFound
            case MDB_BAD_VALSIZE: .badValueSize
            case MDB_CORRUPTED, MDB_PAGE_NOTFOUND: .corrupted
            case MDB_VERSION_MISMATCH: .versionMismatch
            case MDB_INVALID: .invalidFile
            case ENOSPC, EDQUOT, EFBIG: .noSpace
            case 1...: .io(errno: code)
            default: .other(code)
            }
    }
}

/// What a closure of a transaction may throw: an error that can also say what LMDB said.
///
/// A throwing closure names its error (`{ txn throws(LMDBError) in … }`), since Swift would take it for `any Error`.
package protocol TransactionError: Error {
    init(_ error: LMDBError)
}

extension LMDBError: TransactionError {
    package init(_ error: LMDBError) { self = error }
}

/// Turns a return code into an error.
func check(_ code: Int32, _ operation: LMDBError.Operation) throws(LMDBError) {
    guard code == MDB_SUCCESS else { throw LMDBError(returnCode: code, operation: operation) }
}

/// Turns a system call's -1 into the error of `errno`.
@discardableResult
func checkErrno(_ result: Int32, _ operation: LMDBError.Operation) throws(LMDBError) -> Int32 {
    guard result != -1 else { throw LMDBError(returnCode: errno, operation: operation) }
    return result
}
