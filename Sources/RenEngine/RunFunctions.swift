package import RenCore
package import RenWorkers

/// What a run's nodes call, and where that runs.
package struct RunFunctions: Sendable {
    /// The set that the run was started with; nil when it calls Swift functions only.
    package var set: Digest?
    package var signatures: [String: FunctionSignature]
    /// Runs the Swift functions of this program.
    package var swift: (any FunctionHost)?
    /// Runs the functions of the set; nil while it cannot be loaded.
    package var workers: (any FunctionHost)?

    package init(
        set: Digest?, signatures: [String: FunctionSignature], swift: (any FunctionHost)?, workers: (any FunctionHost)?
    ) {
        self.set = set
        self.signatures = signatures
        self.swift = swift
        self.workers = workers
    }

    func host(of kind: Slots.Kind) -> (any FunctionHost)? {
        kind == .swift ? swift : workers
    }

    /// What the function of a node runs in.
    func slot(of node: Node) -> Slots.Kind {
        guard case .function(let call) = node.kind, let signature = signatures[call.name] else { return .none }
        switch signature.language {
        case .swift: return swift == nil ? .none : .swift
        case .python: return workers == nil ? .none : signature.isAsync ? .asynchronous : .blocking
        }
    }

    /// Of the file that the workers run now: it may have been mended since the run was taken up.
    func codeHash(of function: String) -> Digest? {
        (workers?.signatures[function] ?? signatures[function])?.codeHash
    }

    var hasFreeSlot: Bool { freeSlots().values.contains { $0 > 0 } }

    func freeSlots() -> [Slots.Kind: Int] {
        var free = workers?.freeSlots() ?? [:]
        free[.swift] = swift?.freeSlots()[.swift] ?? 0
        return free
    }
}
