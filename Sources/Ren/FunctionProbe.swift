package import RenCore
package import RenJSON
package import RenJournal
package import RenWorkers

/// Asks function files what is in them, or one function what it gives, without an engine: for `ren functions` and
/// `ren flow check`.
package enum FunctionProbe {
    /// Starts one worker with the files, reads its hello and ends it. Nothing is recorded.
    ///
    /// - Throws: `function.*`, `python.*`, `environment.*`, `worker.failed`.
    package static func discover(
        _ files: [String], in directory: DataDirectory, install: FunctionLoader.Install,
        progress: @escaping @Sendable (String) -> Void
    ) async throws(RenError) -> Discovery {
        let setup = try await setup(files, directory, install, progress)
        let pool = setup.makePool(processes: 1) { _ in }
        do {
            let discovery = try await pool.discover()
            await pool.shutDown()
            return discovery
        } catch {
            await pool.shutDown()
            throw error
        }
    }

    /// Calls a function of the files once, in a process of its own. Nothing is recorded; artifacts it makes are kept.
    ///
    /// - Throws: `function.unknown`, `input.invalid`, and what `discover` throws.
    package static func attempt(
        _ name: String, input: JSON, files: [String], in directory: DataDirectory, timeout: Duration = .seconds(60),
        install: FunctionLoader.Install, progress: @escaping @Sendable (String) -> Void
    ) async throws(RenError) -> FunctionTrial {
        try await FunctionTrial.run(
            name, input, try await setup(files, directory, install, progress), timeout: timeout)
    }

    private static func setup(
        _ files: [String], _ directory: DataDirectory, _ install: FunctionLoader.Install,
        _ progress: @escaping @Sendable (String) -> Void
    ) async throws(RenError) -> FunctionSetup {
        try directory.prepare()
        return try await FunctionSetup.prepare(
            FunctionSet(files: files), in: directory, install: install, progress: progress)
    }
}

extension FunctionLoader.Install {
    /// - Throws: `environment.missing` when the packages may not be installed.
    func allow(_ packages: [String]) throws(RenError) {
        switch self {
        case .yes: return
        case .ask(let question) where question(packages): return
        case .ask, .no:
            throw RenError(
                .environmentMissing,
                "the functions need packages that are not installed: \(packages.joined(separator: ", "))",
                hint: "add --install, or environments: install to ren.yaml")
        }
    }
}
