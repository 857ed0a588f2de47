package import RenCore
package import RenEngine
package import RenJSON
package import RenJournal

extension AttemptArguments {
    /// `{"arguments", "bytes", "lazy", "proved"}`
    package var json: JSONObject {
        [
            // Rendered by the evaluator, so it is JSON.
            "arguments": (try? JSON(parsing: text)) ?? .null, "bytes": JSON(text.count),
            "lazy": .array(lazy.map(JSON.string)), "proved": .bool(areProved),
        ]
    }
}

extension JournalReading {
    /// What an attempt was called with, made again from recorded values.
    ///
    /// - Parameters:
    ///   - swift: functions of this program; their signatures are not recorded.
    ///   - artifacts: the folder of artifacts.
    /// - Throws: `arguments.unknown`; `payload.pruned` and `payload.missing` for a value that is gone;
    ///   `journal.damaged`, `storage.*`.
    package func arguments(
        of attempt: AttemptView, in row: RunRow, swift: [String: FunctionSignature], artifacts: String
    ) throws(RenError) -> AttemptArguments {
        if let version = attempt.start?.event.version,
            let arguments = try AttemptArguments(
                of: version, in: row.number, plans: plans(of: row, swift: swift, through: version), from: self,
                artifacts: artifacts)
        {
            return arguments
        }
        throw RenError(
            .init("arguments.unknown"), "what the attempt was called with cannot be made again",
            hint: "its events do not tell when it began, or what it read does not fit its flow any more")
    }
}
