import Glibc
import LMDB
import Testing

/// What is refused before LMDB maps a file that would end the process, or show an older commit as the last.
@Suite("Meta pages")
struct MetaPagesTests {
    private let scratch = Scratch()
    /// A sample: each refusal comes after 5 tries, a quarter of a second.
    private static let bits = [0, 1, 4, 12, 31, 47, 63]
    private var data: String { scratch.path + "/data.mdb" }

    private func fill() throws {
        let env = try Environment(at: scratch.path, options: .testing())
        for key in 0..<UInt64(20) { try env.fill([key: String(repeating: "x", count: 1_000)]) }
    }

    private func isRefused(_ access: Environment.Options.Access) -> Bool {
        let found = kind { () throws(LMDBError) in _ = try Environment(at: scratch.path, options: .testing(access)) }
        guard case .damagedFile? = found else { return false }
        return true
    }

    @Test("A file that was cut short is refused", arguments: [100, 4_096, 8_192, 8_193, 12_288, -4_096, -1])
    func cutShort(_ byteCount: Int) throws {
        try fill()
        let whole = try #require(size())
        #expect(truncate(data, off_t(byteCount > 0 ? byteCount : whole + byteCount)) == 0)
        for access in [Environment.Options.Access.create, .readWrite, .readOnly] { #expect(isRefused(access)) }
    }

    @Test("A bit flipped in the number of a commit is refused", arguments: [144, 4_096 + 144])
    func flippedCommit(_ offset: Int) throws {
        try fill()
        let (even, odd) = (try number(at: 144), try number(at: 4_096 + 144))
        for bit in Self.bits {
            try flip(bit, at: offset)
            let (changed, other) = (try number(at: offset), offset == 144 ? odd : even)
            // The older of two neighbours that becomes the newer one: only an anchor tells.
            if changed > 0, max(changed, other) - min(changed, other) == 1 {
                try flip(bit, at: offset)
                continue
            }
            #expect(isRefused(.readOnly), "bit \(bit)")
            #expect(isRefused(.readWrite), "bit \(bit)")
            try flip(bit, at: offset)
        }
        _ = try Environment(at: scratch.path, options: .testing(.readWrite))
    }

    @Test("A bit flipped in page size, map size, roots or last page is refused or harms nothing")
    func flippedSizes() throws {
        try fill()
        for offset in [32, 40, 136].flatMap({ [$0, $0 + 4_096] }) {
            for bit in Self.bits where bit < (offset % 4_096 == 40 ? 32 : 64) {
                try flip(bit, at: offset)
                let found = kind { () throws(LMDBError) in
                    let env = try Environment(at: scratch.path, options: .testing(.readOnly))
                    #expect(try env.keys().count == 20)
                }
                if let found {
                    #expect(LMDBError(found, operation: .open).isDamage, "bit \(bit) at \(offset): \(found)")
                }
                try flip(bit, at: offset)
            }
        }
    }

    @Test("A file that lacks only free pages at its end is whole")
    func freePagesAtTheEnd() throws {
        do {
            let env = try Environment(at: scratch.path, options: .testing())
            for key in 10..<UInt64(20) { try env.fill([key: String(repeating: "x", count: 60_000)]) }
            for key in 10..<UInt64(20) {
                try env.write { txn throws(LMDBError) in _ = try txn.delete(Key(key), in: env.one) }
            }
            // Each commit moves the pages in use to free ones before them.
            for round in 0..<UInt64(20) { try env.fill([1: "a", 2: "\(round)"]) }
        }
        let whole = try #require(size())
        #expect(truncate(data, off_t(whole - 4_096)) == 0)
        for access in [Environment.Options.Access.readOnly, .readWrite] {
            let env = try Environment(at: scratch.path, options: .testing(access))
            #expect(try env.text(1) == "a" && env.text(2) == "19")
        }
    }

    private func size() -> Int? {
        var status = stat()
        return stat(data, &status) == 0 ? Int(status.st_size) : nil
    }

    private func number(at offset: Int) throws -> UInt64 {
        let file = open(data, O_RDONLY)
        defer { close(file) }
        var number: UInt64 = 0
        try #require(pread(file, &number, 8, off_t(offset)) == 8)
        return number
    }

    private func flip(_ bit: Int, at offset: Int) throws {
        let file = open(data, O_RDWR)
        defer { close(file) }
        var byte: UInt8 = 0
        try #require(pread(file, &byte, 1, off_t(offset + bit / 8)) == 1)
        byte ^= 1 << UInt8(bit % 8)
        try #require(pwrite(file, &byte, 1, off_t(offset + bit / 8)) == 1)
    }
}
