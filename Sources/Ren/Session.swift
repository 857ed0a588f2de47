package import RenCore
package import RenEngine
package import RenJSON
package import RenJournal
package import RenWorkers
import Synchronization

/// An open data directory with its engine: what `ren run` and programs that embed ren work through.
///
/// Whoever holds the directory is its engine. A session carries the runs that were started or resumed through it, and
/// with `carries: .all` every other open run too.
package final class Session: Sendable {
    package struct Options: Sendable {
        /// What `ren.lock` and `journal.opened` say of us.
        package var command = "ren"
        package var version = renVersion
        package var carries = JournalOpening.Carries.own
        package var processes: Int?
        /// Threads for blocking functions of a worker process, and slots of Swift functions.
        package var slots: Int?
        package var journal = JournalOptions()
        /// The files that runs get for which none are named: those of `ren.yaml` and of a server's `-f`.
        package var functionFiles: [String] = []
        /// For files that nobody at a terminal has named.
        package var install = FunctionLoader.Install.no
        /// How long workers are kept for a set that no run names.
        package var poolIdle = Duration.seconds(60)
        /// Called on the engine's thread when the storage fills up, or has room again.
        package var onStorageLevel: (@Sendable (StorageLevel, StorageUse) -> Void)?

        package init() {}

        /// - Parameters:
        ///   - command: what `ren.lock` says.
        ///   - project: the `ren.yaml` that holds here.
        package init(command: String, _ project: Project?) {
            self.command = command
            processes = project?.processes
            slots = project?.slots
            journal.budgetBytes = project?.diskBudgetBytes
        }
    }

    package let directory: DataDirectory
    package let journal: StoreJournal
    package let engine: Engine
    package let swift: SwiftFunctions
    package let functions: FunctionLoader
    let options: Options
    let lock: Mutex<EngineLock?>
    let waiting = Mutex<[RunNumber: RenError]>([:])

    /// Opens the directory, making it if it is not there, and becomes its engine.
    ///
    /// - Throws: `engine.locked` (exit 73), `directory.*` (78), `journal.*` (65), `storage.*` (74).
    package init(_ path: String, _ options: Options = Options()) async throws(RenError) {
        self.options = options
        directory = DataDirectory(path)
        try directory.prepare()
        let holder = EngineLock.Holder.current(
            command: options.command, carries: options.carries, started: .wallClock())
        lock = Mutex(try EngineLock.acquire(in: directory, as: holder))
        journal = try LMDBJournal.open(directory: directory.journal, options: options.journal)
        let last = try journal.read { view throws(RenError) in try view.head().time }
        var generator = SystemRandomNumberGenerator()
        engine = Engine(
            journal: journal, clock: SystemClock(last: last), logs: directory.runs,
            artifacts: directory.artifacts, seed: generator.next())
        let engine = engine
        swift = SwiftFunctions(slots: options.slots ?? 2 * Processors.count) { engine.receive($0) }
        functions = FunctionLoader(directory: directory, engine: engine, options: options)
        await engine.watchStorage(options.onStorageLevel)
        let opening = JournalOpening(carries: options.carries, ren: options.version)
        await engine.record(.journalOpened(opening))
    }

    /// Lets running attempts go, ends the workers and closes the journal. Runs go on with the next `takeUp`.
    package func close() async {
        await engine.shutDown()
        await functions.shutDown()
        await swift.shutDown()
        await engine.record(.journalClosed)
        journal.giveBack()
        // Whoever keeps this session does not keep the directory.
        lock.withLock { $0 = nil }
    }

    // MARK: Runs

    package struct Started: Sendable {
        package var id: String
        package var answer: Answer

        package var number: RunNumber { answer.run }
        /// False when the id was taken by an equal run, or the request known: nothing was written.
        package var isNew: Bool { answer.isNew }
    }

    /// Registers the flow and starts a run of it.
    ///
    /// - Throws: `id.invalid`, `input.invalid`, `run.exists`, `storage.*`.
    package func start(
        _ flow: Flow, input: JSON, id: String?, functions: LoadedFunctions, paused: Bool = false, by asker: Asker
    ) async throws(RenError) -> Started {
        if let id { try Identifier.check(runID: id) }
        let input = Payload(hashing: try flow.accept(input: input).compact)
        let hash = try await register(flow).hash
        let creation = RunCreation(id: id ?? newRunID(), flow: hash, flowName: flow.name, functions: functions.set)
        let run = runFunctions(functions)
        let plan = Plan(flow, signatures: run.signatures)
        let answer = try await engine.start(
            creation, plan: plan, input: input, functions: run, paused: paused, by: asker)
        // A repeated request has a run of another id, when ren chose it.
        let row = answer.isNew ? nil : try journal.read { view throws(RenError) in try view.run(answer.run) }
        return Started(id: row?.id ?? creation.id, answer: answer)
    }

    /// Carries on a run that is in the journal and has not ended; writes that it is resumed.
    ///
    /// - Parameter functions: the files named now; nil: those that the run was started with.
    /// - Returns: nil for a run that this session carries already: nothing was written.
    @discardableResult
    package func takeUp(
        _ number: RunNumber, functions: LoadedFunctions?, reason: String? = nil, by asker: Asker
    ) async throws(RenError) -> Answer? {
        let (plans, functions) = try await prepare(number, functions)
        let answer = try await engine.takeUp(number, plans: plans, functions: functions, reason: reason, by: asker)
        waiting.withLock { $0[number] = nil }
        return answer
    }

    /// What a run needs to be carried: its plans and its functions, all of which are there.
    ///
    /// - Throws: `run.not_found`, `function.missing` and what loading function files throws.
    func prepare(
        _ number: RunNumber, _ functions: LoadedFunctions?
    ) async throws(RenError) -> ([Plan], RunFunctions) {
        guard let row = try journal.read({ view throws(RenError) in try view.run(number) }) else {
            throw RenError(.runNotFound, "there is no run number \(number)")
        }
        // The rows of a fork that a crash left unfinished are made first.
        if row.preparing != nil { try await journal.waitUntilPrepared(number) }
        let run = runFunctions(try await self.functions(of: row, functions))
        let plans = try journal.plans(of: row, signatures: run.signatures)
        try requireFunctions(of: plans[plans.count - 1].flow, run, id: row.id)
        return (plans, run)
    }

    /// - Parameter named: instead of those that the run was started with.
    func functions(of row: RunRow, _ named: LoadedFunctions?) async throws(RenError) -> LoadedFunctions {
        if let named { return named }
        guard let set = row.functions else { return LoadedFunctions() }
        return try await functions.recorded(set)
    }

    /// - Throws: `function.missing`.
    func requireFunctions(of flow: Flow, _ run: RunFunctions, id: String) throws(RenError) {
        let missing = FunctionCheck.errors(of: flow, in: nil, signatures: run.signatures)
        guard missing.isEmpty else {
            // Its attempts are not touched: the run waits until the functions are there again.
            throw RenError(
                .functionMissing,
                "run \(id) cannot go on: " + missing.map(\.message).joined(separator: "; "),
                hint: "put the function back, or name the file that has it with -f")
        }
    }

    /// Carries the run on, if it has not ended and is not carried already.
    package func takeUpUnlessEnded(
        _ number: RunNumber, functions: LoadedFunctions?, by asker: Asker
    ) async throws(RenError) {
        let row = try journal.read { view throws(RenError) in try view.run(number) }
        guard row?.status.isOpen == true, await engine.state(of: number) == nil else { return }
        try await takeUp(number, functions: functions, by: asker)
    }

    /// What a run that succeeded gave.
    package func output(of number: RunNumber) throws(RenError) -> JSON {
        let bytes = try journal.read { view throws(RenError) -> [UInt8]? in
            guard let row = try view.run(number), let last = try view.recorded(number, row.version) else { return nil }
            return last.event.payload == nil ? nil : try view.payload(number, row.version)
        }
        guard let bytes else { return .null }
        do {
            return try JSON(parsing: bytes, limits: .payload)
        } catch {
            throw RenError(.journalDamaged, "the output cannot be read: \(error.message)")
        }
    }

    /// The flow that a run is pinned to.
    package func recordedFlow(_ hash: Digest) throws(RenError) -> Flow {
        try Session.recordedFlow(hash, in: journal)
    }

    package static func recordedFlow(_ hash: Digest, in reader: any JournalReading) throws(RenError) -> Flow {
        guard let flow = try reader.read({ view throws(RenError) in try view.flow(hash) }) else {
            throw RenError(.journalDamaged, "the flow \(hash) is not in the journal", hint: "ren journal verify")
        }
        do {
            return try FlowDecoder.decode(stored: flow.bytes)
        } catch {
            throw error.errors[0]
        }
    }

    func runFunctions(_ loaded: LoadedFunctions) -> RunFunctions {
        RunFunctions(
            set: loaded.set, signatures: swift.signatures.merging(loaded.signatures) { _, worker in worker },
            swift: swift,
            workers: loaded.host)
    }
}

extension RenError.Code {
    /// A function that the run's flow calls is not in the files it was given.
    package static let functionMissing = Self("function.missing")
}

/// A run's name when its starter gives none: `r_` and eight letters or digits.
func newRunID() -> String {
    let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789")
    return "r_" + String((0..<8).map { _ in alphabet.randomElement()! })
}

/// The version of this ren.
package let renVersion = "0.1.0"
