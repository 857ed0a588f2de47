package import Metrics
import Synchronization

/// Keeps what is counted through swift-metrics, and writes it as Prometheus reads it (text format 0.0.4).
///
/// Not bootstrapped for the whole process: two services in one process, as in tests, count apart. Labels are those of
/// Prometheus already: base units, `_total`, `_seconds`.
package final class PrometheusMetrics: MetricsFactory {
    /// What a family of series is, and for whom.
    package struct Family: Sendable {
        package enum Kind: String, Sendable { case counter, gauge, histogram }

        package var name: String
        package var kind: Kind
        package var help: String
    }

    private struct Key: Hashable, Sendable {
        let label: String
        /// As it is written: `a="b",c="d"`.
        let dimensions: String
    }

    private let series = Mutex<[Key: Series]>([:])

    package init() {}

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        series(label, dimensions)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions)
    }

    // A series that nobody counts in keeps its value, as Prometheus wants it.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func series(_ label: String, _ dimensions: [(String, String)]) -> Series {
        let key = Key(label: label, dimensions: Self.text(dimensions))
        return series.withLock { all in
            if let known = all[key] { return known }
            let made = Series()
            all[key] = made
            return made
        }
    }

    private static func text(_ dimensions: [(String, String)]) -> String {
        dimensions.map { name, value in
            let escaped = value.flatMap { ["\\": "\\\\", "\"": "\\\"", "\n": "\\n"][$0] ?? String($0) }
            return "\(name)=\"\(String(escaped))\""
        }.joined(separator: ",")
    }

    /// All series of the families, in their order; a family without a series is left out.
    package func text(_ families: [Family]) -> String {
        let all = series.withLock { $0 }
        var lines: [String] = []
        for family in families {
            let own = all.filter { $0.key.label == family.name }.sorted { $0.key.dimensions < $1.key.dimensions }
            guard !own.isEmpty else { continue }
            lines += ["# HELP \(family.name) \(family.help)", "# TYPE \(family.name) \(family.kind.rawValue)"]
            for (key, series) in own { lines += series.lines(family, key.dimensions) }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

/// One number with its labels, or the spread of many.
private final class Series: CounterHandler, RecorderHandler, TimerHandler {
    /// Upper bounds of the buckets of times, in seconds.
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private struct State {
        var value = 0.0
        var count = 0
        var buckets = [Int](repeating: 0, count: bounds.count)
    }

    private let state = Mutex(State())

    func increment(by amount: Int64) { state.withLock { $0.value += Double(amount) } }
    func reset() { state.withLock { $0.value = 0 } }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { state.withLock { $0.value = value } }

    func recordNanoseconds(_ duration: Int64) {
        let seconds = Double(duration) / 1_000_000_000
        state.withLock { state in
            state.value += seconds
            state.count += 1
            if let bucket = Self.bounds.firstIndex(where: { seconds <= $0 }) { state.buckets[bucket] += 1 }
        }
    }

    func lines(_ family: PrometheusMetrics.Family, _ dimensions: String) -> [String] {
        let state = state.withLock { $0 }
        let name = family.name
        guard family.kind == .histogram else { return ["\(name)\(labels(dimensions)) \(number(state.value))"] }
        var sum = 0
        var lines = zip(Self.bounds, state.buckets).map { bound, count in
            sum += count
            return "\(name)_bucket\(labels(dimensions, "le=\"\(number(bound))\"")) \(sum)"
        }
        lines.append("\(name)_bucket\(labels(dimensions, "le=\"+Inf\"")) \(state.count)")
        lines.append("\(name)_sum\(labels(dimensions)) \(number(state.value))")
        lines.append("\(name)_count\(labels(dimensions)) \(state.count)")
        return lines
    }

    private func labels(_ parts: String...) -> String {
        let given = parts.filter { !$0.isEmpty }
        return given.isEmpty ? "" : "{\(given.joined(separator: ","))}"
    }

    /// Without a fraction where there is none.
    private func number(_ value: Double) -> String { Int64(exactly: value).map(String.init) ?? String(value) }
}
