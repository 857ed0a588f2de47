import RenJSON

extension Backend {
    var runRoutes: [Route] { [] }
    static let runSchemas: [String: JSON] = [:]
}
