package import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The Python that workers and environments are made of.
package struct PythonExecutable: Sendable, Equatable {
    package var path: String
    /// Such as `3.11.7`.
    package var version: String

    /// The oldest Python that the SDK runs on.
    static let oldest = [3, 9]

    /// Finds it: `REN_PYTHON`, else `python3`, else `python` on `PATH`.
    ///
    /// - Throws: `python.missing`, `python.too_old`, `request.cancelled`.
    package static func find(environment: [String: String]) async throws(RenError) -> PythonExecutable {
        let wanted = environment["REN_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }
        var tooOld: String?
        for name in wanted.map({ [$0] }) ?? ["python3", "python"] {
            guard let found = locate(name, in: environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin") else { continue }
            let probe = Command(
                executable: found,
                arguments: ["-I", "-S", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3], sys.executable)"],
                environment: environment)
            let outcome = try await probe.run(timeLimit: .seconds(20))
            let answer = outcome.lines.last?.split(separator: " ", maxSplits: 1).map(String.init) ?? []
            guard outcome.succeeded, answer.count == 2 else { continue }
            // Its own word for where it is: `python3` on PATH may be a script that chooses one.
            let (version, executable) = (answer[0], answer[1])
            let numbers = version.split(separator: ".").compactMap { Int($0) }
            guard numbers.count == 3 else { continue }
            guard !numbers.lexicographicallyPrecedes(oldest) else {
                tooOld = "\(executable) is Python \(version)"
                continue
            }
            return PythonExecutable(path: executable, version: version)
        }
        let hint = "install Python 3.9 or later, or set REN_PYTHON to its executable"
        if let tooOld { throw RenError(.pythonTooOld, "\(tooOld); functions need 3.9 or later", hint: hint) }
        throw RenError(
            .pythonMissing, "no Python was found\(wanted.map { " at REN_PYTHON=\($0)" } ?? " on PATH")", hint: hint)
    }

    /// The file that a name means; a name with a slash is a path.
    private static func locate(_ name: String, in searchPath: String) -> String? {
        let candidates =
            name.contains("/") ? [name] : searchPath.split(separator: ":").map { "\($0)/\(name)" }
        return candidates.first { access($0, X_OK) == 0 && !Files.isFolder($0) }
    }
}
