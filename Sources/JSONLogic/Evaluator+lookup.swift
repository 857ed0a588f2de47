import RenJSON

extension Evaluator {
    /// What is there, else the default, else null.
    mutating func value(of lookup: Lookup, at node: Node) throws(LogicError) -> JSON {
        if let value = try find(lookup, at: node) { return value }
        guard let fallback = lookup.fallback else { return .null }
        return try value(of: fallback)
    }

    /// What is there; plain data only, no member that a host language would add.
    mutating func find(_ lookup: Lookup, at node: Node) throws(LogicError) -> JSON? {
        switch lookup.path {
        case .constant(let keys):
            return find(keys, climb: lookup.climb)
        case .dotted(let path):
            let path = try value(of: path)
            return find(try keys(dotted: path, at: node), climb: lookup.climb)
        case .keys(let nodes):
            let values = try values(of: nodes)
            return find(try keys(values, at: node), climb: lookup.climb)
        case .keyList(let list):
            let list = try value(of: list)
            let values = if case .array(let elements) = list { elements } else { [list] }
            try meter.scan(values: values.count, at: node)
            return find(try keys(values, at: node), climb: lookup.climb)
        }
    }

    private mutating func find(_ keys: [PathKey], climb: Int) -> JSON? {
        let position = scopes.count - 1 - climb
        guard position >= 0 else {
            guard position == -1 else { return nil }
            let value = data.value(at: keys[...])
            recorder?.read(keys, value)
            return value
        }
        switch scopes[position] {
        case .data(let value): return value.value(at: keys[...])
        case .index(let index): return (["index": .integer(Int64(index))] as JSON).value(at: keys[...])
        case .nothing: return nil
        }
    }

    private mutating func keys(dotted path: JSON, at node: Node) throws(LogicError) -> [PathKey] {
        guard !path.isNull else { return [] }
        guard let key = PathKey(path) else {
            throw LogicError(.arguments, "\(path.excerpt) is no path", at: node.pointer)
        }
        try meter.build(bytes: key.text.utf8.count, at: node)
        return PathKey.keys(dotted: key.text)
    }

    private func keys(_ values: [JSON], at node: Node) throws(LogicError) -> [PathKey] {
        var keys: [PathKey] = []
        for value in values where !value.isNull {
            guard let key = PathKey(value) else {
                throw LogicError(.arguments, "\(value.excerpt) is no key", at: node.pointer)
            }
            keys.append(key)
        }
        return keys
    }

    // MARK: Missing

    /// Those of the paths at which nothing is, or null, or "".
    mutating func missing(_ arguments: Arguments, at node: Node) throws(LogicError) -> [JSON] {
        var paths = try values(of: arguments, at: node)
        if case .array(let list)? = paths.first { paths = list }
        return try missing(paths, at: node)
    }

    /// None when at least so many of the paths are there, else those that are missing.
    mutating func missingSome(_ arguments: Arguments, at node: Node) throws(LogicError) -> [JSON] {
        let values = try values(of: arguments, at: node)
        guard values.count == 2, let needed = Number(values[0]), case .array(let paths) = values[1] else {
            throw LogicError(.arguments, "`missing_some` takes a count and a list of paths", at: node.pointer)
        }
        let missing = try missing(paths, at: node)
        return .integer(Int64(paths.count - missing.count)) >= needed ? [] : missing
    }

    private mutating func missing(_ paths: [JSON], at node: Node) throws(LogicError) -> [JSON] {
        var missing: [JSON] = []
        for path in paths {
            try meter.step(at: node)
            switch find(try keys(dotted: path, at: node), climb: 0) {
            case nil, .null: missing.append(path)
            case .string(let text) where text.isEmpty: missing.append(path)
            default: break
            }
        }
        return missing
    }
}

extension JSON {
    fileprivate func value(at keys: ArraySlice<PathKey>) -> JSON? {
        guard let key = keys.first else { return self }
        switch self {
        case .object(let object):
            return object[key.text]?.value(at: keys.dropFirst())
        case .array(let elements):
            guard let index = key.index, index < elements.count else { return nil }
            return elements[index].value(at: keys.dropFirst())
        default:
            return nil
        }
    }
}
