// RenServer: the service over the journal and the engine: routes, streams and the one gate before both.
//
// Knows: Hummingbird, `Session`, and what may be asked of it by whom. Must not know: terminals, command lines.
// Start at `HTTPService` for the whole, at `Responder` for one request, at `Route` for one resource.
