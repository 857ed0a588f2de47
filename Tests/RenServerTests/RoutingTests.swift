import HTTPTypes
import RenJSON
import RenServer
import Testing

@Suite("Routing")
struct RoutingTests {
    static let table = RouteTable(
        [
            route(.get, "/"), route(.get, "/a/{x}"), route(.post, "/a/{x}:go"), route(.get, "/a/fixed"),
            route(.put, "/a/{x}"), route(.get, "/a/{x}/b/{y}"), route(.post, "/a:check"),
        ], schemas: [:])

    static func route(_ method: HTTPRequest.Method, _ path: String) -> Route {
        Route(method, path, path, answers: []) { _ in Reply() }
    }

    static func text(_ finding: RouteTable.Finding) -> String {
        switch finding {
        case .found(let match):
            let captures = match.captures.map { "\($0.name)=\($0.raw)" }.joined(separator: ",")
            return match.path + (captures.isEmpty ? "" : " \(captures)")
        case .wrongMethod(let allowed): return allowed.map(\.rawValue).sorted().joined(separator: ",")
        case .notFound: return "none"
        }
    }

    @Test(
        "The path that says most is taken, as it was sent",
        arguments: [
            ("GET", "/", "/"), ("GET", "/a/1", "/a/{x} x=1"), ("HEAD", "/a/1", "/a/{x} x=1"),
            ("GET", "/a/fixed", "/a/fixed"), ("PUT", "/a/fixed", "GET,HEAD"), ("POST", "/a/1:go", "/a/{x}:go x=1"),
            ("GET", "/a/1:go", "POST"), ("GET", "/a/1%3Ago", "/a/{x} x=1%3Ago"), ("POST", "/a/:go", "GET,HEAD,PUT"),
            ("POST", "/a:check", "/a:check"), ("GET", "/a/1/b/2", "/a/{x}/b/{y} x=1,y=2"), ("GET", "/a/1/b/", "none"),
            ("GET", "//a/1", "none"), ("GET", "/a//b/2", "none"), ("GET", "/a/1/", "none"), ("GET", "/A/1", "none"),
            ("GET", "/%61/1", "none"), ("GET", "/a/..", "/a/{x} x=.."), ("GET", "/a/../b", "none"),
            ("DELETE", "/a/1", "GET,HEAD,PUT"), ("GET", "", "none"), ("GET", "*", "none"), ("GET", "a/1", "none"),
        ])
    func finds(_ method: String, _ path: String, _ wanted: String) {
        #expect(Self.text(Self.table.find(HTTPRequest.Method(method)!, path)) == wanted)
    }

    @Test(
        "Escapes are read strictly",
        arguments: [
            ("a%20b", "a b"), ("%C3%A9", "é"), ("a%2Fb", "a/b"), ("a+b", "a+b"), ("%zz", nil), ("%4", nil), ("%", nil),
            ("%00", nil), ("%C0%AF", nil), ("%E0%80%AF", nil), ("%ED%A0%80", nil), ("%F4%90%80%80", nil), ("%FF", nil),
        ] as [(String, String?)])
    func decodes(_ text: String, _ wanted: String?) {
        #expect(PercentCoding.decode(text) == wanted)
    }

    @Test("In queries a plus is a space")
    func plus() {
        #expect(PercentCoding.decode("a+b%2B", plusIsSpace: true) == "a b+")
    }
}
