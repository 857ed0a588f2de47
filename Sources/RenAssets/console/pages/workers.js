// The processes that functions run in.

import { path } from "../api.js";
import { h } from "../h.js";
import { Page, throttled } from "../page.js";
import { to } from "../router.js";
import { bytes, count, duration, plural, short, visible } from "../format.js";
import { badge } from "../widgets/badge.js";
import { icon } from "../widgets/icon.js";
import { empty, loading, problemBox } from "../widgets/problem.js";
import { table } from "../widgets/table.js";

export class WorkersPage extends Page {
    #workers = null;
    #sets = [];

    get title() {
        return "Workers - ren";
    }

    start() {
        this.#load();
        this.follow(
            { topic: "workers", kinds: ["event"] },
            { events: throttled(() => this.#load(), 500), reset: () => this.#load() },
        );
        // What they do now and how much memory they take stands in no event.
        this.every(2000, () => this.#load());
    }

    async #load() {
        await this.read(async () => {
            const { items, sets } = await this.app.api.get("/workers", null, this.signal);
            this.#workers = items;
            this.#sets = sets;
        });
    }

    async #restart(worker, now) {
        await this.read(async () => {
            await this.app.api.post(`${path`/workers/${worker.worker}`}:restart`, now ? { now: true } : {});
            this.app.toasts.say(
                `${worker.worker} will be replaced${now ? " at once" : worker.calls.length ? " after its calls" : ""}.`,
            );
        });
        this.#load();
    }

    view() {
        return h("div", { class: "page" },
            h("h1", null, "Workers"),
            problemBox(this.problem),
            this.#setsView(),
            this.#table(),
        );
    }

    #setsView() {
        return this.#sets.map((set) => h("p", { key: set.set, class: set.parked ? "note bad" : "quiet" },
            "set ",
            h("span", { class: "code", title: set.set }, short(set.set)),
            `: ${set.files.map((file) => visible(file)).join(", ")} · ${plural(set.restarts, "restart")}`,
            set.parked && h("strong", null, ` · nothing can begin now: ${visible(set.parked)}`)));
    }

    #table() {
        if (!this.#workers) return this.problem ? null : loading();
        if (!this.#workers.length) return empty(
            "No worker runs",
            "They start with the first call, and end when nothing was called for a while.",
        );
        return table([
            "Worker", "State", ["Process", "number"], ["Memory", "number"], ["Age", "number"], ["Calls", "number"],
            "Now", "",
        ], this.#workers.map((worker) => [
            h("tr", { key: worker.worker },
                h("td", { class: "code" },
                    worker.worker,
                    worker.alone && h("span", { class: "quiet" }, " one call at a time"),
                ),
                h("td", null, worker.state === "ready" ? readyBadge(worker) : badge(worker.state)),
                h("td", { class: "number" }, worker.process ?? "–"),
                h("td", { class: "number" }, bytes(worker.resident_bytes)),
                h("td", { class: "number" }, duration(worker.age_milliseconds)),
                h("td", { class: "number" }, count(worker.calls_done)),
                h("td", null, worker.calls.length
                    ? h("ul", { class: "plain-list" }, worker.calls.slice(0, 4).map((call) => h(
                        "li",
                        { key: `${call.run}/${call.node}/${call.key}` },
                        callOf(call),
                        h("span", { class: "quiet" }, ` ${duration(call.milliseconds)}`),
                    )),
                        worker.calls.length > 4 && h("li", { class: "quiet" },
                            `and ${worker.calls.length - 4} more`,
                        ))
                    : visible(worker.end ?? "", { max: 200 }) || "–"),
                h("td", null, worker.state === "ready" && h("span", { class: "buttons" },
                    h("button", {
                        type: "button", class: "small", title: "after its calls",
                        onclick: () => this.#restart(worker, false),
                    }, "Restart"),
                    worker.calls.length > 0 && h("button", {
                        type: "button", class: "small",
                        title: "its calls are tried again; a once call becomes unknown",
                        onclick: () => this.#restart(worker, true),
                    }, "now")))),
            worker.last_error_lines.length > 0 && h("tr", {
                key: `${worker.worker} stderr`,
            }, h("td", { colspan: 8 },
                h("details", null, h("summary", null, `last lines of stderr (${worker.last_error_lines.length})`),
                    h("pre", { tabindex: 0 },
                        visible(worker.last_error_lines.join("\n"), { max: 20_000, lines: true }),
                    )))),
        ]));
    }
}

function readyBadge(worker) {
    if (worker.calls.length) return badge("running", count(worker.calls.length));
    return h("span", { class: "badge ok" }, icon("succeeded"), "ready");
}

function callOf(call) {
    const name = `${visible(call.function)} `;
    if (call.key === null) return [name, h("a", { key: "n", href: to.node(call.run, call.node) }, visible(call.node))];
    return [name, h("a", { key: "i", href: to.item(call.run, call.node, call.key) }, visible(call.key, { max: 40 }))];
}
