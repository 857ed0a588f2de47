package import RenCore
package import RenWorkers

/// The worker processes of one function set.
package struct SetWorkers: Sendable {
    package var set: Digest
    /// Real and absolute paths, in their order.
    package var files: [String]
    package var pool: PoolSnapshot

    /// What people call a worker: the beginning of its set and its number, such as `9f3c2a1b-3`.
    package func id(of worker: WorkerSnapshot) -> String { "\(Self.name(of: set))-\(worker.number)" }

    static func name(of set: Digest) -> String { hex(set.bytes.prefix(4)) }
}

extension Session {
    /// The worker processes of all sets that have any.
    package func workers() async -> [SetWorkers] { await functions.workers() }

    /// Ends a worker process, for which a new one starts.
    ///
    /// - Parameter id: as `SetWorkers.id(of:)` gives it.
    /// - Throws: `worker.not_found`.
    package func restart(worker id: String, _ mode: RestartMode) async throws(RenError) {
        let parts = id.split(separator: "-")
        guard parts.count == 2, let number = Int(parts[1]),
            await functions.restart(number, ofSet: String(parts[0]), mode)
        else {
            throw RenError(.workerNotFound, "there is no worker “\(id)”", hint: "ren workers lists them")
        }
    }
}

extension RenError.Code {
    package static let workerNotFound = Self("worker.not_found")
}
