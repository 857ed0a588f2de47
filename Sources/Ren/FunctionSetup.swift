import RenCore
import RenJournal
import RenWorkers

/// Function files with the Python that can run them: the environment that they ask for is there.
struct FunctionSetup: Sendable {
    let set: FunctionSet
    /// Names the set and its environment.
    let id: Digest
    private let python: String
    private let sdk: String
    private let directory: DataDirectory

    /// - Throws: `python.*`, `environment.*`, `function.broken`.
    static func prepare(
        _ set: FunctionSet, in directory: DataDirectory, install: FunctionLoader.Install,
        progress: @escaping @Sendable (String) -> Void
    ) async throws(RenError) -> FunctionSetup {
        let python = try await PythonExecutable.find(environment: SystemFile.environment)
        let sdk = try SDKFiles.unpack(under: directory.path)
        let environment = try await PythonEnvironment.plan(
            files: set.files.map(\.path), python: python, sdk: sdk, under: directory.path)
        if !environment.isInstalled {
            try install.allow(environment.requirements)
            try await environment.install(progress: progress)
        }
        return FunctionSetup(
            set: set, id: set.id(environment: environment.hash), python: environment.python, sdk: sdk,
            directory: directory)
    }

    /// Whether what it was prepared with is still there.
    var isUsable: Bool { SystemFile.exists(python) && SystemFile.exists(sdk) }

    /// A pool of workers that run the files in the folder that this process was started in.
    func makePool(
        processes: Int? = nil, blocking: Int? = nil, signatures: [String: FunctionSignature] = [:],
        sink: @escaping @Sendable ([CallReport]) -> Void
    ) -> WorkerPool {
        var settings = WorkerSettings(
            directory: SystemFile.currentDirectory,
            variables: WorkerSettings.allowed(from: SystemFile.environment, names: []), artifacts: directory.artifacts)
        if let processes { settings.processes = processes }
        if let blocking { settings.blocking = blocking }
        return WorkerPool(
            set: id, files: set.files.map(\.path), python: python, sdk: sdk, sockets: directory.path,
            settings: settings, signatures: signatures, sink: sink)
    }
}
