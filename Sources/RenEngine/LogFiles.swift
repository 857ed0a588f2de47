import RenJSON

/// How the files of a run's log are called, and how each is known again when a rotation has renamed it.
///
/// `logs.jsonl` is written to, `logs.1.jsonl` is the one before it. Files are numbered from 0 in the order of their
/// making; each but the first begins with the line `{"file":NUMBER}`.
package enum LogFiles {
    /// In bytes, of one file.
    package static let sizeMax = 16 << 20
    package static let countMax = 8

    /// - Parameter age: 0 is the newest.
    package static func path(_ age: Int, in folder: String) -> String {
        age == 0 ? "\(folder)/logs.jsonl" : "\(folder)/logs.\(age).jsonl"
    }

    /// The first line of a file, with its end.
    static func header(_ number: Int) -> [UInt8] { Array("{\"file\":\(number)}\n".utf8) }

    /// The number of a file that begins with `bytes`, of which the first 64 are enough.
    package static func number(ofFileBeginning bytes: some Collection<UInt8>) -> Int {
        let opening = "{\"file\":".utf8
        guard bytes.starts(with: opening) else { return 0 }
        let digits = bytes.dropFirst(opening.count).prefix { (0x30...0x39).contains($0) }
        return Int(String(decoding: digits, as: UTF8.self)) ?? 0
    }
}
