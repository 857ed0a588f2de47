import RenTestKit

/// A flow made from a seed, as YAML: functions, conditions, pauses, maps and ends in every combination that the check
/// accepts.
struct RandomFlow {
    private enum Kind {
        case function(canFail: Bool)
        case condition
        case pause
        case map(canFail: Bool)
        case end
    }

    /// What `Stage` takes: the mapping below `nodes:`, and the other keys of the flow.
    private(set) var nodes = ""
    private(set) var top = ""
    private var kinds: [Kind] = []
    private var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        for number in 0..<(2 + random.below(7)) { addNode(number) }
        if random.oneIn(2) { top += "output: {first: {var: nodes.n0.error}, status: {var: nodes.n1.status}}\n" }
        if random.oneIn(6) { top += "timeout: 30m\n" }
    }

    private mutating func addNode(_ number: Int) {
        let after = predecessors(number)
        var words: [String] = []
        if !after.isEmpty { words.append("after: [\(after.map(\.text).joined(separator: ", "))]") }
        if after.count > 1, random.oneIn(3) { words.append("join: settled") }
        switch random.below(12) {
        case 0, 1:
            words.append("condition: {var: input.\(random.oneIn(2) ? "yes" : "no")}")
            kinds.append(.condition)
        case 2 where !after.isEmpty:
            words.append(
                "pause: {message: Go on, signal: s\(random.below(2))\(random.oneIn(3) ? ", timeout: 10m" : "")}")
            kinds.append(.pause)
        case 3 where number > 1 && random.oneIn(2):
            words.append(random.oneIn(2) ? "fail: Enough" : "succeed: {done: {var: input.yes}}")
            kinds.append(.end)
        case 4...6: addMap(after, &words)
        default: addFunction(after, &words)
        }
        nodes += "n\(number): {\(words.joined(separator: ", "))}\n"
    }

    private mutating func addFunction(_ after: [(number: Int, text: String)], _ words: inout [String]) {
        words.append("function: f")
        if random.oneIn(4) { words.append("when: {var: input.\(random.oneIn(4) ? "no" : "yes")}") }
        let field = if case .condition? = after.first.map({ kinds[$0.number] }) { "way" } else { "output" }
        if let source = after.first, random.oneIn(2) {
            words.append("with: {x: {var: nodes.n\(source.number).\(field)}, y: {var: input.list}}")
        }
        let canFail = !random.oneIn(4)
        if !canFail { words.append("on_error: {value: {instead: {var: input.yes}}}") }
        addAttempts(&words)
        kinds.append(.function(canFail: canFail))
    }

    private mutating func addMap(_ after: [(number: Int, text: String)], _ words: inout [String]) {
        let maps = after.filter { if case .map = kinds[$0.number] { true } else { false } }
        let source =
            if let map = maps.first, random.oneIn(2) { "{var: nodes.n\(map.number).items}" } else {
                random.oneIn(3) ? "{map: [{var: input.list}, {\"*\": [{var: n}, 2]}]}" : "{var: input.list}"
            }
        words.append("function: g, each: \(source), with: {item: {var: item}}")
        if random.oneIn(2) { words.append("concurrency: \(1 + random.below(3))") }
        if random.oneIn(2) { words.append("tolerate: \(random.oneIn(2) ? "1" : "50%")") }
        if random.oneIn(5) { words.append("when: {\"!=\": [{var: index}, 1]}") }
        let canFail = !random.oneIn(5)
        if !canFail { words.append("on_error: {value: []}") }
        addAttempts(&words)
        kinds.append(.map(canFail: canFail))
    }

    private mutating func addAttempts(_ words: inout [String]) {
        if random.oneIn(6) {
            words.append("once: true")
        } else if random.oneIn(2) {
            words.append("retry: {attempts: \(2 + random.below(3)), every: 1s, jitter: 0.3}")
        }
        if random.oneIn(3) { words.append("timeout: 1m") }
        if random.oneIn(5) { words.append("heartbeat: 30s") }
    }

    private mutating func predecessors(_ number: Int) -> [(number: Int, text: String)] {
        var chosen: [(number: Int, text: String)] = []
        for candidate in 0..<number where random.oneIn(3) {
            switch kinds[candidate] {
            case .condition:
                chosen.append((candidate, "n\(candidate).\(random.oneIn(2) ? "then" : "else")"))
            case .function(canFail: true), .map(canFail: true):
                chosen.append((candidate, "n\(candidate)\(random.oneIn(5) ? ".failed" : "")"))
            case .function, .map, .pause: chosen.append((candidate, "n\(candidate)"))
            case .end: continue
            }
        }
        return chosen
    }
}
