// Ren: the library that a Swift program embeds, and the rooms above the engine that the command line shares with it.
//
// Knows: opening a data directory and becoming its engine, flow files, `ren.yaml`, function files with their
// environments, and a small public surface over all that. Must not know: HTTP, terminals, command lines.
// Start at `Ren` for the public surface, at `Session` for what is under it.
public import Logging
public import RenCore
public import RenJSON
import RenJournal
public import RenWorkers

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A durable workflow engine in this process.
///
/// ```swift
/// let ren = try await Ren(data: .directory("data"), logger: logger)
/// ren.function("shop.price") { (product: Product, context: FunctionContext) async throws -> Price in … }
/// try ren.load(flow: .file("flows/products.yaml"))
/// let run = try await ren.start("products", input: ["shop": "http://127.0.0.1:8000"])
/// let result = try await run.result()
/// ```
public final class Ren: Sendable {
    /// Where the journal is kept.
    public enum DataLocation: Sendable {
        /// A folder on a local disk, for one engine at a time; it is made if it is not there.
        case directory(String)
    }

    public enum FlowSource: Sendable {
        case file(String)
        /// The flow as JSON.
        case json(JSON)
    }

    let session: Session
    private let logger: Logger
    private let flows: FlowShelf

    /// Opens the data directory and becomes its engine.
    ///
    /// - Parameter slots: how many Swift functions run at once; default twice the cores.
    /// - Throws: `RenError`: `engine.locked`, `directory.*`, `journal.*`, `storage.*`.
    public init(data: DataLocation, logger: Logger = Logger(label: "ren"), slots: Int? = nil) async throws {
        guard case .directory(let path) = data else { preconditionFailure("unknown data location") }
        var options = Session.Options()
        options.command = "Ren"
        options.slots = slots
        session = try await Session(path, options)
        self.logger = logger
        flows = FlowShelf()
        logger.info("ren opened its data directory", metadata: ["path": "\(path)"])
    }

    /// Stops carrying runs and closes the journal; runs go on with the next engine.
    public func close() async {
        await session.close()
        logger.info("ren closed its data directory")
    }

    // MARK: Functions and flows

    /// Registers a Swift function. It gets the value of `with` as its input, and runs on threads of ren's own.
    ///
    /// Functions that block for long, trap or hang belong in a worker: they take the engine with them.
    public func function<Input: Decodable & SendableMetatype, Output: Encodable & SendableMetatype>(
        _ name: String, once: Bool = false,
        _ body: @escaping @Sendable (Input, FunctionContext) async throws -> Output
    ) {
        session.swift.register(FunctionSignature(name: name, once: once)) { bytes, context in
            let input = try JSONDecoder().decode(Input.self, from: Data(bytes))
            let output = try await body(input, context)
            return Array(try JSONEncoder().encode(output))
        }
    }

    /// Checks a flow and keeps it under its name for `start`.
    ///
    /// - Throws: `FlowProblems` with everything that is wrong.
    @discardableResult
    public func load(flow source: FlowSource) throws -> String {
        let flow: Flow
        do {
            switch source {
            case .file(let path): flow = try FlowFile.load(path).flow!
            case .json(let json): flow = try FlowDecoder.decode(stored: json.compact)
            }
        } catch let errors as FlowErrors {
            throw FlowProblems(errors: errors.errors)
        }
        flows.put(flow)
        return flow.name
    }

    // MARK: Runs

    /// Starts a run; returns when its start is durable.
    ///
    /// - Parameters:
    ///   - id: the run's name; with an id that is taken by an equal run, that run is returned and goes on.
    ///   - functions: Python files that the flow calls, besides the registered Swift functions.
    /// - Throws: `flow.not_found`, `input.invalid`, `run.exists`, `function.*`, `storage.*`.
    public func start(
        _ flow: String, id: String? = nil, input: JSON = [:], functions files: [String] = []
    ) async throws -> Run {
        guard let flow = flows.flow(named: flow) else {
            throw RenError(.flowNotFound, "no flow “\(flow)” is loaded", hint: "load(flow:) first")
        }
        let functions = try await session.functions.load(files, install: .yes) { [logger] line in logger.info("\(line)")
        }
        let signatures = session.swift.signatures.merging(functions.signatures) { _, worker in worker }
        let problems = FunctionCheck.errors(of: flow, in: nil, signatures: signatures)
        guard problems.isEmpty else { throw FlowProblems(errors: problems) }
        let started = try await session.start(flow, input: input, id: id, functions: functions, by: Asker(by: "swift"))
        if !started.isNew {
            try await session.takeUpUnlessEnded(started.number, functions: functions, by: Asker(by: "swift"))
        }
        return Run(id: started.id, number: started.number, session: session)
    }

    /// Takes up a run that an earlier engine left; an ended one is returned as it is.
    ///
    /// - Parameter id: the run's name, a unique prefix of it, or `@last`.
    public func resume(_ id: String) async throws -> Run {
        let row = try session.journal.read { view throws(RenError) in try view.findRun(id) }
        try await session.takeUpUnlessEnded(row.number, functions: nil, by: Asker(by: "swift"))
        return Run(id: row.id, number: row.number, session: session)
    }
}

/// Everything that is wrong with a flow.
public struct FlowProblems: Error, Sendable {
    public let errors: [RenError]
}
