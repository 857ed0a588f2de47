package import LMDB
package import RenCore

extension RenError: TransactionError {
    /// What an error of LMDB outside of a commit means to a caller.
    package init(_ error: LMDBError) {
        switch error.kind {
        case _ where error.isDamage:
            self.init(
                .journalDamaged, "the journal's files are damaged: \(error.message)", hint: Self.damageHint)
        case .mapFull: self = .mapFull
        case .noSpace: self = .diskFull(error)
        case .readersFull:
            self.init(.storageBusy, "all reader slots of the journal are taken", hint: "try again in a moment")
        case .mapResized:
            self.init(.storageBusy, "another process has enlarged the journal", hint: "open it again")
        case .busy:
            self.init(
                .storageBusy, "another process was opening or closing the journal at each of 5 tries",
                hint: "try again in a moment")
        case .panic: self = .storageFailed(error, outcome: .unknown)
        case .io: self = .storageFailed(error, outcome: .notCommitted)
        case .alreadyOpen:
            self.init(
                .storageLocked, "this process has the journal open already", hint: "use the one that is open")
        case .unsupportedFileSystem(let name):
            self.init(
                .directoryFileSystem, "the journal is on \(name), whose locks, maps or flushes do not hold",
                hint: "give a directory on a local disk with --data")
        case .badDirectory: self.init(.storageRefused, error.message)
        default:
            self.init(.internalError, "the journal's store refused an operation: \(error)")
        }
    }

    /// What a failed commit means.
    init(_ error: LMDBError, meaning: CommitFailure) {
        switch meaning {
        case .notCommittedDiskFull: self = .diskFull(error)
        case .mapFull: self = .mapFull
        case .notCommittedIO: self = .storageFailed(error, outcome: .notCommitted)
        case .unknown: self = .storageFailed(error, outcome: .unknown)
        case .other: self.init(error)
        }
    }

    /// Whether a failed commit took effect.
    enum CommitOutcome: String {
        case notCommitted = "not committed", unknown
    }

    /// What to do when it is the files themselves: a verification could not read them either.
    static let damageHint = "make a copy of the data directory before anything else, then put a backup of it back"

    /// Why events fail that follow a request which was known already.
    package static let replayed = RenError(
        .requestReplayed, "what this follows was a request known already, so it was not written again",
        hint: "ask again: the run is as the journal has it")

    static let mapFull = RenError(
        .storageFull, "the journal has reached its map size; nothing of this was written",
        hint: "nothing was lost; start further runs in another data directory (--data)")

    static func diskFull(_ error: LMDBError) -> RenError {
        RenError(
            .storageFull, "the disk of the journal is full; nothing of this was written (\(error))",
            hint: "free some space; ren goes on by itself")
    }

    static func storageFailed(_ error: LMDBError, outcome: CommitOutcome) -> RenError {
        RenError(
            .storageFailed, "the journal's storage failed, outcome: \(outcome.rawValue) (\(error))",
            hint: "check the disk, then start ren again; a request sent again under its key is carried out once")
    }
}

extension RenError.Code {
    package static let runAmbiguous = Self("run.ambiguous")
    package static let requestReplayed = Self("request.replayed")
    package static let payloadMissing = Self("payload.missing")
    package static let forkTooDeep = Self("fork.too_deep")
}
