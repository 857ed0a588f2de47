import Ren
import RenCore
import RenJSON
import RenJournal

/// The text of the flow that a person wants to run.
struct FlowSource {
    var bytes: [UInt8]
    var format: FlowFile.Format
    /// Nil for a flow that is in the journal.
    var path: String?

    /// What `name` means: a file; else a flow in the files of `ren.yaml`; else one that was registered, as it was last.
    ///
    /// - Throws: `flow.not_found`, `flow.ambiguous`, `config.invalid`, `file.*`, `journal.*`.
    static func find(_ name: String, _ data: DataOption) throws -> FlowSource {
        if isFile(name) { return try read(name) }
        let project = try Project.find(from: SystemFile.currentDirectory)
        if let file = try project?.flowFile(named: name) { return try read(file) }
        var known: [String] = []
        if SystemFile.exists(try data.directory.journal) {
            let journal = try Reading(data).journal
            if let version = try journal.flow(named: name)?.versions.first {
                let flow = try Session.recordedFlow(version.hash, in: journal)
                return FlowSource(bytes: flow.source.compact, format: .json)
            }
            known = try journal.flows().map(\.name)
        }
        throw RenError(
            .flowNotFound, "there is no file and no flow “\(name)”",
            hint: nearest(to: name, in: known).map { "did you mean “\($0)”?" }
                ?? "name a file, or a flow of ren.yaml or of ren flow register")
    }

    /// Whether `name` means a file, be it there or not.
    static func isFile(_ name: String) -> Bool {
        name.contains("/") || [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) } || SystemFile.isFile(name)
    }

    private static func read(_ file: String) throws(RenError) -> FlowSource {
        FlowSource(
            bytes: try SystemFile.read(file, limit: FlowFile.sizeMax), format: FlowFile.Format(ofFile: file),
            path: file)
    }
}
