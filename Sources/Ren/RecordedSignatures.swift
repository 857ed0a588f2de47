package import RenCore
import RenJSON
import RenJournal

extension [RecordedFile] {
    /// The functions of recorded files by name, as their workers described them, each with the hash of its file.
    ///
    /// - Throws: `function.invalid`.
    package func signatures() throws(RenError) -> [String: FunctionSignature] {
        var signatures: [String: FunctionSignature] = [:]
        for file in self {
            for entry in file.file.signatures.arrayValue ?? [] {
                var signature = try FunctionSignature(entry: entry)
                signature.codeHash = file.hash
                signatures[signature.name] = signature
            }
        }
        return signatures
    }
}

extension JournalReading {
    /// The functions of the set that a run names, as they were recorded; none for a run without a set.
    func recordedSignatures(of row: RunRow) throws(RenError) -> [String: FunctionSignature] {
        guard let set = row.functions else { return [:] }
        return try read { view throws(RenError) in try view.functions(of: set) }.signatures()
    }
}
