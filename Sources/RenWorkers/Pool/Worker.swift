import NIOCore
import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One worker process as its pool sees it.
///
/// SAFETY (@unchecked): everything is touched on the pool's event loop alone.
final class Worker: @unchecked Sendable {
    /// What a process is kept for.
    enum Role { case shared, alone }

    /// In the pool, from 1.
    let number: Int
    let role: Role
    /// What its hello must show: 256 random bits, used once.
    let token: String
    var connection: WorkerConnection
    var channel: (any Channel)?
    var frames = MessageWriter()
    /// Known from the moment that the process runs.
    var process: Int32?
    /// How the process ended, once it has.
    var status: String?
    /// Files that it could not import.
    var broken: [BrokenReport] = []
    var saidHello = false
    var allowance = LogAllowance()
    let startedAt = NIODeadline.now()
    var callsDone = 0
    /// Streams of the process (stdout, stderr, socket) that may still bring something.
    var openStreams = 0
    private(set) var lastErrorLines: [String] = []

    init(number: Int, role: Role, token: String, connection: WorkerConnection) {
        self.number = number
        self.role = role
        self.token = token
        self.connection = connection
    }

    /// How many stderr lines are kept for the reason why it died.
    private static let errorLinesMax = 20

    func keepErrorLine(_ line: String) {
        if lastErrorLines.count == Self.errorLinesMax { lastErrorLines.removeFirst() }
        lastErrorLines.append(line.cut(to: 400))
    }

    /// Kills its whole session at once; also after its end, for what it has left running.
    func killGroup() {
        // Its session was made before it ran, so the group exists and is not ours.
        guard let process, process > 1, process != getpgrp() else { return }
        kill(-process, SIGKILL)
    }

    func flush() {
        guard let channel else { return }
        let bytes = frames.take()
        if !bytes.isEmpty { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
    }
}
