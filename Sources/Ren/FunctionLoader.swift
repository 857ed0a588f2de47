package import RenCore
import RenEngine
import RenJSON
import RenJournal
package import RenWorkers

/// What a run calls from function files: nothing, unless files were given.
///
/// Whoever keeps one keeps its workers from ending.
package struct LoadedFunctions: Sendable {
    package var set: Digest?
    package var signatures: [String: FunctionSignature] = [:]
    package var host: (any FunctionHost)?
    /// Files whose content is not the one that was recorded last.
    package var changed: [String] = []

    package init() {}
}

/// Makes function files callable: environment, worker pool, signatures. One pool per set, shared by its runs; a pool
/// that no run names ends after a while, and comes back when it is asked for again.
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
    private var pools: [Digest: PoolEntry] = [:]
    /// What was loaded last of a list of files: to load it again costs reading and hashing them.
    private var known: [[String]: Known] = [:]
    private var turns = Turns<[String]>()
    /// Ends idle pools; it lives while there are pools.
    private var sweeper: Task<Void, Never>?

    private struct PoolEntry {
        var pool: WorkerPool
        var files: [String]
        /// Since when nobody has named the set.
        var idleSince: ContinuousClock.Instant?
    }

    private struct Known {
        var setup: FunctionSetup
        var signatures: [String: FunctionSignature]
    }

    private static let knownMax = 100

    init(directory: DataDirectory, engine: Engine, options: Session.Options) {
        self.directory = directory
        self.engine = engine
        self.options = options
    }

    /// Loads the files as one set, in this order.
    ///
    /// What the workers say of their functions is recorded once per content, before any run that calls them.
    /// - Parameter hashes: what another process has seen at these real and absolute paths.
    /// - Throws: `function.*`, `python.*`, `environment.*`; `function.changed` when a file is not what `hashes` say.
    package func load(
        _ files: [String], hashes: [String: Digest]? = nil, install: Install,
        progress: @escaping @Sendable (String) -> Void
    ) async throws(RenError) -> LoadedFunctions {
        guard !files.isEmpty else { return LoadedFunctions() }
        let paths = try FunctionSet(files: files).files.map(\.path)
        await withCheckedContinuation { turns.enter(paths, $0) }
        defer { turns.leave(paths) }
        // Read again: another one may have had its turn since.
        let set = try FunctionSet(files: files)
        try hashes.map { hashes throws(RenError) in try set.check(hashes, named: files) }
        if let last = known[paths], last.setup.set == set, last.setup.isUsable {
            return loaded(last)
        }
        let setup = try await FunctionSetup.prepare(set, in: directory, install: install, progress: progress)
        return try await load(setup)
    }

    private func load(_ setup: FunctionSetup) async throws(RenError) -> LoadedFunctions {
        let hashes = setup.set.files.map(\.hash)
        let recorded = try engine.journal.read { view throws(RenError) in try view.functions(of: setup.id) }
        let isRecorded = recorded.map(\.hash) == hashes
        var now = Known(setup: setup, signatures: isRecorded ? try recorded.signatures() : [:])
        if !isRecorded || pools[setup.id] != nil {
            let discovery = try await pool(of: now).discover(hashes)
            guard discovery.files.map(\.hash) == hashes else {
                throw RenError(
                    .functionChanged, "a function file was changed while it was loaded", hint: "try it again")
            }
            now.signatures = discovery.signatures
            if !isRecorded { try await record(setup, discovery) }
        }
        if known.count >= Self.knownMax { known = [:] }
        known[setup.set.files.map(\.path)] = now
        var loaded = loaded(now)
        loaded.changed = setup.set.files.filter { file in
            recorded.contains { $0.file.path == file.path && $0.hash != file.hash }
        }
        .map(\.path)
        return loaded
    }

    private func loaded(_ known: Known) -> LoadedFunctions {
        var loaded = LoadedFunctions()
        loaded.set = known.setup.id
        loaded.signatures = known.signatures
        loaded.host = pool(of: known)
        return loaded
    }

    /// The files that a run was started with, as they are now.
    ///
    /// - Throws: `function.file_missing` when one is gone; the run then burns no attempt.
    package func recorded(_ set: Digest) async throws(RenError) -> LoadedFunctions {
        let files = try engine.journal.read { view throws(RenError) in try view.functions(of: set) }
        return try await load(files.map(\.file.path), install: .yes) { _ in }
    }

    /// Calls a function of the files once, in a process of its own; nothing is recorded.
    func attempt(
        _ name: String, _ input: JSON, _ files: [String], install: Install, timeout: Duration
    ) async throws(RenError) -> FunctionTrial {
        let set = try FunctionSet(files: files)
        let last = known[set.files.map(\.path)]?.setup
        if let last, last.set == set, last.isUsable {
            return try await FunctionTrial.run(name, input, last, timeout: timeout)
        }
        let setup = try await FunctionSetup.prepare(set, in: directory, install: install) { _ in }
        return try await FunctionTrial.run(name, input, setup, timeout: timeout)
    }

    private func record(_ setup: FunctionSetup, _ discovery: Discovery) async throws(RenError) {
        let files = setup.set.files
        var facts: [(Fact, PayloadMark?)] = []
        for (index, file) in files.enumerated() {
            guard let found = discovery.files.first(where: { $0.path == file.path }) else { continue }
            let described = FunctionFile(
                set: setup.id, index: index, count: files.count, path: file.path, signatures: found.signatures)
            let payload = Payload(bytes: try file.read(), hash: file.hash)
            facts.append((.functionsRecorded(described), PayloadMark(payload)))
        }
        try await engine.append(facts)
    }

    // MARK: Pools

    private func pool(of known: Known) -> WorkerPool {
        let id = known.setup.id
        pools[id]?.idleSince = nil
        if let pool = pools[id]?.pool { return pool }
        let engine = engine
        let pool = known.setup.makePool(
            processes: options.processes, blocking: options.slots, signatures: known.signatures
        ) { engine.receive($0) }
        pools[id] = PoolEntry(pool: pool, files: known.setup.set.files.map(\.path))
        if sweeper == nil { sweeper = Task { await sweep() } }
        return pool
    }

    private func sweep() async {
        while !pools.isEmpty {
            do {
                try await Task.sleep(for: options.poolIdle / 4)
            } catch {
                return  // the session closes
            }
            await endIdlePools()
        }
        sweeper = nil
    }

    private func endIdlePools() async {
        let now = ContinuousClock.now
        for id in pools.keys.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
            // Runs and loaded functions hold their pool: one that is held here alone is named by none of them, and
            // nobody else can come to hold it but through this actor.
            guard let isFree = pools[id].map({ $0.idleSince != nil }),
                isKnownUniquelyReferenced(&pools[id]!.pool)
            else {
                pools[id]?.idleSince = nil
                continue
            }
            guard isFree, let since = pools[id]?.idleSince else {
                pools[id]?.idleSince = now
                continue
            }
            guard now - since >= options.poolIdle, await pools[id]?.pool.isIdle() == true,
                // Looked at again: it may have been named meanwhile.
                pools[id]?.idleSince == since, let pool = pools.removeValue(forKey: id)?.pool
            else { continue }
            await pool.shutDown()
        }
    }

    /// The workers of every set that has a pool, in the order of their files.
    func workers() async -> [SetWorkers] {
        var all: [SetWorkers] = []
        for (id, entry) in pools {
            all.append(SetWorkers(set: id, files: entry.files, pool: await entry.pool.snapshot()))
        }
        return all.sorted { $0.files.lexicographicallyPrecedes($1.files) }
    }

    /// - Returns: whether there is such a worker.
    func restart(_ number: Int, ofSet name: String, _ mode: RestartMode) async -> Bool {
        guard let pool = pools.first(where: { SetWorkers.name(of: $0.key) == name })?.value.pool else { return false }
        return await pool.restart(number, mode)
    }

    func shutDown() async {
        sweeper?.cancel()
        for entry in pools.values { await entry.pool.shutDown() }
        pools = [:]
    }
}

/// Lets one at a time go on for each key, in the order in which they came.
private struct Turns<Key: Hashable> {
    private var waiting: [Key: [CheckedContinuation<Void, Never>]] = [:]

    mutating func enter(_ key: Key, _ continuation: CheckedContinuation<Void, Never>) {
        guard waiting[key] == nil else {
            waiting[key]!.append(continuation)
            return
        }
        waiting[key] = []
        continuation.resume()
    }

    mutating func leave(_ key: Key) {
        guard waiting[key]?.isEmpty == false else {
            waiting[key] = nil
            return
        }
        waiting[key]!.removeFirst().resume()
    }
}

extension FunctionSet {
    /// - Parameters:
    ///   - hashes: by path.
    ///   - paths: as they were given: real and absolute, else they mean something else here than where they come from.
    fileprivate func check(_ hashes: [String: Digest], named paths: [String]) throws(RenError) {
        if let path = paths.first(where: { !$0.hasPrefix("/") }) {
            throw RenError(
                .functionFileMissing, "the path \(path) of a function file is not absolute",
                hint: "send the real and absolute path", file: path)
        }
        for file in files {
            guard let hash = hashes[file.path], hash != file.hash else { continue }
            throw RenError(
                .functionChanged, "\(file.path) is not what it was when you looked at it",
                hint: "it has been changed since: run the command again", file: file.path)
        }
    }
}

extension RenError.Code {
    package static let environmentMissing = Self("environment.missing")
    /// A function file is not what the one who names it has seen.
    package static let functionChanged = Self("function.changed")
}
