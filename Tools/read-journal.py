#!/usr/bin/env python3
"""Reads a journal of ren without ren: each event as a line of JSON, every checksum and both chains checked.

    pip install lmdb; Tools/read-journal.py ~/.ren/journal

The format is drawn in Sources/RenJournal/RenJournal.docc/JournalFormat.md. Ends with 1 at the first event that is wrong.
"""
import base64, json, sys
from hashlib import sha256

import lmdb

WHOLE, STUB, CREATED, FORKED = 1, 4, 20, 30
FIELDS = ["node", "item", "attempt", "previous", "cause", "body", "payload"]


def crc32c(data, crc=0xFFFFFFFF):
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def check(sequence, holds, what):
    if not holds:
        sys.exit("event {}: {}".format(sequence, what))


def records(events):
    for key, data in events:
        sequence, place = int.from_bytes(key, "big"), 1
        check(sequence, crc32c(key + data[:-4]) == int.from_bytes(data[-4:], "big"), "its checksum is wrong")

        def take(count):
            nonlocal place
            place += count
            return data[place - count:place]

        def varint(shift=0):
            byte = take(1)[0]
            return (byte & 127) << shift | (varint(shift + 7) if byte > 127 else 0)

        line = {"sequence": sequence, "form": data[0], "run": varint()}
        start = place
        line["type"], bits = (0, 0) if data[0] == STUB else (varint(), take(1)[0])
        line["version"], line["time"] = varint(), int.from_bytes(take(8), "big", signed=True)
        line.update((name, varint()) for bit, name in enumerate(FIELDS) if bits >> bit & 1)
        line.update((name, line["version"] - line[name]) for name in ("previous", "cause") if name in line)
        line["body"] = json.loads(take(line["body"])) if "body" in line else {}
        head = data[start:place]
        value = take(line.get("payload", 0)) if data[0] == WHOLE and not bits & 128 else None
        payload_hash = take(32) if "payload" in line else b""
        line["payload_hash"] = payload_hash.hex()
        yield line, value, sha256(head + payload_hash).digest(), take(32), take(32), data[0] == WHOLE and bits & 128


def read(path):
    environment = lmdb.open(path, readonly=True, lock=False, max_dbs=32)
    events, chunks = (environment.open_db(name, create=False) for name in (b"1", b"3"))
    with environment.begin() as transaction:
        runs, chain, expected = {0: sha256(b"journal").digest()}, bytes(32), 1
        for line, value, digest, R, G, chunked in records(transaction.cursor(events)):
            sequence, run = line["sequence"], line["run"]
            if line["type"] == CREATED:
                runs[run] = sha256(line["body"]["id"].encode()).digest()
            elif line["type"] == FORKED:
                runs[run] = base64.urlsafe_b64decode(line["body"]["hash"] + "=")
            chain, key = sha256(chain + R).digest(), sequence.to_bytes(8, "big")
            proved = line["form"] == STUB or sha256(runs[run] + digest).digest() == R
            check(sequence, sequence == expected and proved and chain == G, "it does not fit the chains")
            if chunked:  # that of a checkpoint which was replaced is gone
                parts = [transaction.get(key + number.to_bytes(4, "big"), db=chunks)
                         for number in range(-(-line["payload"] // 65520))]
                value = b"".join(parts) if all(parts) else None
            if value is not None and "payload" in line:
                right = sha256(value).hexdigest() == line["payload_hash"]
                check(sequence, right, "its payload does not have its hash")
                line["value"] = value.decode()
            runs[run], expected = R, sequence + 1
            print(json.dumps({**line, "R": R.hex(), "G": G.hex()}, ensure_ascii=False))


if __name__ == "__main__":
    read(sys.argv[1])
