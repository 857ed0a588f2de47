package import RenCore

extension RenError.Code {
    /// A function file cannot be imported, or registers its functions wrongly.
    package static let functionBroken = Self("function.broken")
    package static let functionFileMissing = Self("function.file_missing")
    /// A worker process ended, or stayed silent, before it said hello.
    package static let workerFailed = Self("worker.failed")
    /// Nobody waits any more for what was begun.
    package static let workCancelled = Self("request.cancelled")
    package static let pythonMissing = Self("python.missing")
    package static let pythonTooOld = Self("python.too_old")
    package static let environmentFailed = Self("environment.failed")
    /// No place for a Unix socket, or none can be made there.
    package static let socketFailed = Self("socket.failed")
}
