package import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenWorkers

/// A flow that is in the journal.
package struct NamedFlow: Sendable {
    /// Its version.
    package var hash: Digest
    package var flow: Flow
}

extension Session {
    /// The flow that a person names: `products`, its last version; `products@9f3c2a1`, the version that begins so.
    ///
    /// - Throws: `flow.not_found`, with near names; `flow.ambiguous`.
    package func flow(named text: String) throws(RenError) -> NamedFlow {
        let hash = try journal.flowHash(named: text)
        return NamedFlow(hash: hash, flow: try recordedFlow(hash))
    }

    /// Puts the flow into the journal, once per content.
    ///
    /// - Parameter asker: its condition is not looked at.
    package func register(_ flow: Flow, by asker: Asker = Asker()) async throws(RenError) -> (hash: Digest, isNew: Bool)
    {
        let payload = Payload(hashing: flow.source.compact)
        // Mostly it is there, and the writer need not be asked, which knows for certain.
        let known = try journal.read { view throws(RenError) in try view.flow(payload.hash) }
        guard known == nil else { return (payload.hash, false) }
        let answer = try await engine.append(
            [(.flowRegistered(name: flow.name), PayloadMark(payload))], by: asker)
        return (payload.hash, answer.isNew)
    }

    /// Everything that is wrong with the text of a flow, and what surprises in it; nothing is stored.
    ///
    /// - Parameters:
    ///   - file: what findings are said to be in.
    ///   - withFunctions: looks whether the functions are in the default set or in this program.
    package func check(
        flow bytes: [UInt8], as format: FlowFile.Format, file: String? = nil, withFunctions: Bool = true
    ) async -> FlowCheck {
        var check = FlowFile.check(bytes, as: format, file: file)
        guard withFunctions, let flow = check.draft, flow.nodes.contains(where: { $0.call != nil }) else {
            return check
        }
        let signatures: [String: FunctionSignature]
        do {
            signatures = try await self.signatures()
        } catch {
            check.errors.append(error)
            check.flow = nil
            return check
        }
        let defaults = WorkerSettings(directory: "", variables: [:], artifacts: "")
        let pool = FunctionCheck.Pool(
            processes: options.processes ?? defaults.processes, blocking: options.slots ?? defaults.blocking,
            async: defaults.async)
        let errors = FunctionCheck.errors(of: flow, in: check.document, signatures: signatures)
        let warnings = FunctionCheck.warnings(of: flow, in: check.document, signatures: signatures, pool: pool)
        check.errors = (check.errors + errors.map { $0.inFile(file) }).sortedByPlace()
        check.warnings = (check.warnings + warnings.map { $0.inFile(file) }).sortedByPlace()
        if !check.errors.isEmpty { check.flow = nil }
        return check
    }
}

extension JournalReading {
    /// The version that a person names: `products`, the last one; `products@9f3c2a1`, the one that begins so.
    ///
    /// - Throws: `flow.not_found`, with near names; `flow.ambiguous`.
    package func flowHash(named text: String) throws(RenError) -> Digest {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return try read { view throws(RenError) in
            try view.findFlow(parts[0], version: parts.count > 1 ? parts[1] : nil)
        }
    }
}

extension JournalView {
    /// - Parameter version: the beginning of a version's hash; nil: the last that was registered.
    fileprivate func findFlow(_ name: String, version: String?) throws(RenError) -> Digest {
        let versions = try flows(named: name)
        guard let last = versions.first else {
            let near = nearest(to: name, in: try flowNames())
            throw RenError(
                .flowNotFound, "there is no flow “\(name)”",
                hint: near.map { "did you mean “\($0)”?" } ?? "ren flow register FILE makes it known")
        }
        guard let version else { return last }
        let matches = version.isEmpty ? [] : versions.filter { $0.description.hasPrefix(version.lowercased()) }
        let names = { (hashes: [Digest]) in
            hashes.prefix(3).map { "\(name)@\($0.description.prefix(12))" }.joined(separator: ", ")
        }
        guard matches.count < 2 else {
            throw RenError(
                .flowAmbiguous, "several versions of \(name) begin with \(version): \(names(matches))",
                hint: "name one of them")
        }
        guard let match = matches.first else {
            throw RenError(
                .flowNotFound, "the flow \(name) has no version \(version)",
                hint: "it has \(names(versions))\(versions.count > 3 ? ", …" : "")")
        }
        return match
    }
}

extension RenError.Code {
    package static let flowNotFound = Self("flow.not_found")
    package static let flowAmbiguous = Self("flow.ambiguous")
}
