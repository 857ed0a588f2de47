// The files that the binary carries, by name. `#embed` takes no macro with a part of a path in it,
// hence three lines each. No include guard: `assets.c` reads the list twice.

#define FILE_PATH "python/ren/__init__.py"
#define FILE_SYMBOL init_py
#include "file.h"

#define FILE_PATH "python/ren/artifacts.py"
#define FILE_SYMBOL artifacts_py
#include "file.h"

#define FILE_PATH "python/ren/calls.py"
#define FILE_SYMBOL calls_py
#include "file.h"

#define FILE_PATH "python/ren/context.py"
#define FILE_SYMBOL context_py
#include "file.h"

#define FILE_PATH "python/ren/errors.py"
#define FILE_SYMBOL errors_py
#include "file.h"

#define FILE_PATH "python/ren/failure.py"
#define FILE_SYMBOL failure_py
#include "file.h"

#define FILE_PATH "python/ren/function.py"
#define FILE_SYMBOL function_py
#include "file.h"

#define FILE_PATH "python/ren/items.py"
#define FILE_SYMBOL items_py
#include "file.h"

#define FILE_PATH "python/ren/loading.py"
#define FILE_SYMBOL loading_py
#include "file.h"

#define FILE_PATH "python/ren/main.py"
#define FILE_SYMBOL main_py
#include "file.h"

#define FILE_PATH "python/ren/outbox.py"
#define FILE_SYMBOL outbox_py
#include "file.h"

#define FILE_PATH "python/ren/output.py"
#define FILE_SYMBOL output_py
#include "file.h"

#define FILE_PATH "python/ren/protocol.py"
#define FILE_SYMBOL protocol_py
#include "file.h"

#define FILE_PATH "python/ren/py.typed"
#define FILE_SYMBOL py_typed
#include "file.h"

#define FILE_PATH "python/ren/requires.py"
#define FILE_SYMBOL requires_py
#include "file.h"

#define FILE_PATH "python/ren/runners.py"
#define FILE_SYMBOL runners_py
#include "file.h"

#define FILE_PATH "python/ren/schema.py"
#define FILE_SYMBOL schema_py
#include "file.h"

#define FILE_PATH "python/ren/signature.py"
#define FILE_SYMBOL signature_py
#include "file.h"

#define FILE_PATH "python/ren/testing.py"
#define FILE_SYMBOL testing_py
#include "file.h"

#define FILE_PATH "python/ren/values.py"
#define FILE_SYMBOL values_py
#include "file.h"

#define FILE_PATH "python/ren/worker.py"
#define FILE_SYMBOL worker_py
#include "file.h"
