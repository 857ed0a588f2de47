extension Backend {
    var logRoutes: [Route] { [] }
}
