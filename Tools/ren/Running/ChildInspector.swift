import Ren
import RenCore
import RenJSON
import RenServer

/// Lets this program look at the journal in a process of its own.
struct ChildInspector: JournalInspector {
    let directory: String

    func verify() throws(RenError) -> JSON { try report(["journal", "verify-in-child"]) }

    func statistics() throws(RenError) -> JSON { try report(["journal", "stats", "-o", "json"]) }

    func diagnosis() throws(RenError) -> JSON { try report(["doctor", "-o", "json"]) }

    /// The last line that the child says stands for it when there is no report.
    private func report(_ arguments: [String]) throws(RenError) -> JSON {
        let child = try ChildProcess(SystemFile.executable, arguments + ["--data", directory])
        do throws(JSONError) {
            return try JSON(parsing: child.output, limits: .payload)
        } catch {
            let last = child.errors.split(separator: "\n").last.map { ": \($0)" } ?? ""
            throw RenError(
                .integrityDamaged, "the journal cannot be looked through\(last)",
                hint: "ren journal verify says more")
        }
    }
}
