import RenCore
import RenWorkers
import Synchronization

/// Functions that do nothing until the test says how they end.
final class StagedFunctions: FunctionHost {
    private struct State {
        var calls: [Call] = []
        var taken: [Slots.Kind: Int] = [:]
        var cancelled: [String] = []
        var askedToPause: [String] = []
        var askedToStop: [String] = []
        var pages: [Int] = []
        var saved: [Int] = []
        var limits: [Slots.Kind: Int] = [.swift: 100, .blocking: 100, .asynchronous: 100, .alone: 100]
    }

    private let state = Mutex(State())

    let signatures: [String: FunctionSignature] = [:]

    /// `a`, or `m[3]` for an item.
    private static func name(_ call: Call) -> String {
        call.index.map { "\(call.node)[\($0)]" } ?? call.node
    }

    var running: [String] { state.withLock { $0.calls.map(Self.name) } }
    var cancelled: [String] { state.withLock { $0.cancelled } }
    var askedToPause: [String] { state.withLock { $0.askedToPause } }
    var askedToStop: [String] { state.withLock { $0.askedToStop } }
    var hasFreeSlots: Bool { freeSlots().values.contains { $0 > 0 } }

    func limit(_ limits: [Slots.Kind: Int]) {
        state.withLock { $0.limits = limits }
    }

    /// The oldest call of a unit that has not returned.
    func call(of unit: String) -> Call? {
        state.withLock { $0.calls.first { Self.name($0) == unit } }
    }

    func returned(_ call: Call) {
        state.withLock { state in
            state.calls.removeAll { $0.id == call.id }
            state.taken[call.slot, default: 0] -= 1
        }
    }

    /// The process that ran them is gone.
    func vanish() {
        state.withLock { state in
            state.calls = []
            state.taken = [:]
        }
    }

    func freeSlots() -> [Slots.Kind: Int] {
        state.withLock { state in
            state.limits.mapValues { $0 }.merging(state.taken) { $0 - $1 }
        }
    }

    func reserve(_ kind: Slots.Kind) { state.withLock { $0.taken[kind, default: 0] += 1 } }
    func release(_ kind: Slots.Kind) { state.withLock { $0.taken[kind, default: 0] -= 1 } }
    func start(_ calls: [Call]) { state.withLock { $0.calls += calls } }

    func cancel(_ calls: [CallID], kill: Bool) { note(calls, \.cancelled) }
    func askToStop(_ calls: [CallID]) { note(calls, \.askedToStop) }
    func askToPause(_ calls: [CallID]) { note(calls, \.askedToPause) }

    private func note(_ calls: [CallID], _ list: any WritableKeyPath<State, [String]> & Sendable) {
        state.withLock { state in
            state[keyPath: list] += state.calls.filter { calls.contains($0.id) }.map(Self.name)
        }
    }

    func saved(_ call: CallID, request: Int, refused: String?) { state.withLock { $0.saved.append(request) } }
    func page(_ call: CallID, request: Int, values: [[UInt8]], next: Int?) {
        state.withLock { $0.pages.append(values.count) }
    }
    func shutDown() async {}
}
