#include "RenAssets.h"

// `#embed` is C23; clang has it in older modes too and says so with a warning that we do not need.
#pragma clang diagnostic ignored "-Wc23-extensions"

// `files.h` is the one list of files. It is read twice: for their bytes, then for the table.
#define REN_JOIN(a, b) a##b
#define REN_BYTES(symbol) REN_JOIN(bytes_of_, symbol)

#define REN_PASS_BYTES
#include "files.h"
#undef REN_PASS_BYTES

const struct ren_asset ren_assets[] = {
#include "files.h"
};

const size_t ren_assets_count = sizeof(ren_assets) / sizeof(ren_assets[0]);
