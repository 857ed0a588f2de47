package import RenCore
package import RenJSON

/// What the command line asks for, by name.
extension Client {
    /// A function file as this process sees it; the engine refuses one that is not the same there.
    package struct FunctionFile: Sendable {
        /// Real and absolute.
        package var path: String
        /// SHA-256 of its content.
        package var hash: Digest

        package init(path: String, hash: Digest) {
            self.path = path
            self.hash = hash
        }
    }

    package struct Started: Sendable {
        package var run: String
        /// The id was taken by an equal run, which is this one: nothing was written.
        package var isNew: Bool
    }

    /// Where a command left its trace.
    package struct Accepted: Sendable {
        package var run: String
        package var sequence: UInt64
        package var replayed: Bool
    }

    private static let root = "/api/v1"

    /// Installing packages that functions ask for takes its time.
    private static let startPatience = Duration.seconds(15 * 60)

    // MARK: Flows and runs

    /// - Parameter flow: its text, YAML or JSON.
    /// - Returns: the flow's name and hash, and whether it was not known.
    package func register(
        flow: [UInt8], isYAML: Bool
    ) async throws(RenError) -> (flow: String, hash: String, isNew: Bool) {
        let type = isYAML ? "application/yaml" : "application/json"
        let answer = try await call(.put, "\(Self.root)/flows", body: Body(flow, type: type))
        return (try text("flow", in: answer), try text("hash", in: answer), answer.status == 201)
    }

    /// - Parameter functions: nil: those that the engine has for everybody.
    package func start(
        flow: String, hash: String, input: JSON, id: String?, functions: [FunctionFile]?, install: Bool
    ) async throws(RenError) -> Started {
        var body: JSONObject = ["input": input]
        if let id { body["id"] = .string(id) }
        body.add(functions, install: install)
        let answer = try await call(
            .post, "\(Self.root)/flows/\(Self.escaped("\(flow)@\(hash)"))/runs", body: .json(body),
            patience: Self.startPatience)
        return Started(run: try text("run", in: answer), isNew: answer.status == 201)
    }

    package func pause(_ run: String, now: Bool, reason: String?, key: String? = nil) async throws(RenError) -> Accepted
    {
        try await command("pause", run, now ? ["now": true] : [:], reason, key)
    }

    package func resume(
        _ run: String, reason: String?, functions: [FunctionFile]?, install: Bool
    ) async throws(RenError) -> Accepted {
        var body: JSONObject = [:]
        body.add(functions, install: install)
        return try await command("resume", run, body, reason, nil, patience: Self.startPatience)
    }

    /// - Parameter mode: `cancel`, `now` or `wait`.
    package func stop(_ run: String, mode: String, reason: String?, key: String? = nil) async throws(RenError)
        -> Accepted
    {
        try await command("stop", run, ["mode": .string(mode)], reason, key)
    }

    package func signal(
        _ run: String, name: String, data: JSON, reason: String?, key: String? = nil
    ) async throws(RenError) -> Accepted {
        try await command("signal", run, ["name": .string(name), "payload": data], reason, key)
    }

    /// - Parameter body: what `:retry` takes, but for the functions.
    package func retry(
        _ run: String, _ body: JSONObject, functions: [FunctionFile]?, install: Bool, key: String? = nil
    ) async throws(RenError) -> Accepted {
        var body = body
        body.add(functions, install: install)
        return try await command("retry", run, body, nil, key, patience: Self.startPatience)
    }

    /// - Parameter body: what `:fork` takes, but for the functions.
    package func fork(
        _ run: String, _ body: JSONObject, functions: [FunctionFile]?, install: Bool, key: String? = nil
    ) async throws(RenError) -> Started {
        var body = body
        body.add(functions, install: install)
        let answer = try await call(
            .post, "\(Self.root)/runs/\(Self.escaped(run)):fork", body: .json(body),
            headers: key.map { ["idempotency-key": $0] } ?? [:], patience: Self.startPatience)
        return Started(run: try text("run", in: answer), isNew: answer.status == 201)
    }

    /// - Parameter body: what `:skip` takes.
    package func skip(_ run: String, _ body: JSONObject, key: String? = nil) async throws(RenError) -> Accepted {
        try await command("skip", run, body, nil, key, patience: Self.startPatience)
    }

    private func command(
        _ name: String, _ run: String, _ members: JSONObject, _ reason: String?, _ key: String?,
        patience: Duration = patience
    ) async throws(RenError) -> Accepted {
        var body = members
        if let reason { body["reason"] = .string(reason) }
        let answer = try await call(
            .post, "\(Self.root)/runs/\(Self.escaped(run)):\(name)", body: .json(body),
            headers: key.map { ["idempotency-key": $0] } ?? [:], patience: patience)
        guard let sequence = answer.json["sequence"]?.integerValue else { throw strange(answer, "sequence") }
        return Accepted(
            run: run, sequence: UInt64(clamping: sequence), replayed: answer.json["replayed"] == .bool(true))
    }

    // MARK: Functions and workers

    /// - Returns: the list of functions with their schemas.
    package func functions() async throws(RenError) -> [JSON] {
        try items(in: try await call(.get, "\(Self.root)/functions"))
    }

    /// Calls a function of the engine's own set once.
    package func attempt(_ function: String, input: JSON, timeout: Duration) async throws(RenError) -> JSON {
        let body: JSONObject = ["input": input, "timeout": .string(DurationText.text(timeout))]
        return try await call(
            .post, "\(Self.root)/functions/\(Self.escaped(function)):try", body: .json(body),
            patience: Self.startPatience + timeout
        ).json
    }

    package func workers() async throws(RenError) -> [JSON] {
        try items(in: try await call(.get, "\(Self.root)/workers"))
    }

    package func restart(worker: String, now: Bool) async throws(RenError) {
        _ = try await call(
            .post, "\(Self.root)/workers/\(Self.escaped(worker)):restart", body: .json(now ? ["now": true] : [:]))
    }

    // MARK: The journal

    /// Prunes by these rules, as `retention` in `ren.yaml` has them.
    ///
    /// - Returns: what was announced and deleted.
    package func prune(_ retention: JSON) async throws(RenError) -> [JSON] {
        try items(
            in: try await call(
                .post, "\(Self.root)/journal:prune", body: .json(["retention": retention]),
                patience: Self.prunePatience))
    }

    /// Deleting keeps half of the writer's time for others.
    private static let prunePatience = Duration.seconds(60 * 60)

    // MARK: The service

    /// - Returns: `{"ready", "storage", "reasons"}`, also of a service that is not ready.
    package func health() async throws(RenError) -> JSON {
        let answer = try await exchange(.get, "/health/ready")
        guard answer.json["ready"] != nil else { throw refusal(answer) }
        return answer.json
    }

    /// A link that opens the console once.
    ///
    /// - Parameter run: what it shows first.
    package func link(run: String? = nil) async throws(RenError) -> String {
        let answer = try await call(.post, "\(Self.root)/links")
        let code = try text("code", in: answer)
        let url = try text("url", in: answer)
        guard let run, let end = url.firstIndex(of: "#") else { return url }
        return url[..<end] + "runs/\(Self.escaped(run))#code=\(code)"
    }

    // MARK: Answers

    private func text(_ name: String, in answer: Answer) throws(RenError) -> String {
        guard let text = answer.json[name]?.stringValue else { throw strange(answer, name) }
        return text
    }

    private func items(in answer: Answer) throws(RenError) -> [JSON] {
        guard let items = answer.json["items"]?.arrayValue else { throw strange(answer, "items") }
        return items
    }

    private func strange(_ answer: Answer, _ name: String) -> RenError {
        RenError(
            .engineAnswer, "the answer of the engine at \(address) (HTTP status \(answer.status)) has no “\(name)”",
            hint: "is it a ren of another version?")
    }
}

extension JSONObject {
    fileprivate mutating func add(_ functions: [Client.FunctionFile]?, install: Bool) {
        if let functions {
            self["functions"] = .array(
                functions.map { ["path": .string($0.path), "hash": .string($0.hash.description)] })
        }
        if install { self["install"] = true }
    }
}
