/// How far a node or an item has come, in one word. The numbers stand in rows: never reused.
package enum WorkState: UInt8, CaseIterable, Sendable {
    case pending, ready, running, retrying, waiting, succeeded, failed, skipped, cancelled, unknown

    package var name: String {
        switch self {
        case .pending: "pending"
        case .ready: "ready"
        case .running: "running"
        case .retrying: "retrying"
        case .waiting: "waiting"
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .skipped: "skipped"
        case .cancelled: "cancelled"
        case .unknown: "unknown"
        }
    }

    /// Nothing of it follows by itself any more; `unknown` is open, for a person.
    package var isSettled: Bool {
        switch self {
        case .succeeded, .failed, .skipped, .cancelled: true
        case .pending, .ready, .running, .retrying, .waiting, .unknown: false
        }
    }
}

/// How many nodes or items are in each state.
package struct StateCounts: Hashable, Sendable {
    private var values = [UInt32](repeating: 0, count: WorkState.allCases.count)

    package init() {}

    package subscript(state: WorkState) -> Int {
        get { Int(values[Int(state.rawValue)]) }
        // A fold cannot fail: events that do not add up give a wrong count, never a trap.
        set { values[Int(state.rawValue)] = UInt32(clamping: newValue) }
    }

    mutating func move(from old: WorkState?, to new: WorkState) {
        guard old != new else { return }
        if let old { self[old] -= 1 }
        self[new] += 1
    }
}

/// How far a run has come. The numbers stand in rows and keys: never reused.
package enum RunStatus: UInt8, CaseIterable, Sendable {
    case running, pausing, paused, stopping, ending, succeeded, failed, stopped, quarantined

    package var name: String {
        switch self {
        case .running: "running"
        case .pausing: "pausing"
        case .paused: "paused"
        case .stopping: "stopping"
        case .ending: "ending"
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .stopped: "stopped"
        case .quarantined: "quarantined"
        }
    }

    /// An engine has to carry it on; not so one that ended or is quarantined.
    package var isOpen: Bool { rawValue <= Self.ending.rawValue }
}
