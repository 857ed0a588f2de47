package import RenJSON

/// Makes a flow of the JSON of a file, or says everything that is wrong with it.
///
/// The passes: what the nodes are called and what kind they are; who follows whom; then the nodes one by one, with
/// every path that their templates read.
package enum FlowDecoder {
    package static let nodesMax = 1000

    /// Decodes the documents of one file, of which this version takes one.
    package static func check(_ documents: [Located]) -> FlowCheck {
        let problems = Problems()
        guard let document = documents.first else {
            let error = RenError(.flowMissingKey, "the file holds no flow", hint: "write flow: name and nodes")
            return FlowCheck(flow: nil, document: nil, errors: [error], warnings: [])
        }
        for other in documents.dropFirst() { problems.notYet("a second flow in a file", at: other.place) }
        var reader = FlowReader(problems: problems)
        let flow = reader.read(document)
        return FlowCheck(
            flow: problems.errors.isEmpty ? flow : nil, draft: flow, document: document,
            errors: problems.errors.sortedByPlace(), warnings: problems.warnings.sortedByPlace())
    }

    package static func decode(_ documents: [Located]) throws(FlowErrors) -> Flow {
        let check = check(documents)
        guard let flow = check.flow else { throw FlowErrors(check.errors) }
        return flow
    }

    /// Decodes the payload of `flow.registered`.
    package static func decode(stored bytes: [UInt8]) throws(FlowErrors) -> Flow {
        let document: Located
        do {
            document = try Located(parsing: bytes)
        } catch {
            throw FlowErrors([RenError(RenError.Code(error.code.rawValue), error.message, at: error.place)])
        }
        return try decode([document])
    }
}

/// Reads the top level of a flow.
private struct FlowReader {
    let problems: Problems

    private static let keys = ["flow", "input", "defaults", "timeout", "nodes", "output"]
    private static let laterKeys = ["flows", "finally", "schedules", "limits"]

    mutating func read(_ document: Located) -> Flow? {
        guard let fields = Fields(document, "the flow", known: Self.keys, later: Self.laterKeys, problems) else {
            return nil
        }
        let name = name(fields)
        let nodes = nodes(fields)
        let input = fields["input"].flatMap { schema($0, "input") }
        let table = table(of: nodes, input: fields["input"])
        let before = Scope(table: table, readable: .none, subject: "timeout of defaults")
        let compiler = TemplateCompiler(problems: problems)
        let policies = PolicyReader(problems: problems)
        let decoder = NodeDecoder(table: table, problems: problems)
        var flow = Flow(name: name ?? "", nodes: [], input: input, source: document.json)
        flow.timeout = fields["timeout"].flatMap { policies.duration($0, "timeout of the flow") }
        if let written = fields["defaults"] { flow.defaults = defaults(written, decoder, policies, before) }
        for (index, entry) in nodes.enumerated() where !problems.isFull {
            if let node = decoder.decode(entry.member, number: NodeNumber(index), after: entry.after) {
                flow.nodes.append(node)
            }
        }
        if let written = fields["output"] {
            let after = Scope(table: table, readable: .all, subject: "output")
            flow.output = compiler.template(written, in: after)
        }
        return flow
    }

    private func name(_ fields: Fields) -> String? {
        guard let written = fields["flow"] else {
            guard fields["flows"] == nil else { return nil }  // said already
            problems.add(.flowMissingKey, "the flow has no name", hint: "write flow: name", at: fields.place)
            return nil
        }
        guard let name = written.text else {
            let hint = written.number == nil ? nil : "put it in quotes"
            problems.add(
                .flowShape, "the flow's name must be a text, not \(written.withArticle)", hint: hint, at: written.place)
            return nil
        }
        do {
            try Identifier.check(flowName: name)
        } catch {
            problems.add(error, at: written.place)
        }
        return name
    }

    private func schema(_ value: Located, _ subject: String) -> JSONSchema? {
        JSONSchema.compile(value, subject, problems)
    }

    private func defaults(
        _ value: Located, _ decoder: NodeDecoder, _ policies: PolicyReader, _ scope: Scope
    ) -> Policy {
        var policy = Policy()
        guard let fields = Fields(value, "defaults", known: ["retry", "timeout", "heartbeat"], problems) else {
            return policy
        }
        policy.retry = fields["retry"].flatMap { policies.retry($0, "defaults") }
        policy.timeout = fields["timeout"].flatMap { decoder.time($0, "timeout of defaults", in: scope) }
        policy.heartbeat = fields["heartbeat"].flatMap { policies.heartbeat($0, "heartbeat of defaults") }
        return policy
    }

    // MARK: Nodes

    private struct Entry {
        var member: Located.Member
        var kind: NodeTable.Kind
        var hasEach: Bool
        var after: [Node.After] = []
        /// False when `after` has a problem.
        var isAfterSound = true
    }

    private func nodes(_ fields: Fields) -> [Entry] {
        guard let written = fields["nodes"] else {
            guard fields["flows"] == nil else { return [] }  // said already
            problems.add(.flowMissingKey, "the flow has no nodes", hint: "write nodes: {name: …}", at: fields.place)
            return []
        }
        guard case .object(let members) = written.value else {
            problems.add(.flowShape, "nodes must be a mapping of names, not \(written.withArticle)", at: written.place)
            return []
        }
        guard !members.isEmpty else {
            problems.add(.flowNoNodes, "the flow has no nodes", hint: "write nodes: {name: …}", at: written.place)
            return []
        }
        guard members.count <= FlowDecoder.nodesMax else {
            problems.add(
                .flowTooManyNodes, "the flow has \(members.count) nodes, at most \(FlowDecoder.nodesMax) are allowed",
                hint: "a node with each runs the same function over a list", at: written.place)
            return []
        }
        var entries: [Entry] = []
        for member in members {
            do {
                try Identifier.check(nodeName: member.key)
            } catch {
                problems.add(error, at: member.keyPlace)
            }
            let kind = NodeDecoder.kind(of: member.value)
            entries.append(Entry(member: member, kind: kind, hasEach: member.value["each"] != nil))
        }
        let reader = AfterReader(names: entries.map(\.member.key), kinds: entries.map(\.kind), problems: problems)
        for index in entries.indices {
            let entry = reader.read(entries[index].member, number: NodeNumber(index))
            (entries[index].after, entries[index].isAfterSound) = (entry.entries, entry.areAll)
        }
        reader.refuseWhatNeverHappens(entries.map { ($0.member, $0.after) })
        return entries
    }

    private func table(of entries: [Entry], input: Located?) -> NodeTable {
        let graph = FlowGraph(after: entries.map(\.after))
        let table = NodeTable(
            names: entries.map(\.member.key), kinds: entries.map(\.kind), hasEach: entries.map(\.hasEach),
            isAfterSound: entries.map(\.isAfterSound), graph: graph, input: input.map { InputPaths(schema: $0.json) })
        for cycle in graph.cycles {
            let names = (cycle + [cycle[0]]).map { table.names[$0.index] }
            let member = entries[cycle[0].index].member
            problems.add(
                .flowCycle, "nodes wait for each other: \(names.joined(separator: " → "))",
                hint: "what shall happen again is a retry, or a node with each", at: member.keyPlace)
        }
        return table
    }
}

extension JSONSchema {
    /// Compiles a schema that a flow holds; nil with problems, at their places, when it is none.
    static func compile(_ value: Located, _ subject: String, _ problems: Problems) -> JSONSchema? {
        do {
            return try JSONSchema(compiling: value)
        } catch {
            for error in error.all {
                problems.add(
                    .flowSchema, "\(subject): \(error.message)", hint: error.hint, at: error.place ?? value.place)
            }
            return nil
        }
    }
}
