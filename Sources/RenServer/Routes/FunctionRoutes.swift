import RenJSON

extension Backend {
    var functionRoutes: [Route] { [] }
    static let functionSchemas: [String: JSON] = [:]
}
