import Ren
import RenCore
import RenJSON
import Testing

@Suite("Addresses to listen on")
struct ListenTests {
    @Test(
        "Taken",
        arguments: [
            ("127.0.0.1:7360", "127.0.0.1", 7360), ("localhost:0", "localhost", 0), ("[::1]:80", "::1", 80),
            ("0.0.0.0:65535", "0.0.0.0", 65535), ("my-host.local:1", "my-host.local", 1),
        ])
    func taken(_ text: String, _ host: String, _ port: Int) throws {
        let address = try ListenAddress(parsing: text)
        #expect(address == ListenAddress(host: host, port: port))
        #expect(address.description == text)
    }

    @Test(
        "Refused",
        arguments: [
            "", ":", "7360", "localhost", "localhost:", ":7360", "localhost:65536", "localhost:-1", "localhost:80x",
            "::1:80", "[]:80", "a b:80", "http://localhost:80", "localhost:+8", "user@host:80",
        ])
    func refused(_ text: String) {
        let error = #expect(throws: RenError.self) { try ListenAddress(parsing: text) }
        #expect(error?.code == .configInvalid && error?.hint?.contains("127.0.0.1:7360") == true)
    }

    @Test(
        "In ren.yaml",
        arguments: [
            ("listen: 127.0.0.1:7000", nil), ("listen: '[::1]:7000'", nil), ("listen: 7000", 9),
            ("listen: nowhere", 9), ("listen: [a]", 9), ("listn: 127.0.0.1:7000", 1),
        ] as [(String, Int?)])
    func project(_ text: String, _ column: Int?) throws {
        let scratch = try Scratch()
        try scratch.write("ren.yaml", text + "\n")
        guard let column else {
            #expect(try Project.find(from: scratch.path)?.listen?.port == 7000)
            return
        }
        let errors = #expect(throws: FlowErrors.self) { try Project.find(from: scratch.path) }
        #expect(errors?.errors.map(\.code) == [.configInvalid])
        #expect(errors?.errors.first?.place?.column == column)
    }
}
