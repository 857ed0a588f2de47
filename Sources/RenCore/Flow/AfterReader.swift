import RenJSON

/// Reads `after` of every node: names of nodes and of their ways.
struct AfterReader {
    let names: [String]
    let kinds: [NodeTable.Kind]
    let problems: Problems
    private let numbers: [String: NodeNumber]

    init(names: [String], kinds: [NodeTable.Kind], problems: Problems) {
        self.names = names
        self.kinds = kinds
        self.problems = problems
        numbers = Dictionary(names.enumerated().map { ($1, NodeNumber($0)) }) { first, _ in first }
    }

    /// The entries that make sense; a problem for each of the others, and then they are not all.
    func read(_ member: Located.Member, number: NodeNumber) -> (entries: [Node.After], areAll: Bool) {
        guard let written = member.value["after"] else { return ([], true) }
        let subject = "after of node \(quoted(member.key))"
        let elements: [Located]
        switch written.value {
        case .array(let list): elements = list
        case .string: elements = [written]
        default:
            problems.add(
                .flowShape, "\(subject) must be a list of nodes, not \(written.withArticle)", at: written.place)
            return ([], false)
        }
        var entries: [Node.After] = []
        var areAll = true
        for element in elements where !problems.isFull {
            guard let entry = entry(element, of: number, subject) else {
                areAll = false
                continue
            }
            if entries.contains(entry) {
                problems.add(
                    .flowDuplicateAfter, "\(subject) names \(quoted(element.text ?? "")) twice", at: element.place)
            } else {
                entries.append(entry)
            }
        }
        return (entries, areAll)
    }

    private func entry(_ element: Located, of number: NodeNumber, _ subject: String) -> Node.After? {
        guard let text = element.text else {
            problems.add(.flowShape, "\(subject) holds \(element.withArticle), not a node's name", at: element.place)
            return nil
        }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let node = numbers[parts[0]] else {
            problems.add(
                .flowUnknownNode, "\(subject) names \(quoted(parts[0])), there is no such node",
                hint: suggestion(for: parts[0], in: names), at: element.place)
            return nil
        }
        guard node != number else {
            problems.add(.flowSelfReference, "\(subject) names the node itself", at: element.place)
            return nil
        }
        let kind = kinds[node.index]
        guard kind != .end else {
            problems.add(
                .flowAfterEnd, "\(subject) names \(quoted(parts[0])), which ends the run",
                hint: "nothing follows fail or succeed", at: element.place)
            return nil
        }
        guard parts.count == 2 else { return Node.After(node: node, way: .success) }
        switch parts[1] {
        case "failed": return Node.After(node: node, way: .failed)
        case "then" where kind != .function && kind != .pause, "else" where kind != .function && kind != .pause:
            return Node.After(node: node, way: .taken(parts[1]))
        default:
            let ways = kind == .condition || kind == .broken ? ["then", "else", "failed"] : ["failed"]
            problems.add(
                .flowUnknownWay, "\(subject) names \(quoted(text)), but \(quoted(parts[0])) has no such way",
                hint: suggestion(for: parts[1], in: ways)
                    ?? "its ways are \(ways.map { "\(parts[0]).\($0)" }.joined(separator: ", "))", at: element.place)
            return nil
        }
    }

    /// Entries that can never be taken: `x.failed` of a node that cannot fail, `join: all` over two ways of one node.
    func refuseWhatNeverHappens(_ nodes: [(member: Located.Member, after: [Node.After])]) {
        let instead = nodes.map { $0.member.value["on_error"]?["value"] != nil }
        for (member, after) in nodes {
            let subject = "after of node \(quoted(member.key))"
            let place = member.value["after"]?.place ?? member.keyPlace
            for entry in after where entry.way == .failed && instead[entry.node.index] {
                let name = names[entry.node.index]
                let written = member.value["after"].flatMap { element("\(name).failed", of: $0) }
                problems.add(
                    .flowNeverFails, "\(subject) names \"\(name).failed\", but \(quoted(name)) has on_error: {value}",
                    hint: "a node with a value instead of its error succeeds: keep one of the two",
                    at: written?.place ?? place)
            }
            guard member.value["join"]?.text == "all" else { continue }
            var seen: Set<NodeNumber> = []
            for entry in after where !seen.insert(entry.node).inserted {
                problems.add(
                    .flowUnreachable,
                    "node \(quoted(member.key)) wants all ways of \(quoted(names[entry.node.index])), which takes one",
                    hint: "leave join away", at: place)
            }
        }
    }

    private func element(_ text: String, of list: Located) -> Located? {
        guard case .array(let elements) = list.value else { return list }
        return elements.first { $0.text == text }
    }
}
