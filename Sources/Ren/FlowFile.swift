package import RenCore
package import RenJSON
package import RenYAML

/// Reads flow files: YAML, or JSON when the name ends in `.json`.
package enum FlowFile {
    package static let sizeMax = 256 << 10

    package enum Format: Sendable {
        case yaml, json

        /// What a file of this name holds.
        package init(ofFile path: String) { self = path.hasSuffix(".json") ? .json : .yaml }
    }

    /// Everything that is wrong with the file at `path`, and the flow if nothing is.
    ///
    /// - Throws: `file.not_found`, `file.unreadable`, `file.too_large`.
    package static func check(_ path: String) throws(RenError) -> FlowCheck {
        check(try SystemFile.read(path, limit: sizeMax), as: Format(ofFile: path), file: path)
    }

    /// Everything that is wrong with a text, and the flow if nothing is.
    ///
    /// - Parameter file: what its findings are said to be in.
    package static func check(_ bytes: [UInt8], as format: Format, file: String? = nil) -> FlowCheck {
        do throws(FlowErrors) {
            return FlowDecoder.check(try documents(bytes, format)).named(file)
        } catch {
            return FlowCheck(flow: nil, document: nil, errors: error.errors, warnings: []).named(file)
        }
    }

    /// The flow in the file at `path`.
    ///
    /// - Throws: `FlowErrors` with all errors of the file, or what `check` throws.
    package static func load(_ path: String) throws -> FlowCheck {
        let check = try check(path)
        guard check.flow != nil else { throw FlowErrors(check.errors) }
        return check
    }

    private static func documents(_ bytes: [UInt8], _ format: Format) throws(FlowErrors) -> [Located] {
        guard bytes.count <= sizeMax else {
            throw FlowErrors([RenError(.fileTooLarge, "a flow has at most \(sizeMax) bytes")])
        }
        guard format == .yaml else {
            do {
                return [try Located(parsing: bytes, limits: .document)]
            } catch {
                throw FlowErrors([RenError(error)])
            }
        }
        do {
            return try YAML.parse(bytes)
        } catch {
            throw FlowErrors(error.errors.map(RenError.init))
        }
    }
}

extension FlowCheck {
    /// The same findings, each with the file that it is in.
    fileprivate func named(_ path: String?) -> FlowCheck {
        var check = self
        check.errors = errors.map { $0.inFile(path) }
        check.warnings = warnings.map { $0.inFile(path) }
        return check
    }
}

extension RenError {
    func inFile(_ path: String?) -> RenError {
        var error = self
        error.file = file ?? path
        return error
    }

    /// A text that is not JSON.
    package init(_ error: JSONError) {
        self.init(Code(error.code.rawValue), error.message, at: error.place)
    }

    /// A text that is not the YAML that ren reads.
    package init(_ error: YAMLError) {
        self.init(Code(error.code.rawValue), error.message, hint: error.hint, at: error.place)
    }
}
