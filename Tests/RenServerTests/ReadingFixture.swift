import Foundation
import Ren
import RenCore
import RenJSON
import RenJournal
import RenWorkers
import Testing

/// Runs to read: `m` is a map over numbers, whose items say something; odd ones fail, and one failing item is let pass.
enum ReadingFixture {
    static let flow = """
        flow: readings
        nodes:
          m: {function: says, each: {var: input.list}, key: {var: item.k}, with: {n: {var: item.n}}, tolerate: 1}
          after: {function: half, after: [m], with: {n: 4}}
        output: {artifact: {var: input.artifact}, name: pages.txt, bytes: 1000}
        """

    /// 1,000 bytes, the same for all.
    static let artifact = Array((0..<1000).map { UInt8($0 % 251) })
    static var hash: Digest { Digest(hashing: artifact) }

    /// A run `r` of five items that has succeeded: `sku-3` failed.
    static func with(_ body: @escaping @Sendable (ControlFixture) async throws -> Void) async throws {
        try await ControlFixture.with { fixture in
            fixture.session.swift.register(FunctionSignature(name: "says")) { bytes, context in
                let number = try JSON(parsing: bytes)["n"]?.integerValue ?? 0
                context.log("number \(number)", level: number == 3 ? .error : .info, fields: ["n": .integer(number)])
                guard number != 3 else { throw ControlFixture.OddNumber() }
                return JSON.string(String(repeating: "x", count: number == 5 ? 70_000 : Int(number))).compact
            }
            #expect(try await fixture.put(flow).status == 201)
            let path = "\(fixture.session.directory.artifacts)/\(hash)"
            try Data(artifact).write(to: URL(fileURLWithPath: path))
            let list = (1...5).map { number -> JSON in ["k": "sku-\(number)", "n": .integer(Int64(number))] }
            let input: JSON = ["list": .array(list), "artifact": .string("sha256:\(hash)")]
            #expect(try await fixture.start("readings", id: "r", input: input).status == 201)
            try await fixture.wait(for: "succeeded", of: "r")
            try await body(fixture)
        }
    }
}
