package import RenCore
package import RenJournal
package import RenWorkers

/// Asks function files what is in them, without an engine: for `ren functions` and `ren flow check`.
package enum FunctionProbe {
    /// Starts one worker with the files, reads its hello and ends it. Nothing is recorded.
    ///
    /// - Throws: `function.*`, `python.*`, `environment.*`, `worker.failed`.
    package static func discover(
        _ files: [String], in directory: DataDirectory, install: FunctionLoader.Install,
        progress: @escaping @Sendable (String) -> Void
    ) async throws(RenError) -> Discovery {
        try directory.prepare()
        let set = try FunctionSet(files: files)
        let python = try await PythonExecutable.find(environment: SystemFile.environment)
        let sdk = try SDKFiles.unpack(under: directory.path)
        let environment = try await PythonEnvironment.plan(
            files: set.files.map(\.path), python: python, sdk: sdk, under: directory.path)
        if !environment.isInstalled {
            try install.allow(environment.requirements)
            try await environment.install(progress: progress)
        }
        var settings = WorkerSettings(
            directory: SystemFile.currentDirectory,
            variables: WorkerSettings.allowed(from: SystemFile.environment, names: []), artifacts: directory.artifacts)
        settings.processes = 1
        let pool = WorkerPool(
            set: set.id(environment: environment.hash), files: set.files.map(\.path), python: environment.python,
            sdk: sdk,
            sockets: directory.path, settings: settings
        ) { _ in }
        do {
            let discovery = try await pool.discover()
            await pool.shutDown()
            return discovery
        } catch {
            await pool.shutDown()
            throw error
        }
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
