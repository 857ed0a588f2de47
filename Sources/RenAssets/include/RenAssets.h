// Files that the binary carries, so that it needs nothing beside it.
//
// Knows bytes and names, nothing of what is in them. Start with `assets.c`: its list of files is the
// only place to change when one is added.

#ifndef REN_ASSETS_H
#define REN_ASSETS_H

#include <stddef.h>

/// One file: its path below the folder of this target ("python/ren/worker.py"), and its bytes.
///
/// The bytes live as long as the process and are not NUL-terminated; `length` may be 0.
struct ren_asset {
    const char *_Nonnull name;
    const unsigned char *_Nonnull bytes;
    size_t length;
};

/// All files, in the order of their names.
extern const struct ren_asset ren_assets[];
extern const size_t ren_assets_count;

/// The table for Swift, which does not import arrays of unknown length.
static inline const struct ren_asset *_Nonnull ren_asset_table(void) { return ren_assets; }

#endif
