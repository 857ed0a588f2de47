import HTTPTypes
import Hummingbird
import RenCore

/// The console: one page for each address that it shows, and the files that the page is made of.
///
/// They hold no data and need no token: the page asks for all that it shows with the token that it got for the code of
/// a link (`IndexRoutes`).
extension Backend {
    var consoleRoutes: [Route] {
        Self.consolePages.map { path in consoleRoute(path) { _ in ConsoleFiles.page } } + [
            consoleRoute("/console/{file}") { $0.capture("file") },
            consoleRoute("/console/{folder}/{file}") { "\($0.capture("folder"))/\($0.capture("file"))" },
        ]
    }

    /// The addresses of `main.js`.
    private static let consolePages = [
        "/", "/runs", "/runs/{run}", "/runs/{run}/nodes/{node}", "/runs/{run}/items/{node}/{key}",
        "/runs/{run}/items/{node}",
        "/runs/{run}/timeline", "/runs/{run}/logs", "/runs/{run}/journal", "/runs/{run}/replay",
        "/runs/{run}/compare", "/flows", "/flows/{flow}", "/functions", "/functions/{function}", "/workers", "/journal",
        "/settings",
    ]

    private func consoleRoute(_ path: String, name: @escaping @Sendable (Call) -> String) -> Route {
        Route(
            .get, path, "The console", access: .page, parameters: [.ifNoneMatch],
            answers: [.bytes("a file", type: "text/html"), .empty(.notModified, "it is what If-None-Match names")],
            problems: [404], isLong: true
        ) { [self] call in
            guard let file = console[name(call)] else {
                throw RenError(.notFound, "the console has no such file")
            }
            var reply = Reply(.notModified)
            if !call.knows(file.tag) { reply = Reply(type: file.type, body: ResponseBody(byteBuffer: file.bytes)) }
            // The tag tells whether the file is the same; a newer ren has the same names.
            return reply.with(.eTag, file.tag).with(.cacheControl, "no-cache")
                .with(.contentSecurityPolicy, Self.consolePolicy)
        }
    }

    /// Nothing but our own files and our own service, and nothing that becomes HTML from text.
    private static let consolePolicy =
        "default-src 'self'; connect-src 'self' ws:; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}
