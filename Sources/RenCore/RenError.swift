public import RenJSON

/// What went wrong, for a caller who can act on it: which (stable code), what (with the values), what to do (hint).
///
/// The code is the same in JSON, logs, API and CLI. Codes are dotted and lower case.
public struct RenError: Error, Sendable, Equatable {
    /// A stable name of a kind of error; extensible, so that a new one breaks nobody.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public init(_ text: String) { rawValue = text }
    }

    public var code: Code
    public var message: String
    public var hint: String?
    /// Where in the text that a person gave, if it came from text.
    public var place: Place?
    /// The file that `place` is in, as the person named it.
    public var file: String?

    public init(_ code: Code, _ message: String, hint: String? = nil, at place: Place? = nil, file: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.place = place
        self.file = file
    }
}

extension RenError.Code {
    public static let runNotFound = Self("run.not_found")
    public static let runExists = Self("run.exists")
    public static let runNotEnded = Self("run.not_ended")
    public static let retryNothing = Self("retry.nothing")
    /// The node is of a kind that has no output, or it has no such item.
    public static let skipKind = Self("skip.kind")
    public static let skipRunning = Self("skip.running")
    public static let skipSucceeded = Self("skip.succeeded")
    public static let skipSettled = Self("skip.settled")
    public static let skipNothingKept = Self("skip.nothing_kept")
    public static let runFinished = Self("run.finished")
    public static let runEnding = Self("run.ending")
    public static let runPaused = Self("run.paused")
    public static let runNotPaused = Self("run.not_paused")
    public static let runQuarantined = Self("run.quarantined")
    public static let requestKeyInvalid = Self("request.key_invalid")
    public static let requestKeyReused = Self("request.key_reused")
    public static let versionConflict = Self("version.conflict")
    public static let activeRunsLimit = Self("limit.active_runs")
    public static let signalUnknown = Self("signal.unknown")
    public static let signalAnswered = Self("signal.answered")
    public static let signalInvalid = Self("signal.invalid")
    public static let inputInvalid = Self("input.invalid")
    public static let idInvalid = Self("id.invalid")
    public static let attemptStale = Self("attempt.stale")
    public static let timerEarly = Self("timer.early")
    public static let functionUnknown = Self("function.unknown")
    public static let journalDamaged = Self("journal.damaged")
    public static let journalNewer = Self("journal.newer")
    public static let storageFull = Self("storage.full")
    public static let storageFailed = Self("storage.failed")
    public static let storageBusy = Self("storage.busy")
    public static let storageLocked = Self("storage.locked")
    public static let storageRefused = Self("storage.refused")
    public static let payloadTooLarge = Self("payload.too_large")
    public static let internalError = Self("internal")
}
