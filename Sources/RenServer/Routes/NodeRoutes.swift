import RenJSON

extension Backend {
    var nodeRoutes: [Route] { [] }
    static let nodeSchemas: [String: JSON] = [:]
}
