import HTTPTypes
import Hummingbird
import NIOCore
import Ren
import RenAPI
import RenCore
import RenJSON
import RenJournal

extension Backend {
    var resultRoutes: [Route] {
        [
            Route(
                .get, "/api/v1/runs/{run}/result", "The output of a run that succeeded, as JSON.",
                answers: [.json(.ok, "the output, as it was recorded", .anything)], problems: [404, 409, 410],
                isLong: true
            ) { call in
                try self.result(of: self.run(call.capture("run")))
            },
            Route(
                .get, "/api/v1/runs/{run}/artifacts", "The files that the results of a run name.",
                parameters: [
                    .query("after", "next of the page before", .integer(from: 0, to: .max, default: 0)),
                    .query("limit", "about so many", .integer(from: 1, to: 1_000, default: 1_000)),
                ],
                answers: [
                    .json(
                        .ok, "a page, in the order of the events; next is to be sent as after",
                        .answer(["items": .list(of: Self.artifactSchema), "next": .countOrNull, "as_of": .count]))
                ], problems: [404], isLong: true
            ) { call in
                .json(try self.artifacts(of: self.run(call.capture("run")), call))
            },
            Route(
                .get, "/api/v1/runs/{run}/artifacts/{hash}", "The bytes of a file that a result of the run names.",
                parameters: [
                    .header("Range", "bytes=first-last, bytes=first- or bytes=-count"),
                    .header("If-Range", "the ETag for which the range is wanted"),
                    .header("If-None-Match", "the ETag of what is known"),
                ],
                answers: [
                    .bytes(.ok, "all of it", type: "application/octet-stream"),
                    .bytes(.partialContent, "the range", type: "application/octet-stream"),
                    .empty(.notModified, "it is what If-None-Match names"),
                ], problems: [404, 416], isLong: true
            ) { call in
                try self.artifact(call)
            },
        ]
    }

    /// - Throws: `run.not_ended`, `run.no_result`.
    private func result(of row: RunRow) throws(RenError) -> Reply {
        guard !row.status.isOpen else {
            throw RenError(
                .runNotEnded, "run \(row.id) has not ended: \(row.shownStatus)",
                hint: "GET /api/v1/runs/\(row.id)")
        }
        guard row.status == .succeeded else {
            let error = row.error.map { ": \($0.text)" } ?? ""
            throw RenError(
                .init("run.no_result"), "run \(row.id) \(row.status.name)\(error)", hint: "GET /api/v1/runs/\(row.id)")
        }
        let summary = try RunSummary(row.number, in: journal, engineHolds: true)
        return .json(bytes: try summary.output(in: journal) ?? Array("null".utf8))
    }

    // MARK: Artifacts

    private func artifacts(of row: RunRow, _ call: Call) throws(RenError) -> JSONObject {
        let page = try journal.artifacts(
            of: row.number, after: RunVersion(call.integer("after") ?? 0), limit: call.integer("limit") ?? 1_000)
        var names = EventNames(journal)
        var items: [JSON] = []
        for artifact in page.artifacts {
            var (node, key): (String?, String?)
            if let number = artifact.subject.node {
                node = try names.name(of: number, in: row.number)
                if case .item(_, let item) = artifact.subject {
                    key = try names.key(of: item, number, in: row.number)
                }
            }
            items.append([
                "hash": .string(artifact.hash.description), "name": JSON(artifact.name),
                "bytes": JSON(artifact.byteCount), "version": JSON(artifact.version.rawValue), "node": JSON(node),
                "key": JSON(key),
            ])
        }
        return ["items": .array(items), "next": JSON(page.next?.rawValue), "as_of": JSON(row.last.rawValue)]
    }

    private func artifact(_ call: Call) throws -> Reply {
        let row = try run(call.capture("run"))
        let text = call.capture("hash")
        // Only what the run's own results name is given out: the folder may hold files of other runs.
        guard let hash = Digest(hex: text), hash.description == text, try journal.artifact(hash, of: row.number) != nil,
            let file = try ArtifactFile(hash, in: session.directory)
        else { throw RenError(.artifactNotFound, "no result of run \(row.id) names artifact \(text.prefix(80))") }
        let tag = "\"\(hash)\""
        if call.headers[.ifNoneMatch] == tag { return Reply(.notModified).with(.eTag, tag) }
        let isRangeWanted = call.headers[.ifRange].map { $0 == tag } ?? true
        let range = isRangeWanted ? try ByteRange.read(call.headers[.range], of: file.size) : nil
        let wanted = range ?? 0..<file.size
        var reply = Reply(
            range == nil ? .ok : .partialContent, type: "application/octet-stream", body: file.body(wanted)
        ).with(.eTag, tag).with(.acceptRanges, "bytes").with(.contentDisposition, "attachment; filename=\"\(hash)\"")
        if range != nil {
            reply = reply.with(.contentRange, "bytes \(wanted.lowerBound)-\(wanted.upperBound - 1)/\(file.size)")
        }
        return reply
    }

    private static let artifactSchema: JSON = .answer([
        "hash": .hash, "name": .textOrNull("as the function gave it"), "bytes": .countOrNull, "version": .count,
        "node": .textOrNull("whose result names it"), "key": .textOrNull("of the item"),
    ])
}

extension RenError.Code {
    static let artifactNotFound = Self("artifact.not_found")
}
