extension Backend {
    var workerRoutes: [Route] { [] }
}
