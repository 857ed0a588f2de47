extension Backend {
    var healthRoutes: [Route] { [] }
}
