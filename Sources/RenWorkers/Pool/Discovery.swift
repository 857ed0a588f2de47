package import RenCore
package import RenJSON

/// What a set of function files offers, as its first worker told.
package struct Discovery: Sendable {
    /// Version of Python.
    package var python: String
    /// Version of the SDK.
    package var sdk: String
    package var signatures: [String: FunctionSignature]
    package var files: [DiscoveredFile]

    package struct DiscoveredFile: Sendable {
        package var path: String
        /// SHA-256 of the bytes that the worker ran.
        package var hash: Digest
        /// The file's functions as the worker described them: the array that `functions.recorded` keeps.
        package var signatures: JSON
    }

    /// - Throws: `function.invalid` when an entry cannot be understood.
    init(_ hello: WorkerHello) throws(RenError) {
        python = hello.python
        sdk = hello.sdk
        let hashes = Dictionary(hello.files.map { ($0.path, $0.hash) }) { first, _ in first }
        var signatures: [String: FunctionSignature] = [:]
        for entry in hello.functions {
            var signature = try FunctionSignature(entry: entry)
            signature.codeHash = signature.file.flatMap { hashes[$0] }
            signatures[signature.name] = signature
        }
        self.signatures = signatures
        files = hello.files.map { file in
            let own = hello.functions.filter { $0["file"]?.stringValue == file.path }
            return DiscoveredFile(path: file.path, hash: file.hash, signatures: .array(own))
        }
    }
}

extension RenError {
    /// A file that a worker could not import.
    init(_ broken: BrokenReport, python: String) {
        let name = broken.file.split(separator: "/").last.map(String.init) ?? broken.file
        var message = "\(name): \(broken.failure.text)"
        if let frame = broken.failure.frame { message += " (\(frame))" }
        let hint =
            switch broken.failure.name {
            case "ModuleNotFoundError":
                "name the package in `requires` of a function in this file, or install it for \(python)"
            default: "mend the file; it is tried again when it has changed"
            }
        self.init(.functionBroken, message, hint: hint, file: broken.file)
    }
}
