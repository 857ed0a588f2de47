import RenJSON

extension Backend {
    var indexRoutes: [Route] { [] }
    static let baseSchemas: [String: JSON] = [:]
}
