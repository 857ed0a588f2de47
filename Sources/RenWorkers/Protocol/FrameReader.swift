import NIOCore

/// Frames of worker protocol 1: a 4-byte big-endian length, then one JSON object.
enum Frame {
    /// Most bytes of JSON in one frame.
    static let bodyMax = 16 << 20
}

/// A worker sent what no worker may send; it is ended.
struct ProtocolViolation: Error, Equatable, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Cuts a stream of bytes into the bodies of frames; holds at most one unfinished frame.
struct FrameReader {
    private var buffer = ByteBuffer()

    mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The body of the next whole frame; nil while there is none.
    mutating func next() throws(ProtocolViolation) -> ByteBuffer? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length > 0, length <= Frame.bodyMax else {
            throw ProtocolViolation("a frame of \(length) bytes; 1 to \(Frame.bodyMax) are allowed")
        }
        guard buffer.readableBytes >= 4 + Int(length) else {
            // Growing once, to the right size, instead of many times.
            buffer.reserveCapacity(minimumWritableBytes: 4 + Int(length) - buffer.readableBytes)
            return nil
        }
        buffer.moveReaderIndex(forwardBy: 4)
        return buffer.readSlice(length: Int(length))
    }
}
