// All runs, the latest first, filtered as the address says.

import { h } from "../h.js";
import { debounced, Page, throttled } from "../page.js";
import { to } from "../router.js";
import { between, count, short, time, visible } from "../format.js";
import { errorWords } from "../words.js";
import { badge } from "../widgets/badge.js";
import { empty, loading, problemBox } from "../widgets/problem.js";
import { table } from "../widgets/table.js";

const LIMIT = 50;
const STATUSES = ["", "open", "running", "waiting", "paused", "succeeded", "failed", "stopped", "quarantined"];

export class RunsPage extends Page {
    #runs = null;
    #next = null;
    #flows = [];
    /** The id of a run: rows move as others begin. */
    #selected = null;
    #filter = "";
    #find = debounced((text) => this.app.router.set({ q: text || null }));

    get title() {
        return "Runs - ren";
    }

    start() {
        this.update();
        const again = throttled(() => this.#load(), 1000);
        this.follow({ topic: "runs", kinds: ["event"] }, { events: again, reset: again });
        this.app.api.get("/flows", { limit: 200 }, this.signal).then(({ items }) => {
            this.#flows = items.map((flow) => flow.flow);
            this.soon();
        }, () => {
            // What is wrong is told by the list itself.
        });
    }

    update() {
        const filter = JSON.stringify(this.#query);
        if (filter === this.#filter) return;
        this.#filter = filter;
        this.#selected = null;
        this.#load();
    }

    get #query() {
        const { status, flow, q } = this.route.query;
        return { status: status ?? "", flow: flow ?? "", q: q ?? "" };
    }

    async #load() {
        const filter = this.#filter;
        await this.read(async () => {
            const limit = Math.min(1000, Math.max(LIMIT, this.#runs?.length ?? 0));
            const page = await this.app.api.get("/runs", { ...this.#query, limit }, this.signal);
            if (filter !== this.#filter) return;
            this.#runs = page.items;
            this.#next = page.next;
        });
    }

    async #more() {
        await this.read(async () => {
            const page = await this.app.api.get(
                "/runs",
                { ...this.#query, limit: LIMIT, cursor: this.#next },
                this.signal,
            );
            const known = new Set(this.#runs.map((run) => run.run));
            this.#runs.push(...page.items.filter((run) => !known.has(run.run)));
            this.#next = page.next;
        });
    }

    get keys() {
        const move = (step) => () => {
            const runs = this.#runs ?? [];
            const from = runs.findIndex(({ run }) => run === this.#selected);
            this.#selected = runs[Math.max(0, Math.min(runs.length - 1, from + step))]?.run ?? null;
            this.paint();
            requestAnimationFrame(() => document.querySelector("tr.selected")?.scrollIntoView({ block: "nearest" }));
        };
        return {
            j: ["Next run", move(1)], k: ["Run before", move(-1)],
            Enter: [
                "Open the run", () => this.#selected !== null && this.app.router.go(to.run(this.#selected)),
            ],
        };
    }

    view() {
        const { status, flow, q } = this.#query;
        const set = (query) => this.app.router.set(query);
        const isFiltered = status || flow || q;
        return h(
            "div", { class: "page" },
            h("div", { class: "title-line" },
                h("h1", null, "Runs"),
                h("span", { class: "grow" }),
                h("a", { class: "button primary", href: "/flows" }, "Start a flow"),
            ),
            h("div", { class: "line filters" },
                h("label", null, "status ", h("select", {
                    value: status,
                    onchange: (event) => set({ status: event.target.value }),
                },
                    [...new Set([...STATUSES, status])].map((each) => h(
                        "option", { key: each, value: each }, visible(each) || "all")))),
                h("label", null, "flow ", h("select", {
                    value: flow,
                    onchange: (event) => set({ flow: event.target.value }),
                },
                    h("option", { value: "" }, "all"),
                    [...new Set([...this.#flows, ...(flow ? [flow] : [])])].map((each) => h(
                        "option",
                        { key: each, value: each },
                        visible(each),
                    )))),
                h("label", { class: "find" }, h("span", { class: "sr" }, "Id or flow begins with"),
                    h("input", {
                        type: "search", "data-find": true, placeholder: "Begins with  /", value: q,
                        oninput: (event) => this.#find(event.target.value.trim()),
                    }))),
            problemBox(this.problem),
            this.#table(isFiltered),
            this.#next && h("p", null, h("button", { type: "button", onclick: () => this.#more() }, "More")),
        );
    }

    #table(isFiltered) {
        if (!this.#runs) return this.problem ? null : loading();
        if (!this.#runs.length) {
            return isFiltered
                ? empty(
                    "No run fits the filter",
                    h(
                        "button",
                        { type: "button", onclick: () => this.app.router.set({ status: null, flow: null, q: null }) },
                        "Clear the filter",
                    ),
                )
                : empty(
                    "No run yet",
                    h("a", { href: "/flows" }, "Start a flow"),
                    ["or: ", h("code", null, "ren run flow.yaml")],
                );
        }
        const heads = ["Run", "Status", "Flow", "Started", ["Took", "number"], ["Events", "number"], "Error"];
        return table(heads, this.#runs.map((run) => h("tr", {
            key: run.run,
            class: run.run === this.#selected ? "selected" : null,
        },
            h("td", { class: "wide" }, h("a", { href: to.run(run.run), title: run.run }, visible(run.run))),
            h("td", null, badge(run.status)),
            h("td", null,
                h("a", { href: to.flow(run.flow) }, visible(run.flow)),
                h("span", { class: "quiet" }, `@${short(run.flow_hash)}`),
            ),
            h("td", { class: "time", title: run.created }, time(run.created)),
            h("td", { class: "number" }, between(run.created, run.ended)),
            h("td", { class: "number" }, count(run.version)),
            h("td", { class: "cut", title: run.error?.message ?? run.waiting?.message ?? "" },
                errorWords(run.error) || visible(run.waiting?.message ?? "", { max: 160 })))), { class: "runs" });
    }
}
