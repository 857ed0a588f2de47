import Logging
import Ren
import RenCore
import RenEngine

/// What a service says: one line of text per event, on standard error.
struct ServiceLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level

    /// Says nothing: for parts whose lines mean nothing to people.
    static let quiet = Logger(label: "ren.quiet") { _ in SwiftLogNoOpLogHandler() }

    static func logger(isVerbose: Bool) -> Logger {
        Logger(label: "ren") { _ in ServiceLog(logLevel: isVerbose ? .debug : .notice) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let more = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let time = Timestamp.wallClock().iso8601.prefix(19)
        Terminal.complain("\(time)Z \(event.level) \(Terminal.escaped("\(event.message)\(more)"))")
    }
}
