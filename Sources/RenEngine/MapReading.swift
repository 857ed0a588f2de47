import RenCore
import RenJSON
import RenJournal

/// The source of a map, read once when the map opens.
struct MapReading {
    let total: Int
    /// SHA-256 of the list, or of the reference to the map whose items it is.
    let hash: Digest
    let elements: MapContents.Elements
    /// The list, if it stands in no recorded payload.
    let computed: [UInt8]?
    private let bytes: [UInt8]
    private let scope: RunScope

    /// - Throws: `Failure` `NotAList`, or what evaluation throws; `ReadMap.Long` for a source that goes over `reach`.
    init(_ source: Template, scope: RunScope, evaluator: Evaluator, _ reach: ReadMap.Reach) throws {
        self.scope = scope
        if case .reference(let reference) = source, case .node(let node, let field) = reference.root,
            scope.state[node].output == .items, field == .items || field == .output, reference.path.isEmpty
        {
            if reach == .short, scope.state[node].map?.total ?? 0 > ReadMap.shortItems { throw ReadMap.Long() }
            let indexes = scope.succeeded(node, scope.state[node])
            let isWhole = indexes.count == scope.state[node].map?.total
            total = indexes.count
            elements = .items(of: node, indexes: isWhole ? nil : indexes)
            let name = scope.state.plan.flow.nodes[node.index].name
            hash = Digest(hashing: Array("\(name)@\(scope.state[node].result)".utf8))
            (computed, bytes) = (nil, [])
            return
        }
        if case .reference(let reference) = source, let stored = Self.stored(reference, scope) {
            if reach == .short, stored.length > ReadMap.shortBytes { throw ReadMap.Long() }
            let version = stored.version
            let whole = try scope.values.payload(version)
            let range = JSONText.slice(at: JSONPointer(reference.path), in: whole)
            let start = range?.lowerBound ?? whole.count
            if let range, let lines = ArtifactLines(Array(whole[range]), in: scope.values.artifacts) {
                if reach == .short { throw ReadMap.Long() }
                let scan = try lines.scan(stride: MapContents.stride)
                total = scan.total
                elements = .lines(artifact: lines.hash, offsets: scan.offsets)
                hash = lines.hash
                (computed, bytes) = (nil, [])
                return
            }
            guard let scan = MapContents.scan(whole, from: start) else { throw Self.notAList }
            total = scan.total
            elements = .stored(version: version, offsets: scan.offsets)
            hash = Digest(hashing: whole)
            (computed, bytes) = (nil, whole)
            return
        }
        let list = try evaluator.render(source, in: scope)
        guard let scan = MapContents.scan(list, from: 0) else { throw Self.notAList }
        guard list.count <= RunScope.valueMax / 2 else {
            throw Failure(Failure.Name.inputTooLarge, "each computes a list of \(list.count) bytes; 8 MiB are possible")
        }
        total = scan.total
        elements = .stored(version: .none, offsets: scan.offsets)
        hash = Digest(hashing: list)
        (computed, bytes) = (list, list)
    }

    private static let notAList = Failure(Failure.Name.notAList, "each gives no list")

    /// The recorded payload that a reference leads into.
    private static func stored(_ reference: Template.Reference, _ scope: RunScope) -> PayloadReference? {
        switch reference.root {
        case .input: return scope.state.input
        case .node(let node, .output):
            guard case .payload(let payload) = scope.state[node].output else { return nil }
            return payload
        default: return nil
        }
    }

    func forEach(_ body: (Int, [UInt8]) throws -> Void) throws {
        switch elements {
        case .stored(_, let offsets):
            guard let first = offsets.first else { return }
            var walk = JSONText.Elements(resumingAt: first)
            var index = 0
            while let range = walk.next(in: bytes) {
                try body(index, Array(bytes[range]))
                index += 1
            }
        case .lines(let artifact, _):
            var index = 0
            try ArtifactLines(artifact, in: scope.values.artifacts ?? "").forEach { _, line in
                try body(index, Array(line))
                index += 1
            }
        case .items(let node, let indexes):
            for start in stride(from: 0, to: total, by: 1000) {
                let wanted = (start..<min(start + 1000, total)).map { indexes?[$0] ?? UInt32($0) }
                for (offset, element) in try scope.values.outputs(of: node, wanted).enumerated() {
                    try body(start + offset, element)
                }
            }
        }
    }
}
