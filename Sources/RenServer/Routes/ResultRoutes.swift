extension Backend {
    var resultRoutes: [Route] { [] }
}
