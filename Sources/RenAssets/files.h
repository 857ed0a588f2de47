// The files that the binary carries, by name. `#embed` takes no macro with a part of a path in it,
// hence three lines each. No include guard: `assets.c` reads the list twice.

#define FILE_PATH "console/api.js"
#define FILE_SYMBOL console_api_js
#include "file.h"

#define FILE_PATH "console/exact.js"
#define FILE_SYMBOL console_exact_js
#include "file.h"

#define FILE_PATH "console/favicon.svg"
#define FILE_SYMBOL console_favicon_svg
#include "file.h"

#define FILE_PATH "console/files.js"
#define FILE_SYMBOL console_files_js
#include "file.h"

#define FILE_PATH "console/format.js"
#define FILE_SYMBOL console_format_js
#include "file.h"

#define FILE_PATH "console/h.js"
#define FILE_SYMBOL console_h_js
#include "file.h"

#define FILE_PATH "console/index.html"
#define FILE_SYMBOL console_index_html
#include "file.h"

#define FILE_PATH "console/keys.js"
#define FILE_SYMBOL console_keys_js
#include "file.h"

#define FILE_PATH "console/main.js"
#define FILE_SYMBOL console_main_js
#include "file.h"

#define FILE_PATH "console/page.js"
#define FILE_SYMBOL console_page_js
#include "file.h"

#define FILE_PATH "console/pages/flow.js"
#define FILE_SYMBOL console_pages_flow_js
#include "file.h"

#define FILE_PATH "console/pages/flows.js"
#define FILE_SYMBOL console_pages_flows_js
#include "file.h"

#define FILE_PATH "console/pages/function.js"
#define FILE_SYMBOL console_pages_function_js
#include "file.h"

#define FILE_PATH "console/pages/functions.js"
#define FILE_SYMBOL console_pages_functions_js
#include "file.h"

#define FILE_PATH "console/pages/home.js"
#define FILE_SYMBOL console_pages_home_js
#include "file.h"

#define FILE_PATH "console/pages/journal.js"
#define FILE_SYMBOL console_pages_journal_js
#include "file.h"

#define FILE_PATH "console/pages/run-compare.js"
#define FILE_SYMBOL console_pages_run_compare_js
#include "file.h"

#define FILE_PATH "console/pages/run-item.js"
#define FILE_SYMBOL console_pages_run_item_js
#include "file.h"

#define FILE_PATH "console/pages/run-journal.js"
#define FILE_SYMBOL console_pages_run_journal_js
#include "file.h"

#define FILE_PATH "console/pages/run-logs.js"
#define FILE_SYMBOL console_pages_run_logs_js
#include "file.h"

#define FILE_PATH "console/pages/run-node.js"
#define FILE_SYMBOL console_pages_run_node_js
#include "file.h"

#define FILE_PATH "console/pages/run-overview.js"
#define FILE_SYMBOL console_pages_run_overview_js
#include "file.h"

#define FILE_PATH "console/pages/run-replay.js"
#define FILE_SYMBOL console_pages_run_replay_js
#include "file.h"

#define FILE_PATH "console/pages/run-timeline.js"
#define FILE_SYMBOL console_pages_run_timeline_js
#include "file.h"

#define FILE_PATH "console/pages/run.js"
#define FILE_SYMBOL console_pages_run_js
#include "file.h"

#define FILE_PATH "console/pages/runs.js"
#define FILE_SYMBOL console_pages_runs_js
#include "file.h"

#define FILE_PATH "console/pages/settings.js"
#define FILE_SYMBOL console_pages_settings_js
#include "file.h"

#define FILE_PATH "console/pages/sign-in.js"
#define FILE_SYMBOL console_pages_sign_in_js
#include "file.h"

#define FILE_PATH "console/pages/workers.js"
#define FILE_SYMBOL console_pages_workers_js
#include "file.h"

#define FILE_PATH "console/router.js"
#define FILE_SYMBOL console_router_js
#include "file.h"

#define FILE_PATH "console/settings.js"
#define FILE_SYMBOL console_settings_js
#include "file.h"

#define FILE_PATH "console/store.js"
#define FILE_SYMBOL console_store_js
#include "file.h"

#define FILE_PATH "console/stream.js"
#define FILE_SYMBOL console_stream_js
#include "file.h"

#define FILE_PATH "console/style.css"
#define FILE_SYMBOL console_style_css
#include "file.h"

#define FILE_PATH "console/theme.js"
#define FILE_SYMBOL console_theme_js
#include "file.h"

#define FILE_PATH "console/widgets/actions.js"
#define FILE_SYMBOL console_widgets_actions_js
#include "file.h"

#define FILE_PATH "console/widgets/ansi.js"
#define FILE_SYMBOL console_widgets_ansi_js
#include "file.h"

#define FILE_PATH "console/widgets/attempt-input.js"
#define FILE_SYMBOL console_widgets_attempt_input_js
#include "file.h"

#define FILE_PATH "console/widgets/badge.js"
#define FILE_SYMBOL console_widgets_badge_js
#include "file.h"

#define FILE_PATH "console/widgets/bar.js"
#define FILE_SYMBOL console_widgets_bar_js
#include "file.h"

#define FILE_PATH "console/widgets/canvas.js"
#define FILE_SYMBOL console_widgets_canvas_js
#include "file.h"

#define FILE_PATH "console/widgets/colours.js"
#define FILE_SYMBOL console_widgets_colours_js
#include "file.h"

#define FILE_PATH "console/widgets/dialog.js"
#define FILE_SYMBOL console_widgets_dialog_js
#include "file.h"

#define FILE_PATH "console/widgets/event-change.js"
#define FILE_SYMBOL console_widgets_event_change_js
#include "file.h"

#define FILE_PATH "console/widgets/event-detail.js"
#define FILE_SYMBOL console_widgets_event_detail_js
#include "file.h"

#define FILE_PATH "console/widgets/event-list.js"
#define FILE_SYMBOL console_widgets_event_list_js
#include "file.h"

#define FILE_PATH "console/widgets/event-pages.js"
#define FILE_SYMBOL console_widgets_event_pages_js
#include "file.h"

#define FILE_PATH "console/widgets/expression.js"
#define FILE_SYMBOL console_widgets_expression_js
#include "file.h"

#define FILE_PATH "console/widgets/fork-form.js"
#define FILE_SYMBOL console_widgets_fork_form_js
#include "file.h"

#define FILE_PATH "console/widgets/form.js"
#define FILE_SYMBOL console_widgets_form_js
#include "file.h"

#define FILE_PATH "console/widgets/graph.js"
#define FILE_SYMBOL console_widgets_graph_js
#include "file.h"

#define FILE_PATH "console/widgets/heatmap.js"
#define FILE_SYMBOL console_widgets_heatmap_js
#include "file.h"

#define FILE_PATH "console/widgets/help.js"
#define FILE_SYMBOL console_widgets_help_js
#include "file.h"

#define FILE_PATH "console/widgets/icon.js"
#define FILE_SYMBOL console_widgets_icon_js
#include "file.h"

#define FILE_PATH "console/widgets/item-map.js"
#define FILE_SYMBOL console_widgets_item_map_js
#include "file.h"

#define FILE_PATH "console/widgets/journal-size.js"
#define FILE_SYMBOL console_widgets_journal_size_js
#include "file.h"

#define FILE_PATH "console/widgets/journal-verify.js"
#define FILE_SYMBOL console_widgets_journal_verify_js
#include "file.h"

#define FILE_PATH "console/widgets/json.js"
#define FILE_SYMBOL console_widgets_json_js
#include "file.h"

#define FILE_PATH "console/widgets/list.js"
#define FILE_SYMBOL console_widgets_list_js
#include "file.h"

#define FILE_PATH "console/widgets/log-line.js"
#define FILE_SYMBOL console_widgets_log_line_js
#include "file.h"

#define FILE_PATH "console/widgets/palette.js"
#define FILE_SYMBOL console_widgets_palette_js
#include "file.h"

#define FILE_PATH "console/widgets/problem.js"
#define FILE_SYMBOL console_widgets_problem_js
#include "file.h"

#define FILE_PATH "console/widgets/report.js"
#define FILE_SYMBOL console_widgets_report_js
#include "file.h"

#define FILE_PATH "console/widgets/sets.js"
#define FILE_SYMBOL console_widgets_sets_js
#include "file.h"

#define FILE_PATH "console/widgets/sparkline.js"
#define FILE_SYMBOL console_widgets_sparkline_js
#include "file.h"

#define FILE_PATH "console/widgets/table.js"
#define FILE_SYMBOL console_widgets_table_js
#include "file.h"

#define FILE_PATH "console/widgets/timeline.js"
#define FILE_SYMBOL console_widgets_timeline_js
#include "file.h"

#define FILE_PATH "console/widgets/travel.js"
#define FILE_SYMBOL console_widgets_travel_js
#include "file.h"

#define FILE_PATH "console/widgets/why.js"
#define FILE_SYMBOL console_widgets_why_js
#include "file.h"

#define FILE_PATH "console/words.js"
#define FILE_SYMBOL console_words_js
#include "file.h"

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
