package import RenCore
package import RenJSON
package import RenJournal

extension RunSummary {
    /// The object of `runs -o json`; `show -o json` adds to it.
    package static func json(_ row: RunRow, isCarried: Bool) -> JSONObject {
        [
            "run": .string(row.id), "flow": .string(row.flowName), "flow_hash": .string(row.flow.description),
            "status": .string(row.shownStatus), "carried": .bool(isCarried),
            "created": JSON(row.created), "updated": JSON(row.updated), "ended": JSON(row.ended),
            "version": JSON(row.version.rawValue), "first": JSON(row.first.rawValue), "last": JSON(row.last.rawValue),
            "error": row.error.map { .object($0.json) } ?? .null, "pruned": JSON(row.pruned?.rawValue),
            "preparing": JSON(row.preparingPercent),
        ]
    }

    package var json: JSONObject {
        var object: JSONObject = ["schema": "ren.run/1"]
        for member in Self.json(row, isCarried: isCarried) { object[member.key] = member.value }
        object["nodes"] = nodesJSON
        object["problems"] = .array(
            problems.map { problem in
                [
                    "fingerprint": .string(ProblemView.text(problem.row.fingerprint)),
                    "name": .string(problem.row.name), "message": .string(problem.row.message),
                    "frame": JSON(problem.row.frame), "failures": JSON(problem.row.failures),
                    "attempts": JSON(problem.row.attempts), "first": JSON(problem.row.first),
                    "last": JSON(problem.row.last), "node": JSON(problem.node), "key": JSON(problem.key),
                ]
            })
        object["anchor"] = .string(anchor)
        return object
    }

    /// By name, in the order of the flow: status, and counts where there are items.
    package var nodesJSON: JSON {
        .object(
            JSONObject(
                members: flow.nodes.indices.map { index in
                    JSONObject.Member(key: flow.nodes[index].name, value: .object(nodeJSON(index)))
                }))
    }

    private func nodeJSON(_ index: Int) -> JSONObject {
        var object: JSONObject = ["status": .string(state(of: index).name)]
        guard let row = rows[index] else { return object }
        object["attempts"] = JSON(row.attempts)
        object["begun"] = JSON(row.begun)
        object["ended"] = JSON(row.ended)
        if let map = row.map {
            object["total"] = JSON(map.total)
            for state in WorkState.allCases where state != .waiting {
                object[state.name] = JSON(map.counts[state])
            }
        }
        if let way = row.way { object["way"] = .string(way) }
        if let skip = row.skip { object["skipped_because"] = .string(skip.rawValue) }
        if row.state == .waiting {
            object["signal"] = JSON(row.signal)
            object["message"] = JSON(row.message)
            object["until"] = JSON(row.until)
            object["form"] = form(of: index) ?? .null
        }
        if let error = row.error { object["error"] = .object(error.json) }
        return object
    }

    /// The journal's head, as `ren journal verify --anchor` takes it: sequence and chain hash.
    package var anchor: String { "\(head.sequence):\(head.hash)" }

    /// What `run -o json` and `resume -o json` print when they end.
    package func report(output: [UInt8]?) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("run", row.id)
        writer.field("flow", row.flowName)
        writer.field("status", status)
        writer.key("output")
        if let output { writer.raw(output) } else { writer.null() }
        writer.field("error", row.error.map { JSON.object($0.json) } ?? .null)
        writer.field("nodes", nodesJSON)
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension ErrorSummary {
    /// `{"name", "message", "frame"?}`
    package var json: JSONObject {
        var object: JSONObject = ["name": .string(name), "message": .string(message)]
        if let frame { object["frame"] = .string(frame) }
        return object
    }
}

extension JSON {
    package init(_ text: String?) { self = text.map(JSON.string) ?? .null }
    package init(_ number: (some BinaryInteger)?) { self = number.map { .integer(Int64(clamping: $0)) } ?? .null }
    package init(_ time: Timestamp?) { self = time.map { .string($0.iso8601) } ?? .null }
}
