import RenJSON

extension Backend {
    var eventRoutes: [Route] { [] }
    static let eventSchemas: [String: JSON] = [:]
}
