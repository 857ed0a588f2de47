import RenJSON

extension Backend {
    var flowRoutes: [Route] { [] }
    static let flowSchemas: [String: JSON] = [:]
}
