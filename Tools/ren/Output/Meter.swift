import Synchronization

/// One line on standard error that says how far something long has come, where it can be repainted.
final class Meter: Sendable {
    private static let pause = Duration.milliseconds(100)

    private let verb: String
    private let shown = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameter verb: `checked`.
    init(_ verb: String) { self.verb = verb }

    func show(_ done: Int, of total: Int? = nil) {
        guard Terminal.errorsCanRepaint else { return }
        shown.withLock { shown in
            if let shown, ContinuousClock.now - shown < Self.pause { return }
            shown = .now
            let end = total.map { " of \(Words.grouped($0))" } ?? ""
            Terminal.writeToStandardError("\r\u{1B}[K\(verb) \(Words.grouped(done))\(end) events")
        }
    }

    /// Takes the line away.
    func clear() {
        guard shown.withLock({ $0 }) != nil else { return }
        Terminal.writeToStandardError("\r\u{1B}[K")
    }
}
