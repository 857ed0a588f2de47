import RenJSON

/// What is known of a flow's nodes before their templates are read.
struct NodeTable {
    enum Kind { case function, condition, pause, end, broken }

    var names: [String]
    var kinds: [Kind]
    var hasEach: [Bool]
    var graph: FlowGraph
    var input: InputPaths?
    /// Whether everything upstream of a node is known: false in rings, and after an `after` with a problem.
    private(set) var isUpstreamKnown: [Bool]
    private let numbers: [String: NodeNumber]

    init(
        names: [String], kinds: [Kind], hasEach: [Bool], isAfterSound: [Bool], graph: FlowGraph, input: InputPaths?
    ) {
        self.names = names
        self.kinds = kinds
        self.hasEach = hasEach
        self.graph = graph
        self.input = input
        numbers = Dictionary(names.enumerated().map { ($1, NodeNumber($0)) }) { first, _ in first }
        isUpstreamKnown = Array(repeating: false, count: names.count)
        for node in graph.order {
            isUpstreamKnown[node.index] =
                isAfterSound[node.index] && graph.predecessors[node.index].allSatisfy { isUpstreamKnown[$0.index] }
        }
    }

    func number(of name: String) -> NodeNumber? { numbers[name] }
}

/// What the templates at one spot of a flow may read, and how a path is resolved there.
struct Scope {
    /// Whether there is an item, and what of it.
    enum Item { case none, withoutKey, whole }

    /// Which nodes are settled when the template is rendered.
    enum Readable { case none, all, upstream(of: NodeNumber) }

    var table: NodeTable
    var readable: Readable
    var item = Item.none
    /// Where the template stands, for messages: `condition of node "enough"`.
    var subject: String

    /// The first words of all paths, also of those that come later.
    static let words = ["input", "nodes", "item", "index", "key", "run", "round", "previous", "signals"]
    static let runFields = ["id", "flow", "started"]
    private static let errorFields = ["name", "message", "frame", "item"]

    /// - Throws: why the path can never lead to anything; `later` errors for words that come with a later version.
    func resolve(_ path: [String]) throws(RenError) -> Template.Reference {
        guard let word = path.first, word != "" else {
            throw unresolved(path, "there is no name for the whole scope", hint: "read input, nodes.x.output or item")
        }
        let rest = Array(path.dropFirst())
        switch word {
        case "input":
            if case .never(let names) = table.input?.finding(rest) ?? .resolves {
                let name = rest.last.flatMap { suggestion(for: $0, in: names) }
                throw unresolved(
                    path, "the flow's input has no such part",
                    hint: name ?? (names.isEmpty ? nil : "it has \(names.joined(separator: ", "))"))
            }
            return Template.Reference(root: .input, path: rest)
        case "nodes":
            return try resolveNode(path)
        case "item", "index", "key":
            return try resolveItem(path)
        case "run":
            if let field = rest.first, !Self.runFields.contains(field) || rest.count > 1 {
                let isLater = ["planned", "late", "outcome", "error"].contains(field)
                throw isLater
                    ? RenError(
                        .flowNotYet, "\(subject) reads \(text(path)), which is not supported yet", hint: Self.later)
                    : unresolved(path, "a run has \(Self.runFields.joined(separator: ", "))")
            }
            return Template.Reference(root: .run, path: rest)
        case "round", "previous", "signals":
            throw RenError(
                .flowNotYet, "\(subject) reads \(text(path)), which is not supported yet", hint: Self.later)
        default:
            let isNode = table.number(of: word) != nil
            throw unresolved(
                path, "a path begins with input, nodes, item, index, key or run",
                hint: isNode
                    ? "write nodes.\(path.joined(separator: "."))" : suggestion(for: word, in: Self.words))
        }
    }

    private func resolveItem(_ path: [String]) throws(RenError) -> Template.Reference {
        let word = path[0]
        guard item != .none else {
            throw unresolved(path, "there is an \(word == "key" ? "item's key" : word) only with each")
        }
        switch word {
        case "item":
            return Template.Reference(root: .item, path: Array(path.dropFirst()))
        case "key" where item == .withoutKey:
            throw unresolved(path, "the key is what this template gives", hint: "read item or index")
        default:
            guard path.count == 1 else { throw unresolved(path, "\(word) has no parts") }
            return Template.Reference(root: word == "key" ? .key : .index, path: [])
        }
    }

    private func resolveNode(_ path: [String]) throws(RenError) -> Template.Reference {
        let fields = Template.NodeField.allCases.map(\.rawValue)
        guard path.count > 1 else {
            throw unresolved(path, "nodes are read one by one", hint: "write nodes.x.output")
        }
        guard let node = table.number(of: path[1]) else {
            throw unresolved(
                path, "there is no node \(quoted(path[1]))", hint: suggestion(for: path[1], in: table.names))
        }
        let name = path[1]
        switch readable {
        case .none:
            throw RenError(.flowNotUpstream, "\(subject) reads \(text(path)), but no node has run yet then")
        case .upstream(let reader) where node == reader:
            throw RenError(.flowNotUpstream, "\(subject) reads \(text(path)), its own node")
        case .upstream(let reader) where table.isUpstreamKnown[reader.index] && !isUpstream(node, of: reader):
            throw RenError(
                .flowNotUpstream, "\(subject) reads \(text(path)), but does not come after \(quoted(name))",
                hint: "add \(name) to after")
        default:
            break
        }
        guard path.count > 2 else {
            throw unresolved(path, "a field of the node is missing", hint: "write nodes.\(name).output")
        }
        guard let field = Template.NodeField(rawValue: path[2]) else {
            throw unresolved(
                path, "a node has no \(quoted(path[2]))",
                hint: suggestion(for: path[2], in: fields) ?? "it has \(fields.joined(separator: ", "))")
        }
        if let reason = whyAbsent(field, node) { throw unresolved(path, reason.message, hint: reason.hint) }
        let rest = Array(path.dropFirst(3))
        if let part = rest.first, !canHold(part, count: rest.count, field) {
            throw unresolved(path, "\(field.rawValue) of a node has no part \(quoted(part))")
        }
        return Template.Reference(root: .node(node, field), path: rest)
    }

    private func isUpstream(_ node: NodeNumber, of reader: NodeNumber) -> Bool {
        table.graph.isUpstream(node, of: reader)
    }

    private func whyAbsent(_ field: Template.NodeField, _ node: NodeNumber) -> (message: String, hint: String?)? {
        let name = table.names[node.index]
        let kind = table.kinds[node.index]
        if kind == .broken { return nil }
        switch field {
        case .output where kind == .condition:
            return ("a condition has no output", "read nodes.\(name).way, which is then or else")
        case .output where kind == .end:
            return ("an end node has no output", nil)
        case .way where kind != .condition:
            return ("only a condition has a way", nil)
        case .items, .failures, .total, .succeeded, .failed, .skipped:
            return table.hasEach[node.index] ? nil : ("node \(quoted(name)) has no each", "read nodes.\(name).output")
        default:
            return nil
        }
    }

    private func canHold(_ part: String, count: Int, _ field: Template.NodeField) -> Bool {
        switch field {
        case .output: true
        case .items, .failures: part.utf8.allSatisfy { (0x30...0x39).contains($0) } && !part.isEmpty
        case .error: Self.errorFields.contains(part) && count == 1
        case .status, .way, .total, .succeeded, .failed, .skipped: false
        }
    }

    private func unresolved(_ path: [String], _ why: String, hint: String? = nil) -> RenError {
        RenError(.flowUnresolvedVar, "\(subject) reads \(text(path)), \(why)", hint: hint)
    }

    private func text(_ path: [String]) -> String { quoted(path.joined(separator: ".")) }

    static let later = "it comes with a later version of ren"
}
