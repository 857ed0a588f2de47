import RenCore
import RenJSON
import RenJournal

/// What expressions of a run read, as JSON text.
struct RunScope: ScopeReader {
    let state: RunState
    let values: RunValues
    /// Set while an item's own templates are evaluated.
    var item: Item?

    struct Item {
        var element: [UInt8]
        var index: ItemIndex
        /// Not known yet while the key itself is evaluated.
        var key: String?
    }

    /// The item's human name; its index where no `key` is written.
    func key(of item: Item, _ node: Node, _ evaluator: Evaluator) throws(Failure) -> String {
        guard let template = node.each?.key else { return String(item.index.rawValue) }
        var scope = self
        scope.item = item
        return try evaluator.key(template, in: scope)
    }

    /// Values are limited by what a worker can be sent.
    static let valueMax = 16 << 20

    func load(_ root: Template.Root) throws(Failure) -> [UInt8]? {
        do {
            return try bytes(root)
        } catch let failure as Failure {
            throw failure
        } catch let error as RenError {
            throw Failure(Failure.Name.badExpression, error.message)
        } catch {
            throw Failure(RunScope.notYet, "\(error)")
        }
    }

    /// Name of the failure that stands for `RunValues.NotYet` on its way through the evaluator; never recorded.
    static let notYet = "NotYet"

    private func bytes(_ root: Template.Root) throws -> [UInt8]? {
        switch root {
        case .input: try state.input.map { try values.payload($0.version) }
        case .item: item?.element
        case .index: item.map { Array(String($0.index.rawValue).utf8) }
        case .key: item?.key.map { JSON.string($0).compact }
        case .run: runFacts
        case .node(let node, let field): try nodeField(node, field)
        }
    }

    private var runFacts: [UInt8] {
        let facts: JSON = [
            "id": .string(state.creation?.id ?? ""), "flow": .string(state.creation?.flowName ?? ""),
            "started": .string(state.created.iso8601),
        ]
        return facts.compact
    }

    private func nodeField(_ number: NodeNumber, _ field: Template.NodeField) throws -> [UInt8]? {
        let node = state[number]
        let counts = node.map?.counts
        // How many items there are is known from the list.
        if values.assumed.contains(number), field != .total || node.map == nil { throw RunValues.NotYet() }
        switch field {
        case .output, .items: return try output(number, node)
        case .status: return JSON.string(node.status).compact
        case .way: return node.way.map { JSON.string($0).compact }
        case .error: return node.error.map { $0.json.compact }
        case .failures: return try failures(number, node)
        case .total: return node.map.map { Array(String($0.total).utf8) }
        case .succeeded: return counts.map { Array(String($0.succeeded).utf8) }
        case .failed: return counts.map { Array(String($0.failed).utf8) }
        case .skipped: return counts.map { Array(String($0.skipped).utf8) }
        }
    }

    private func output(_ number: NodeNumber, _ node: NodeState) throws -> [UInt8]? {
        switch node.output {
        case .none: return nil
        case .payload(let reference): return try values.payload(reference.version)
        case .items: return try list(succeeded(number, node), of: number)
        }
    }

    /// Indexes of the items that succeeded.
    func succeeded(_ number: NodeNumber, _ node: NodeState) -> [UInt32] {
        guard let map = node.map else { return [] }
        return (0..<UInt32(map.next)).filter { map.state(of: ItemIndex(rawValue: $0)) == .succeeded }
    }

    private func list(_ indexes: [UInt32], of node: NodeNumber) throws -> [UInt8] {
        var bytes = [UInt8(ascii: "[")]
        for start in stride(from: 0, to: indexes.count, by: 1000) {
            for value in try values.outputs(of: node, Array(indexes[start..<min(start + 1000, indexes.count)])) {
                if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
                bytes += value
            }
            guard bytes.count <= Self.valueMax else {
                throw Failure(
                    Failure.Name.inputTooLarge,
                    "nodes.\(state.plan.flow.nodes[node.index].name).items has over 16 MiB: read it lazily, as an argument "
                        + "of exactly {var: nodes.x.items}, or hand over an artifact")
            }
        }
        bytes.append(UInt8(ascii: "]"))
        return bytes
    }

    /// The items that failed: `[{"index", "name", "message"}]`.
    private func failures(_ number: NodeNumber, _ node: NodeState) throws -> [UInt8]? {
        guard let map = node.map else { return nil }
        let failed = (0..<UInt32(map.next)).filter { map.state(of: ItemIndex(rawValue: $0)) == .failed }
        return try JSON.array(values.failures(of: number, failed)).compact
    }
}
