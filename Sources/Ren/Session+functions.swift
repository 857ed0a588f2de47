package import RenCore
package import RenJSON
import RenWorkers

extension Session {
    /// Loads function files as one set, for a run.
    ///
    /// - Parameters:
    ///   - hashes: what a client has seen at these real and absolute paths.
    ///   - install: nil: as this session does.
    /// - Throws: `function.changed`, and what `FunctionLoader.load` throws.
    package func load(
        _ files: [String], hashes: [String: Digest]? = nil, install: FunctionLoader.Install? = nil,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(RenError) -> LoadedFunctions {
        try await functions.load(files, hashes: hashes, install: install ?? options.install, progress: progress)
    }

    /// The functions of runs for which no files are named, as the files are now.
    package func defaultFunctions() async throws(RenError) -> LoadedFunctions {
        try await load(options.functionFiles)
    }

    /// Everything that a run without files of its own can call, by name.
    package func signatures() async throws(RenError) -> [String: FunctionSignature] {
        swift.signatures.merging(try await defaultFunctions().signatures) { _, worker in worker }
    }

    /// Calls a function once, outside of any run: one of this program, else one of the default set in a process of its own.
    /// Nothing is recorded; artifacts that it makes are kept.
    ///
    /// - Throws: `function.unknown`, `input.invalid`, and what loading the default set throws.
    package func attempt(
        _ name: String, input: JSON, timeout: Duration = .seconds(60)
    ) async throws(RenError) -> FunctionTrial {
        guard options.functionFiles.isEmpty || swift.signatures[name] != nil else {
            return try await functions.attempt(
                name, input, options.functionFiles, install: options.install, timeout: timeout)
        }
        return try await FunctionTrial.run(name, input, swift, timeout: timeout)
    }
}
