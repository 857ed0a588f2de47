import LMDB
package import RenCore

extension JournalView {
    /// The names of all flows that were ever registered, sorted.
    ///
    /// - Complexity: O(*n*) in their versions.
    package func flowNames() throws(RenError) -> [String] {
        var names: [String] = []
        try snapshot.walk(.flows, prefix: .flowNames) { key, _ throws(RenError) in
            // Kind ‖ name ‖ 0 ‖ sequence.
            let name = String(decoding: key.dropFirst().dropLast(9), as: UTF8.self)
            if names.last != name { names.append(name) }
            return .continue
        }
        return names
    }
}
