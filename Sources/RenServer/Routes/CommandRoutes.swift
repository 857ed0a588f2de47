extension Backend {
    var commandRoutes: [Route] { [] }
}
