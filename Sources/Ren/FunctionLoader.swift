package import RenCore
import RenEngine
import RenJournal
package import RenWorkers

/// What a run calls from function files: nothing, unless files were given.
package struct LoadedFunctions: Sendable {
    package var set: Digest?
    package var signatures: [String: FunctionSignature] = [:]
    package var host: (any FunctionHost)?
    /// Files whose content is not the one that was recorded last.
    package var changed: [String] = []

    package init() {}
}

/// Makes function files callable: environment, worker pool, signatures. One pool per set, shared by its runs.
package actor FunctionLoader {
    /// Whether packages that the files ask for are installed when they are missing.
    package enum Install: Sendable {
        case yes
        /// Asks a person, showing the packages.
        case ask(@Sendable ([String]) -> Bool)
        case no
    }

    private let directory: DataDirectory
    private let engine: Engine
    private let options: Session.Options
    private var pools: [Digest: WorkerPool] = [:]

    init(directory: DataDirectory, engine: Engine, options: Session.Options) {
        self.directory = directory
        self.engine = engine
        self.options = options
    }

    /// Loads the files as one set, in this order.
    ///
    /// What the workers say of their functions is recorded once per content, before any run that calls them.
    /// - Throws: `function.*`, `python.*`, `environment.*`.
    package func load(
        _ files: [String], install: Install, progress: @escaping @Sendable (String) -> Void
    ) async throws(RenError) -> LoadedFunctions {
        guard !files.isEmpty else { return LoadedFunctions() }
        let set = try FunctionSet(files: files)
        let python = try await PythonExecutable.find(environment: SystemFile.environment)
        let sdk = try SDKFiles.unpack(under: directory.path)
        let environment = try await PythonEnvironment.plan(
            files: set.files.map(\.path), python: python, sdk: sdk, under: directory.path)
        if !environment.isInstalled {
            try install.allow(environment.requirements)
            try await environment.install(progress: progress)
        }
        let id = set.id(environment: environment.hash)
        let recorded = try engine.journal.read { view throws(RenError) in try view.functions(of: id) }
        var loaded = LoadedFunctions()
        loaded.set = id
        loaded.changed = set.files.filter { file in
            recorded.contains { $0.file.path == file.path && $0.hash != file.hash }
        }
        .map(\.path)
        let isKnown = recorded.map(\.hash) == set.files.map(\.hash)
        if isKnown { loaded.signatures = try recorded.signatures() }
        let pool = pools[id] ?? makePool(id, set, environment.python, sdk, loaded.signatures)
        pools[id] = pool
        loaded.host = pool
        if !isKnown {
            let discovery = try await pool.discover()
            loaded.signatures = discovery.signatures
            try await record(id, set, discovery)
        }
        return loaded
    }

    /// The files that a run was started with, as they are now.
    ///
    /// - Throws: `function.file_missing` when one is gone; the run then burns no attempt.
    package func recorded(_ set: Digest) async throws(RenError) -> LoadedFunctions {
        let files = try engine.journal.read { view throws(RenError) in try view.functions(of: set) }
        return try await load(files.map(\.file.path), install: .yes) { _ in }
    }

    func shutDown() async {
        for pool in pools.values { await pool.shutDown() }
        pools = [:]
    }

    private func makePool(
        _ id: Digest, _ set: FunctionSet, _ python: String, _ sdk: String, _ signatures: [String: FunctionSignature]
    ) -> WorkerPool {
        var settings = WorkerSettings(
            directory: SystemFile.currentDirectory,
            variables: WorkerSettings.allowed(from: SystemFile.environment, names: []), artifacts: directory.artifacts)
        if let processes = options.processes { settings.processes = processes }
        if let slots = options.slots { settings.blocking = slots }
        let engine = engine
        return WorkerPool(
            set: id, files: set.files.map(\.path), python: python, sdk: sdk, sockets: directory.path,
            settings: settings,
            signatures: signatures
        ) { engine.receive($0) }
    }

    private func record(_ id: Digest, _ set: FunctionSet, _ discovery: Discovery) async throws(RenError) {
        var facts: [(Fact, PayloadMark?)] = []
        for (index, file) in set.files.enumerated() {
            guard let found = discovery.files.first(where: { $0.path == file.path }) else { continue }
            let described = FunctionFile(
                set: id, index: index, count: set.files.count, path: file.path, signatures: found.signatures)
            let payload = Payload(bytes: try file.read(), hash: file.hash)
            facts.append((.functionsRecorded(described), PayloadMark(payload)))
        }
        try await engine.append(facts)
    }
}

extension RenError.Code {
    package static let environmentMissing = Self("environment.missing")
}
