package import HTTPTypes
import RenCore
package import RenJSON

/// All routes, ready to be found by path and method.
///
/// Hummingbird's own router is not used: it takes `//etc` for `/etc`, answers a wrong method like an unknown path, and
/// tells what it found only to the route itself, where the gate must know it before.
package struct RouteTable: Sendable {
    package struct Match: Sendable {
        let route: CheckedRoute
        /// As sent.
        package let captures: [(name: String, raw: Substring)]

        package var path: String { route.route.path }
    }

    package enum Finding: Sendable {
        case found(Match)
        case wrongMethod(allowed: [HTTPRequest.Method])
        case notFound
    }

    package let routes: [Route]
    /// By number of segments, those that say more first.
    private var resources: [Int: [Resource]] = [:]

    private struct Resource: Sendable {
        let template: PathTemplate
        var routes: [CheckedRoute]
    }

    /// - Parameter schemas: what `#/components/schemas/…` in the routes' schemas means.
    /// - Precondition: the routes' schemas are schemas, and no two routes have the same method and path.
    package init(_ routes: [Route], schemas: [String: JSON]) {
        self.routes = routes
        for route in routes {
            let template = PathTemplate(route.path)
            let checked = CheckedRoute(route, schemas: schemas)
            var list = resources[template.segments.count] ?? []
            if let index = list.firstIndex(where: { $0.template.text == route.path }) {
                precondition(
                    !list[index].routes.contains { $0.route.method == route.method },
                    "two routes for \(route.method) \(route.path)")
                list[index].routes.append(checked)
            } else {
                list.append(Resource(template: template, routes: [checked]))
            }
            resources[template.segments.count] = list
        }
        for count in resources.keys {
            resources[count]?.sort {
                $0.template.segments.map(\.rank).lexicographicallyPrecedes($1.template.segments.map(\.rank))
            }
        }
    }

    /// - Parameter path: as sent, without the query. HEAD is answered where GET is.
    package func find(_ method: HTTPRequest.Method, _ path: some StringProtocol) -> Finding {
        let parts = PathTemplate.cut(Substring(path))
        for resource in resources[parts.count] ?? [] {
            guard path.utf8.first == UInt8(ascii: "/"), let captures = resource.template.match(parts) else { continue }
            let wanted = method == .head ? .get : method
            if let route = resource.routes.first(where: { $0.route.method == wanted }) {
                return .found(Match(route: route, captures: captures))
            }
            var allowed = resource.routes.map(\.route.method)
            if allowed.contains(.get) { allowed.append(.head) }
            return .wrongMethod(allowed: allowed)
        }
        return .notFound
    }
}
