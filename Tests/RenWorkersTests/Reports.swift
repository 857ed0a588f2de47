import RenCore
import Synchronization
import Testing

@testable import RenWorkers

/// What a host reported, and a way to wait for more of it.
final class Reports: Sendable {
    private struct Waiter: Sendable {
        var matches: @Sendable ([CallReport]) -> Bool
        var continuation: CheckedContinuation<Bool, Never>
    }

    private let state = Mutex((all: [CallReport](), waiters: [Int: Waiter](), count: 0))

    var all: [CallReport] { state.withLock(\.all) }

    func add(_ reports: [CallReport]) {
        let ready = state.withLock { state in
            state.all += reports
            let found = state.waiters.filter { $0.value.matches(state.all) }
            for key in found.keys { state.waiters[key] = nil }
            return found.values.map(\.continuation)
        }
        for continuation in ready { continuation.resume(returning: true) }
    }

    /// Waits until the reports match; after the limit it is a failure of the test.
    func wait(
        for what: String, limit: Duration = .seconds(30), sourceLocation: SourceLocation = #_sourceLocation,
        _ matches: @escaping @Sendable ([CallReport]) -> Bool
    ) async {
        let isFound = await withCheckedContinuation { continuation in
            let key = state.withLock { state -> Int? in
                guard !matches(state.all) else { return nil }
                state.count += 1
                state.waiters[state.count] = Waiter(matches: matches, continuation: continuation)
                return state.count
            }
            guard let key else { return continuation.resume(returning: true) }
            Task {
                try await Task.sleep(for: limit)
                let late = self.state.withLock { $0.waiters.removeValue(forKey: key) }
                late?.continuation.resume(returning: false)
            }
        }
        if !isFound {
            Issue.record("no \(what) within \(limit); reports: \(all.suffix(20))", sourceLocation: sourceLocation)
        }
    }

    func end(of call: CallID, sourceLocation: SourceLocation = #_sourceLocation) async -> AttemptEnd? {
        await wait(for: "end of call \(call)", sourceLocation: sourceLocation) { $0.contains { $0.endedCall == call } }
        return ends(of: call).first
    }

    func ends(of call: CallID) -> [AttemptEnd] {
        all.compactMap { if case .ended(call, let end) = $0 { end } else { nil } }
    }

    func logs(of call: CallID?) -> [String] {
        all.compactMap { if case .log(let line) = $0, line.call == call { line.text } else { nil } }
    }

    var processes: [Int32] {
        all.compactMap { if case .workerStarted(_, let process) = $0 { process } else { nil } }
    }

    var exits: [String] {
        all.compactMap { if case .workerExited(_, _, let how) = $0 { how } else { nil } }
    }
}

extension CallReport {
    var endedCall: CallID? { if case .ended(let call, _) = self { call } else { nil } }
}

extension AttemptEnd {
    /// How tests write it.
    var words: String {
        switch self {
        case .returned(let payload): "returned \(String(decoding: payload.bytes, as: UTF8.self))"
        case .raised(let failure, let permanent, let wait):
            "raised \(failure.name): \(failure.message)" + (permanent ? " (permanent)" : "")
                + (wait.map { " (after \($0))" } ?? "")
        case .silent: "silent"
        case .workerDied(let alone, let how): "died \(alone ? "alone" : "with others"): \(how)"
        case .neighbourKilled: "neighbour killed"
        case .interrupted: "interrupted"
        }
    }
}
