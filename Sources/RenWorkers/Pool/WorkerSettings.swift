/// How the worker processes of a pool are run.
package struct WorkerSettings: Sendable {
    /// Most processes for shared calls, and as many again for calls that need one to themselves.
    package var processes: Int
    /// Threads for blocking functions in each process.
    package var blocking: Int
    /// Calls of `async` functions in each process.
    package var async: Int
    /// Where they run: the folder that `ren` was started in.
    package var directory: String
    /// Their environment, without what the pool adds for itself.
    package var variables: [String: String]
    /// Folder of artifacts; made when missing.
    package var artifacts: String
    var limits = WorkerConnection.Limits()

    package init(
        processes: Int = Processors.count, blocking: Int = 4, async: Int = 64, directory: String,
        variables: [String: String], artifacts: String
    ) {
        self.processes = max(1, processes)
        self.blocking = max(1, blocking)
        self.async = max(1, async)
        self.directory = directory
        self.variables = variables
        self.artifacts = artifacts
    }

    /// What every worker may see of the engine's environment.
    package static let allowedVariables = ["PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "TZ"]

    /// The allowed part of an environment: the engine's secrets are not the workers'.
    ///
    /// - Parameter names: variables that the project declares.
    package static func allowed(from environment: [String: String], names: [String] = []) -> [String: String] {
        environment.filter { allowedVariables.contains($0.key) || names.contains($0.key) }
    }
}
