#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import LMDB
package import RenCore

extension LMDBStore {
    /// An empty store for what is made, looked at and thrown away. Its files have lost their names when this returns, so
    /// that nothing is left of it, however the process ends.
    ///
    /// - Parameter folder: on a file system that a journal could be on.
    package static func scratch(in folder: String) throws(RenError) -> LMDBStore {
        var template = Array("\(folder)/scratch-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Paths.failure(.directoryFailed, "make a folder in", folder) }
        let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        defer {
            for name in ["data.mdb", "lock.mdb"] { unlink("\(path)/\(name)") }
            rmdir(path)
        }
        var options = JournalOptions()
        options.durability = .none
        do {
            let environment = try Environment(
                at: path, options: LMDBJournal.environmentOptions(options, .create, tables: StoreTable.allCases))
            return LMDBStore(environment, ballast: nil)
        } catch { throw RenError(error) }
    }
}
