import CLMDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension OpenEnvironments {
    /// Whether another process, in the middle of opening or closing, explains the error.
    static func isPassing(_ error: LMDBError) -> Bool {
        switch error.kind {
        case .invalidFile, .versionMismatch, .damagedFile, .busy: true
        case .io(let code): [EAGAIN, EACCES, EBUSY, EINVAL].contains(code)
        default: false
        }
    }

    /// `mdb_env_open` and what has to hold right after it.
    static func openOnce(
        _ directory: EnvironmentDirectory, _ options: Environment.Options, _ breadcrumb: Breadcrumb?
    ) throws(LMDBError) -> SendablePointer {
        var created: OpaquePointer?
        // SAFETY: from create to close (here on errors, else in `close`) the handle is ours; LMDB copies the path.
        try check(unsafe mdb_env_create(&created), .open)
        guard let environment = unsafe created else { preconditionFailure("mdb_env_create gave no environment") }
        do {
            try unsafe configure(environment, options)
            unsafe breadcrumb?.attach(to: environment)
            try check(unsafe mdb_env_open(environment, directory.path, options.flags, 0o600), .open)
            try unsafe closeOnExec(environment)
            try unsafe verifyFlags(of: environment)
            if options.access == .readOnly { try unsafe verifyHead(of: environment, directory) }
        } catch {
            unsafe mdb_env_close(environment)
            throw error
        }
        return unsafe SendablePointer(pointer: environment)
    }

    /// All tables in one transaction: opening them beside other transactions is not safe, so none is opened later.
    static func openTables(
        of environment: OpaquePointer, _ options: Environment.Options
    ) throws(LMDBError) -> [String: Table] {
        let begin = options.access == .readOnly ? UInt32(MDB_RDONLY) : 0
        let open = options.access == .create ? UInt32(MDB_CREATE) : 0
        var begun: OpaquePointer?
        // SAFETY: the environment is open; the transaction ends below on every path, on this thread.
        try check(unsafe mdb_txn_begin(environment, nil, begin, &begun), .begin)
        guard let transaction = unsafe begun else { preconditionFailure("mdb_txn_begin gave no transaction") }
        var tables: [String: Table] = [:]
        for name in options.tables {
            var handle: MDB_dbi = 0
            let code = unsafe mdb_dbi_open(transaction, name, open, &handle)
            guard code == MDB_SUCCESS else {
                unsafe mdb_txn_abort(transaction)
                guard code == MDB_NOTFOUND else { throw LMDBError(returnCode: code, operation: .open) }
                throw LMDBError(.tableMissing(name), code: code, operation: .open)
            }
            tables[name] = Table(handle: handle)
        }
        try check(unsafe mdb_txn_commit(transaction), .commit)
        return tables
    }

    private static func configure(
        _ environment: OpaquePointer, _ options: Environment.Options
    ) throws(LMDBError) {
        if options.access != .readOnly {
            let page = Int(sysconf(Int32(_SC_PAGESIZE)))
            let size = (options.mapSizeBytes + page - 1) / page * page
            // SAFETY: the handle is fresh and not open yet, as these four calls want it.
            try check(unsafe mdb_env_set_mapsize(environment, size), .open)
        }
        try check(unsafe mdb_env_set_maxreaders(environment, UInt32(options.maxReaders)), .open)
        try check(unsafe mdb_env_set_maxdbs(environment, UInt32(options.tables.count)), .open)
        try check(unsafe mdb_env_set_assert(environment, Breadcrumb.reportAssertion), .open)
    }

    /// LMDB opens its data file without `O_CLOEXEC` (0.9.24), so a child process would inherit it.
    private static func closeOnExec(_ environment: OpaquePointer) throws(LMDBError) {
        var descriptor: Int32 = -1
        // SAFETY: the environment is open, and the result our own variable.
        try check(unsafe mdb_env_get_fd(environment, &descriptor), .open)
        try checkErrno(fcntl(descriptor, F_SETFD, FD_CLOEXEC), .open)
    }

    /// A writable map turns a stray write into damage, and a full disk into a SIGBUS: never, by whatever way.
    private static func verifyFlags(of environment: OpaquePointer) throws(LMDBError) {
        var flags: UInt32 = 0
        // SAFETY: the environment is open, and the result our own variable.
        try check(unsafe mdb_env_get_flags(environment, &flags), .open)
        let forbidden = UInt32(MDB_WRITEMAP | MDB_MAPASYNC | MDB_NOLOCK | MDB_FIXEDMAP | MDB_NOMEMINIT)
        precondition(flags & forbidden == 0, "LMDB opened with flags \(flags)")
        precondition(flags & UInt32(MDB_NOTLS) != 0, "LMDB opened without MDB_NOTLS")
    }

    /// A read-only first opener may see transaction 0, an empty environment, in front of a full file (ITS#10212).
    private static func verifyHead(
        of environment: OpaquePointer, _ directory: EnvironmentDirectory
    ) throws(LMDBError) {
        var begun: OpaquePointer?
        // SAFETY: the environment is open; the transaction ends here.
        try check(unsafe mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &begun), .begin)
        let head = unsafe mdb_txn_id(begun)
        unsafe mdb_txn_abort(begun)
        let emptyByteCount = 2 * Int(sysconf(Int32(_SC_PAGESIZE)))
        let isEmpty = try directory.dataByteCount() <= emptyByteCount
        guard head > 0 || isEmpty else {
            throw LMDBError(.busy, operation: .open)
        }
    }
}

extension Environment.Options {
    fileprivate var flags: UInt32 {
        var flags = UInt32(MDB_NOTLS)
        if access == .readOnly { flags |= UInt32(MDB_RDONLY) }
        switch durability {
        case .durable: break
        case .relaxed: flags |= UInt32(MDB_NOMETASYNC)
        case .none: flags |= UInt32(MDB_NOSYNC)
        }
        return flags
    }
}
