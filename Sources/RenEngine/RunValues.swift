import RenCore
import RenJSON
import RenJournal

/// Reads the values of one run: recorded payloads, those still on their way into the journal, and elements of maps.
final class RunValues {
    /// A value is in the journal only after the batch in flight: ask again then.
    struct NotYet: Error {}

    let run: RunNumber
    /// Where artifacts are kept; nil where there are none.
    let artifacts: String?
    private let journal: any JournalReading
    /// What the rows of items said as of some event; nil: as the tables have them now.
    private let trails: ItemTrails?
    /// The last value asked for that the journal does not keep any more.
    var missing: RenError?
    /// Nodes that are taken to succeed, though nobody knows with what (`Trial`): reading one is `NotYet`.
    var assumed: Set<NodeNumber> = []
    /// Payloads whose commit is not known yet.
    private var pending: [RunVersion: [UInt8]] = [:]
    private var recent: [(version: RunVersion, bytes: [UInt8])] = []
    private var maps: [NodeNumber: MapContents] = [:]
    private var blocks: [NodeNumber: (first: Int, elements: [[UInt8]])] = [:]
    /// The forks that the run came out of; nil until they are asked for.
    private var lineage: RunLineage?
    /// Version of the last event of a history of which only a part is looked at; nil: of all there is.
    private var horizon: RunVersion?
    /// Results from before a map was opened anew, with the version of its opening.
    private var earlier: [NodeNumber: (opened: RunVersion, results: EarlierResults)] = [:]

    /// - Parameter last: the past up to that version is looked at; nil: all of it, or with `trails` none yet.
    init(
        run: RunNumber, journal: any JournalReading, artifacts: String?, trails: ItemTrails? = nil,
        through last: RunVersion? = nil
    ) {
        self.run = run
        self.artifacts = artifacts
        self.journal = journal
        self.trails = trails
        horizon = last ?? (trails == nil ? nil : RunVersion.none)
    }

    private func read<R>(
        _ body: (borrowing JournalView) throws(RenError) -> R
    ) throws(RenError) -> R {
        do {
            return try journal.read(body)
        } catch {
            if error.code.isPayloadGone { missing = error }
            throw error
        }
    }

    /// Keeps the payload of an event until its commit is known.
    func keep(_ bytes: [UInt8], of version: RunVersion) {
        pending[version] = bytes
    }

    /// Forgets what is in the journal by now.
    func forget(upTo committed: RunVersion) {
        guard !pending.isEmpty else { return }
        pending = pending.filter { $0.key > committed }
    }

    /// The payload of the event of `version`.
    func payload(_ version: RunVersion) throws(RenError) -> [UInt8] {
        if let bytes = pending[version] { return bytes }
        if let found = recent.first(where: { $0.version == version }) { return found.bytes }
        let bytes = try read { view throws(RenError) in try view.payload(run, version) }
        // Small ones are read again and again by items: the input, a list's element count; large ones are streamed.
        if bytes.count <= 1 << 20 {
            recent.append((version, bytes))
            if recent.count > 4 { recent.removeFirst() }
        }
        return bytes
    }

    /// What a function saved; nil when that is not kept any more.
    func checkpoint(_ version: RunVersion) throws(RenError) -> [UInt8]? {
        do {
            return try payload(version)
        } catch {
            guard error.code.isPayloadGone else { throw error }
            return nil
        }
    }

    // MARK: Maps

    /// Whether the table of keys has rows for a map that is not open yet.
    func hasKeys(_ node: NodeNumber) throws(RenError) -> Bool {
        try journal.read { view throws(RenError) in try view.hasKeys(run, node) }
    }

    func open(_ contents: MapContents, of node: NodeNumber) {
        maps[node] = contents
    }

    func close(_ node: NodeNumber) {
        maps[node] = nil
        blocks[node] = nil
        earlier[node] = nil
    }

    /// Nodes have other numbers from the fork of that version on.
    func follow(fork version: RunVersion) {
        maps = [:]
        blocks = [:]
        earlier = [:]
        lineage = nil
        horizon = version
    }

    /// The element of an item of the open map at `node`.
    func element(_ item: ItemIndex, of node: NodeNumber, opened map: MapState) throws -> [UInt8] {
        let contents = try contents(of: node, map)
        if let block = blocks[node], block.first <= item.index, item.index < block.first + block.elements.count {
            return block.elements[item.index - block.first]
        }
        let first = item.index / MapContents.stride * MapContents.stride
        let elements: [[UInt8]]
        switch contents.elements {
        case .stored(let version, let offsets):
            elements = try stored(version, offsets, block: item.index / MapContents.stride)
        case .lines(let artifact, let offsets):
            let lines = ArtifactLines(artifact, in: artifacts ?? "")
            elements = try lines.lines(from: offsets[item.index / MapContents.stride], count: MapContents.stride)
        case .items(let source, let indexes):
            let wanted = first..<min(first + MapContents.stride, contents.total)
            elements = try outputs(of: source, wanted.map { indexes?[$0] ?? UInt32($0) })
        }
        guard item.index - first < elements.count else {
            throw RenError(.journalDamaged, "element \(item) of \(contents.total) is not in the source of its map")
        }
        blocks[node] = (first, elements)
        return elements[item.index - first]
    }

    private func contents(of node: NodeNumber, _ map: MapState) throws(RenError) -> MapContents {
        if let contents = maps[node] { return contents }
        let bytes = try payload(map.version)
        guard var contents = MapContents(payload: bytes, version: map.version, total: map.total) else {
            throw RenError(.journalDamaged, "the payload of map.opened (version \(map.version)) cannot be read")
        }
        if case .items(let source, let indexes) = contents.elements {
            // It was written in the numbers of the flow then.
            guard case .node(let source)? = try forks().subject(.node(source), at: map.version) else {
                throw RenError(.journalDamaged, "the node is gone whose items are those of node \(node)")
            }
            contents.elements = .items(of: source, indexes: indexes)
        }
        maps[node] = contents
        return contents
    }

    private func stored(_ version: RunVersion, _ offsets: [Int], block: Int) throws(RenError) -> [[UInt8]] {
        let start = offsets[block]
        let end = block + 1 < offsets.count ? offsets[block + 1] : nil
        let bytes: [UInt8]
        if let whole = pending[version] ?? recent.first(where: { $0.version == version })?.bytes {
            bytes = Array(whole[start..<(end ?? whole.count)])
        } else {
            bytes = try read { view throws(RenError) in
                let end = if let end { end } else { try view.payloadLength(run, version) }
                return try view.payload(run, version, range: start..<end)
            }
        }
        var walk = JSONText.Elements(resumingAt: 0)
        var elements: [[UInt8]] = []
        while elements.count < MapContents.stride, let range = walk.next(in: bytes) {
            elements.append(Array(bytes[range]))
        }
        return elements
    }

    /// What numbers of nodes mean in the events of a fork's past.
    private func forks() throws(RenError) -> RunLineage {
        if let lineage { return lineage }
        let run = run
        var found = try journal.read { view throws(RenError) in try view.lineage(of: run) }
        if let horizon { found = found.through(horizon) }
        lineage = found
        return found
    }

    // MARK: Before a reopening

    /// The results that items of the map had since its opening of version `first`.
    func earlier(of node: NodeNumber, since first: RunVersion, _ map: MapState) throws(RenError) -> EarlierResults {
        if let known = earlier[node], known.opened == map.version { return known.results }
        let results = try EarlierResults(
            of: node, in: run, from: first, to: map.version, payload(map.version), total: map.total, in: journal,
            forks())
        earlier[node] = (map.version, results)
        return results
    }

    /// What an item has gone through since its map opened; nil when it never began, or runs its first attempt.
    func earlierWork(of item: ItemIndex, _ node: NodeNumber, in map: MapState) throws(RenError) -> EarlierWork? {
        let work: EarlierWork?
        if let trails {
            work = trails[node, item].map { EarlierWork(attempts: $0.attempts, last: $0.last) }
        } else {
            let run = run
            let row = try journal.read { view throws(RenError) in try view.item(run, node, item) }
            work = row.map { EarlierWork(attempts: $0.attempts, last: $0.last) }
        }
        guard let work, work.last > map.version else { return nil }
        return work
    }

    /// What the attempt began with whose result is the event of `version`; nil where a person gave it.
    func start(of version: RunVersion) throws(RenError) -> AttemptStart? {
        let run = run
        return try journal.read { view throws(RenError) in
            var version = version
            while version > .none, let event = try view.recorded(run, version)?.event {
                if case .started(let start) = event.fact { return start }
                if case .overridden = event.fact { return nil }
                version = event.previous
            }
            return nil
        }
    }

    func cause(of version: RunVersion) throws(RenError) -> RunVersion {
        let run = run
        return try journal.read { view throws(RenError) in try view.recorded(run, version)?.event.cause ?? .none }
    }

    // MARK: Outputs of items

    /// Outputs of items of a map that has closed, in the order asked for.
    ///
    /// - Throws: `NotYet` while one of them is not committed.
    func outputs(of node: NodeNumber, _ indexes: [UInt32]) throws -> [[UInt8]] {
        let run = run
        let outputs = try read { view throws(RenError) -> [[UInt8]]? in
            var outputs: [[UInt8]] = []
            for index in indexes {
                guard let version = try succeeded(node, ItemIndex(index), view) else { return nil }
                outputs.append(try view.payload(run, version))
            }
            return outputs
        }
        guard let outputs else { throw NotYet() }
        return outputs
    }

    /// The errors of failed items, with their indexes.
    ///
    /// - Throws: `NotYet` while one of them is not committed.
    func failures(of node: NodeNumber, _ indexes: [UInt32]) throws -> [JSON] {
        let failures = try read { view throws(RenError) -> [JSON]? in
            var failures: [JSON] = []
            for index in indexes {
                guard let error = try failed(node, ItemIndex(index), view) else { return nil }
                failures.append([
                    "index": .integer(Int64(index)), "name": .string(error.name), "message": .string(error.message),
                ])
            }
            return failures
        }
        guard let failures else { throw NotYet() }
        return failures
    }

    /// Version of the event whose payload is the output of an item; nil for one that has not succeeded.
    private func succeeded(
        _ node: NodeNumber, _ item: ItemIndex, _ view: borrowing JournalView
    ) throws(RenError) -> RunVersion? {
        if let trails { return result(of: node, item, in: trails) }
        return try view.item(run, node, item)?.output
    }

    private func result(of node: NodeNumber, _ item: ItemIndex, in trails: ItemTrails) -> RunVersion? {
        trails[node, item].flatMap { $0.result > .none ? $0.result : nil }
    }

    private func failed(
        _ node: NodeNumber, _ item: ItemIndex, _ view: borrowing JournalView
    ) throws(RenError) -> ErrorSummary? {
        guard let trails else { return try view.item(run, node, item)?.error }
        guard let version = result(of: node, item, in: trails),
            case .failed(let failure)? = try view.recorded(run, version)?.event.fact
        else { return nil }
        return ErrorSummary(failure)
    }
}
