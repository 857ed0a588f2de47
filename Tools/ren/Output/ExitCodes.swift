import ArgumentParser
import RenCore
import RenJournal

extension ExitCode {
    static let usage = ExitCode(2)
    static let notFound = ExitCode(3)
    static let conflict = ExitCode(4)
    static let unavailable = ExitCode(5)
    static let notAllowed = ExitCode(6)
    static let runFailed = ExitCode(10)
    static let runStopped = ExitCode(11)
    static let timedOut = ExitCode(12)
    static let runWaits = ExitCode(13)
    static let integrity = ExitCode(20)
    static let journal = ExitCode(65)
    static let portTaken = ExitCode(69)
    static let locked = ExitCode(73)
    static let storage = ExitCode(74)
    static let configuration = ExitCode(78)
    static let interrupted = ExitCode(130)
    static let terminated = ExitCode(143)

    /// What each code means, for people: `ren exit-codes`.
    static let meanings: [(ExitCode, String)] = [
        (.success, "done; for run, resume, watch, wait and result: the run succeeded"),
        (.failure, "unexpected failure of ren; for doctor: something is broken"),
        (.usage, "wrong usage, or an invalid flow, input, function or expression (trying again does not help)"),
        (.notFound, "not found: run, node, event, data directory"),
        (.conflict, "not possible in this state, or in conflict with what is there"),
        (.unavailable, "something could not be started, or no engine could be reached (trying again may help)"),
        (.notAllowed, "not allowed: token, origin, or what only this machine may ask"),
        (.runFailed, "the run failed; for functions try: the function did"),
        (.runStopped, "the run was stopped"),
        (.timedOut, "the time of wait is over, and the run is not there yet"),
        (.runWaits, "the run is paused or waits for a person"),
        (.integrity, "the journal is damaged or does not match an anchor, or a replay or an audit differs"),
        (.journal, "the journal is from a newer ren, or damaged at start"),
        (.portTaken, "the address to listen on is taken"),
        (.locked, "another engine holds the data directory"),
        (
            .storage,
            "the storage failed: what was acknowledged is safe, start again when the disk is well; or output was lost"
        ),
        (.configuration, "the configuration or the data directory is not usable"),
        (.interrupted, "interrupted: left, nothing acknowledged is lost; a followed run goes on in its engine"),
        (.terminated, "terminated: an own run was paused first, a followed one goes on in its engine"),
    ]

    /// What `ren run`, `resume`, `watch`, `wait` and `result` end with.
    static func of(_ status: RunStatus) -> ExitCode {
        switch status {
        case .succeeded: .success
        case .failed: .runFailed
        case .stopped: .runStopped
        case .quarantined: .integrity
        case .running, .pausing, .paused, .stopping, .ending: .runWaits
        }
    }

    /// The status that a command ends with when it is refused with `code`.
    static func of(_ code: RenError.Code) -> ExitCode {
        if let status = exact[code.rawValue] { return status }
        let area = code.rawValue.prefix { $0 != "." }
        return areas[String(area)] ?? .failure
    }

    private static let exact: [String: ExitCode] = [
        "run.not_found": .notFound, "run.pruned": .notFound, "payload.pruned": .notFound, "run.ambiguous": .usage,
        "run.invalid": .usage, "retry.nothing": .conflict,
        "signal.answered": .conflict, "engine.locked": .locked, "engine.running": .conflict,
        "storage.busy": .unavailable, "storage.locked": .locked, "storage.refused": .configuration,
        "journal.missing": .notFound, "payload.too_large": .usage, "payload.missing": .notFound,
        "python.missing": .configuration, "python.too_old": .configuration,
        "request.key_reused": .conflict, "request.replayed": .conflict, "limit.active_runs": .unavailable,
        "storage.full": .storage, "starting": .unavailable, "wait.timeout": .timedOut,
        "function.local_only": .notAllowed, "function.not_found": .notFound, "flow.not_found": .notFound,
        "worker.not_found": .notFound, "listen.port_taken": .portTaken, "listen.failed": .portTaken,
        "service.missing": .notFound, "service.foreign": .conflict, "function.changed": .conflict,
        "bundle.damaged": .integrity, "bundle.newer": .journal, "bundle.conflict": .conflict, "file.exists": .conflict,
        "environment.failed": .unavailable, "worker.failed": .unavailable,
    ]

    private static let areas: [String: ExitCode] = [
        "run": .conflict, "node": .notFound, "item": .notFound, "event": .notFound, "version": .conflict,
        "attempt": .conflict, "timer": .conflict, "skip": .conflict, "fork": .conflict,
        "signal": .usage, "input": .usage, "id": .usage, "usage": .usage, "flow": .usage, "json": .usage,
        "yaml": .usage, "logic": .usage, "duration": .usage, "retry": .usage,
        "function": .usage, "file": .usage, "environment": .usage, "config": .configuration,
        "directory": .configuration, "journal": .journal, "storage": .storage, "output": .storage,
        "integrity": .integrity, "engine": .unavailable, "worker": .unavailable, "auth": .notAllowed,
        "host": .notAllowed, "origin": .notAllowed, "token": .configuration, "listen": .configuration,
        "request": .usage, "socket": .unavailable, "bundle": .usage,
    ]
}

extension RenError.Code {
    static let usage = Self("usage")
    static let journalMissing = Self("journal.missing")
    static let integrityDamaged = Self("integrity.damaged")
}
