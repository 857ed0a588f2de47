// One node of a run: of a map its items, as cells and as a list; of any other what it does and gave.

import { path, Problem } from "../api.js";
import { h } from "../h.js";
import { debounced, throttled } from "../page.js";
import { save, saveBytes } from "../files.js";
import { to } from "../router.js";
import { count, duration, eta, moment, plural, rate, time, visible } from "../format.js";
import { SHOWN_STATES } from "../store.js";
import { nodeNote } from "../words.js";
import { retryDialog, signalDialog, skipDialog } from "../widgets/actions.js";
import { badge, tally } from "../widgets/badge.js";
import { icon } from "../widgets/icon.js";
import { itemMap } from "../widgets/item-map.js";
import { JSONView } from "../widgets/json.js";
import { WindowedList } from "../widgets/list.js";
import { loading } from "../widgets/problem.js";
import { fact } from "../widgets/table.js";
import { Why } from "../widgets/why.js";
import { RunPage } from "./run.js";

const WINDOW = 100;
const SORTS = [
    ["index", "list"],
    ["key", "key"],
    ["slowest", "slowest"],
    ["newest", "newest"],
    ["attempts", "attempts"],
];
/** What can be chosen to be tried again. */
const CHOSEN = ["failed", "unknown"];
const COLUMNS = [
    { name: "key", title: "Item" },
    { name: "state", title: "State" },
    { name: "attempts", title: "Tries", class: "number" },
    { name: "took", title: "Took", class: "number" },
    { name: "ended", title: "Ended" },
    { name: "error", title: "Error or result", class: "cut" },
];

export class RunNodePage extends RunPage {
    #detail = null;
    #output = new JSONView(this.paint);
    #why = new Why(this);
    /** What the list shows: windows of rows by their number. */
    #windows = new Map();
    #asked = new Set();
    #total = 0;
    #filter = "";
    /** Its place in the list, which moves as the run goes on, and its key, which does not. */
    #selected = -1;
    #selectedKey = null;
    /** The place that the address says. */
    #at = -1;
    #chosen = new Set();
    #range = [0, WINDOW];
    #generation = 0;

    get node() {
        return this.route.params.node;
    }

    get back() {
        return this.at.tab();
    }

    start() {
        super.start();
        const again = throttled(() => {
            this.#loadDetail();
            this.#refresh();
        }, 2000);
        this.atEnd(this.store.listen((events) => {
            if (events.some((event) => event.node === this.node)) again();
        }));
        this.#loadDetail();
        this.#setFilter();
    }

    update() {
        super.update();
        this.#setFilter();
    }

    async #loadDetail() {
        await this.read(async () => {
            this.#detail = await this.app.api.get(path`/runs/${this.run}/nodes/${this.node}`, null, this.signal);
            this.#need(...this.#range);
        });
    }

    // The list

    get #query() {
        const { state, q, sort, problem } = this.route.query;
        const order = this.#sorts.some(([word]) => word === sort) ? sort : "index";
        if (this.store.isPast) return { state, sort: order, as_of: this.asOf };
        return { state, q, problem, sort: order };
    }

    /** As of an event, items have an order by what never changes. */
    get #sorts() {
        return this.store.isPast ? SORTS.slice(0, 2) : SORTS;
    }

    #setFilter() {
        const filter = JSON.stringify(this.#query);
        const at = /^\d+$/.test(this.route.query.at) ? Number(this.route.query.at) : -1;
        const isElsewhere = at !== this.#at;
        this.#at = at;
        if (filter === this.#filter) {
            if (isElsewhere) this.#select(at);
            return;
        }
        this.#filter = filter;
        this.problem = null;
        this.#generation += 1;
        this.#windows.clear();
        this.#asked.clear();
        this.#chosen.clear();
        this.#total = 0;
        this.#select(at);
        this.#need(Math.max(0, at), Math.max(0, at) + WINDOW);
    }

    /** Reads the windows that are seen once more: states of items change. */
    #refresh() {
        this.#asked.clear();
        this.#need(...this.#range);
    }

    #need(from, to) {
        this.#range = [from, to];
        // Known when the node is: a node without items has no list.
        if (!this.#isMap) return;
        const first = Math.floor(from / WINDOW);
        const last = Math.floor(Math.max(from, to - 1) / WINDOW);
        for (let place = first; place <= last; place += 1) {
            if (this.#asked.has(place)) continue;
            this.#asked.add(place);
            this.#readWindow(place);
        }
    }

    async #readWindow(place) {
        const generation = this.#generation;
        try {
            const window = await this.app.api.get(
                path`/runs/${this.run}/nodes/${this.node}/items`, {
                    ...this.#query,
                    offset: place * WINDOW,
                    limit: WINDOW,
                }, this.signal);
            if (generation !== this.#generation) return;
            this.#windows.set(place, window.items);
            this.#total = window.total;
            this.#findSelected();
            this.soon();
        } catch (error) {
            this.#asked.delete(place);
            if (error instanceof Problem) this.problem = error;
            else if (error.name !== "AbortError") throw error;
        }
    }

    #item(index) {
        return this.#windows.get(Math.floor(index / WINDOW))?.[index % WINDOW] ?? null;
    }

    #select(index) {
        this.#selected = index;
        this.#selectedKey = this.#item(index)?.key ?? null;
    }

    /** A person chose a row: the address says which. */
    #go(index) {
        this.#select(index);
        this.#at = index;
        this.app.router.set({ at: index });
    }

    /** While a key is held down, browsers refuse to change the address each time. */
    #goSoon = debounced(() => this.signal.aborted || this.#selected < 0 || this.#go(this.#selected));

    /** In a list that has changed the same item stays selected, also where it is far away by now. */
    #findSelected() {
        this.#selectedKey ??= this.#item(this.#selected)?.key ?? null;
        if (this.#selectedKey === null || this.#item(this.#selected)?.key === this.#selectedKey) return;
        this.#selected = -1;
        for (const [place, items] of this.#windows) {
            const index = items.findIndex((item) => item.key === this.#selectedKey);
            if (index >= 0) this.#selected = place * WINDOW + index;
        }
    }

    #openSelected() {
        if (this.#selectedKey === null) return;
        if (this.#selected >= 0) this.#go(this.#selected);
        this.app.router.go(this.at.item(this.node, this.#selectedKey));
    }

    get keys() {
        const keys = super.keys;
        if (!this.#isMap) return keys;
        const move = (step) => () => {
            if (!this.#total) return;
            this.#select(Math.max(0, Math.min(this.#total - 1, this.#selected + step)));
            this.#goSoon();
            this.paint();
        };
        keys.j = ["Next item", move(1)];
        keys.k = ["Item before", move(-1)];
        keys.Enter = ["Open the item", () => this.#openSelected()];
        keys.E = ["Export what is listed as JSON Lines", () => this.#export("jsonl")];
        if (!this.store.isPast) {
            keys.x = ["Choose the item", () => this.#choose()];
            keys.R = ["Retry the chosen items", () => this.#retry()];
        }
        return keys;
    }

    get #isMap() {
        return this.#detail?.each ?? this.store.snapshot?.nodes[this.node]?.total !== undefined;
    }

    #choose(item = this.#item(this.#selected)) {
        if (!CHOSEN.includes(item?.state)) return;
        if (!this.#chosen.delete(item.key)) this.#chosen.add(item.key);
        this.paint();
    }

    #retry() {
        const keys = [...this.#chosen];
        const failed = this.store.counts(this.node)?.failed ?? 0;
        const taken = () => this.#chosen.clear();
        if (keys.length) retryDialog(this.app, this.run, { nodes: [this.node], keys }, keys.length, taken);
        else if (failed) retryDialog(this.app, this.run, { nodes: [this.node], failed: true }, failed);
    }

    // The page

    content(snapshot) {
        const node = snapshot.nodes[this.node];
        if (!node) return this.problem ? null : loading();
        const detail = this.#detail;
        return h(
            "div", { class: "node-page" },
            h("div", { class: "line" },
                h("h2", { class: "cut", title: this.node }, visible(this.node)), badge(node.status),
                detail && h("span", { class: "quiet" }, this.#facts(detail)),
                h("span", { class: "grow" }),
                !this.store.isPast && node.total === undefined && CHOSEN.includes(node.status) && [
                    h("button", {
                        key: "retry", type: "button",
                        onclick: () => retryDialog(this.app, this.run, { nodes: [this.node] }, 1),
                    }, icon("retrying"), "Retry"),
                    h("button", {
                        key: "skip", type: "button",
                        onclick: () => skipDialog(this.app, this.run, this.node, undefined, node.status),
                    }, icon("skipped"), "Skip…"),
                ],
                !this.store.isPast && node.status === "waiting" && node.signal !== undefined
                    && h("button", {
                        type: "button", class: "primary",
                        onclick: () => signalDialog(this.app, this.run, this.node, node),
                    }, "Answer…")),
            node.total === undefined ? this.#single(node, detail) : this.#map(node),
        );
    }

    #facts(detail) {
        const flow = this.store.graph?.nodes.find((each) => each.name === this.node);
        const { times, call } = this.store.isPast ? {} : detail;
        return [
            flow?.function && h("span", { key: "f" },
                "function ",
                h("a", { href: to.function(flow.function) }, visible(flow.function)),
            ),
            call && [
                call.concurrency && `${count(call.concurrency)} at a time`,
                call.once ? "once" : call.attempts > 1 ? `retries ${count(call.attempts - 1)}` : "no retry",
                call.timeout && `timeout ${call.timeout}`, call.heartbeat && `heartbeat ${call.heartbeat}`,
            ].filter(Boolean).map((text) => ` · ${text}`).join(""),
            times?.samples > 0 && h("span", { key: "t" },
                ` · p50 ${duration(times.p50_milliseconds)} · p95 ${duration(times.p95_milliseconds)} · p99 `
                    + `${duration(times.p99_milliseconds)} · longest ${duration(times.max_milliseconds)}`,
            ),
            detail.status === "running" && this.store.status === "running" && times?.rate && h("span", { key: "r" },
                ` · ${rate(times.rate)}, until ${eta(times.eta_milliseconds)}`,
            ),
        ].filter(Boolean);
    }

    #single(node, detail) {
        return h(
            "div", null,
            h("dl", { class: "facts-list" },
                fact("Began", node.begun ? h("span", { title: node.begun }, time(node.begun)) : "not yet"),
                node.ended && fact("Ended", h("span", { title: node.ended }, time(node.ended))),
                node.begun && fact(
                    "Took",
                    duration((node.ended ? Date.parse(node.ended) : this.store.now) - Date.parse(node.begun)),
                ),
                node.attempts > 0 && fact("Attempts", this.#tries(node.attempts)),
                nodeNote(node) && fact("What", nodeNote(node)),
                node.until && fact("Until", h("span", { title: node.until }, time(node.until)))),
            node.error && h("div", { class: "note bad" }, icon("failed"), h("strong", null,
                visible(node.error.name),
            ), ` ${visible(node.error.message, { max: 2000 })}`,
                node.error.frame && h("span", { class: "quiet" }, ` ${visible(node.error.frame)}`)),
            h("p", null, h("a", { href: this.at.tab("logs", { node: this.node }) }, "Its log"), " · ",
                h("a", { href: this.at.tab("journal", { node: this.node }) }, "its events")),
            !this.store.isPast && detail?.output_reference && h("p", null,
                `Its output has ${count(detail.output_reference.length)} bytes. `,
                h("button", {
                    type: "button", class: "small",
                    onclick: () => saveBytes(this.app.api, detail.output_reference.href, `${this.node}.json`),
                }, icon("download"), "Download")),
            this.store.isPast && node.status === "succeeded" && h("p", { class: "quiet" },
                "What it gave stands in the event with which it succeeded.",
            ),
            !this.store.isPast && node.status === "succeeded" && detail && !detail.output_reference
                && h("section", null, h("h3", null, "Output"), this.#output.view(detail.output)),
            !this.store.isPast && this.#why.view(),
        );
    }

    #map(node) {
        const counts = this.store.counts(this.node);
        const { state, q, sort, problem } = this.#query;
        const set = (query) => this.app.router.set({ ...query, at: null });
        const find = (this.#find ??= debounced((text) => set({ q: text || null })));
        const isFiltered = state || q || problem;
        return h(
            "div", { class: "map" },
            itemMap(this, this.node, { tall: true }),
            node.total > 0 && h("div", { class: "line filters", role: "group", "aria-label": "Which items" },
                h("span", { class: "chips" },
                    h("button", { type: "button", "aria-pressed": !state, onclick: () => set({ state: null }) },
                        `all ${count(node.total)}`,
                    ),
                    SHOWN_STATES.filter((each) => counts[each] || each === state).map((each) => h(
                        "button",
                        {
                            key: each,
                            type: "button",
                            "aria-pressed": state === each,
                            onclick: () => set({ state: state === each ? null : each }),
                        },
                        tally(each, counts[each], `${each} ${count(counts[each])}`)))),
                !this.store.isPast && h("label", { class: "find" }, h("span", { class: "sr" }, "Find by key"),
                    h("input", {
                        type: "search", "data-find": true, placeholder: "Find by key  /", value: q ?? "",
                        oninput: (event) => find(event.target.value),
                    })),
                h("label", null, "sort ", h("select", {
                    value: sort,
                    onchange: (event) => set({ sort: event.target.value === "index" ? null : event.target.value }),
                },
                    this.#sorts.map(([word, name]) => h("option", { key: word, value: word }, name)))),
                h("span", { class: "grow" }),
                !this.store.isPast && (counts.failed > 0 || this.#chosen.size > 0) && h("button", {
                    type: "button",
                    onclick: () => this.#retry(),
                }, icon("retrying"),
                    this.#chosen.size
                        ? `Retry ${count(this.#chosen.size)} chosen`
                        : `Retry ${count(counts.failed)} failed`),
                h("button", {
                    type: "button", class: "plain", title: "What is listed, as CSV", onclick: () => this.#export("csv"),
                }, icon("download"), "CSV"),
                h("button", {
                    type: "button", class: "plain", title: "What is listed, as JSON Lines (E)",
                    onclick: () => this.#export("jsonl"),
                }, icon("download"), "JSONL")),
            problem && h("p", { class: "quiet" },
                "Only failures of one cause. ",
                h("a", { href: this.at.node(this.node) }, "All items"),
            ),
            node.total > 0 && (isFiltered && !this.#total && this.#windows.has(0)
                ? h("p", { class: "empty" },
                    `0 of ${plural(node.total, "item")} fit the filter. `,
                    h("a", { href: this.at.node(this.node) }, "Clear it"),
                )
                : h(WindowedList, {
                    grid: "items", label: `Items of ${visible(this.node)}`, columns: COLUMNS, count: this.#total,
                    row: (index) => this.#row(index), selected: this.#selected, opensOnClick: true,
                    onselect: (index, isClick) => {
                        this.#select(index);
                        if (isClick) this.#go(index);
                        else this.#goSoon();
                        this.paint();
                    },
                    onopen: () => this.#openSelected(), onrange: (from, to) => this.#need(from, to),
                })),
            node.total > 0 && h("p", { class: "quiet" },
                `${count(this.#total)} of ${plural(node.total, "item")} · j and k move, Enter `
                    + `opens${!this.store.isPast ? ", x chooses, R retries" : ""}, E exports`,
            ),
        );
    }

    #find;

    /** Begun, and allowed: not where those of a budget before, or interruptions, which use none up, are more. */
    #tries(begun) {
        const allowed = this.#detail?.call?.attempts;
        return allowed >= begun ? `${count(begun)}/${count(allowed)}` : count(begun);
    }

    #row(index) {
        const item = this.#item(index);
        if (!item) return null;
        const isChosen = this.#chosen.has(item.key);
        return [
            h("span", { class: "cut", title: item.key },
                !this.store.isPast && CHOSEN.includes(item.state) && h("input", {
                    type: "checkbox", "aria-label": `Choose ${visible(item.key)}`, checked: isChosen,
                    onchange: () => this.#choose(item),
                }),
                h("a", { href: this.at.item(this.node, item.key), tabindex: -1 }, visible(item.key, { max: 200 }))),
            badge(item.state), item.attempts ? this.#tries(item.attempts) : "–",
            item.milliseconds === null ? "–" : duration(item.milliseconds),
            h("span", { class: "time", title: item.ended ?? "" },
                item.ended ? time(item.ended) : item.until ? `again ${moment(item.until)}` : "–",
            ),
            item.error
                ? h("span", { class: "cut", title: visible(item.error.message) },
                    h("strong", null, visible(item.error.name, { max: 60 })),
                    ` ${visible(item.error.message, { max: 300 })}`,
                    item.error.frame && h("span", { class: "quiet" }, ` ${visible(item.error.frame)}`),
                )
                : item.output_bytes === null ? "" : h("span", { class: "quiet" }, `${count(item.output_bytes)} bytes`),
        ];
    }

    async #export(form) {
        await this.read(async () => {
            const rows = [];
            for (let offset = 0; ; offset += 1000) {
                const window = await this.app.api.get(
                    path`/runs/${this.run}/nodes/${this.node}/items`, {
                        ...this.#query,
                        offset,
                        limit: 1000,
                    }, this.signal);
                rows.push(...window.items);
                if (!window.items.length || rows.length >= window.total) break;
            }
            const text = form === "csv" ? csv(rows) : rows.map((row) => `${JSON.stringify(row)}\n`).join("");
            save(
                new Blob([text], { type: form === "csv" ? "text/csv" : "application/jsonl" }),
                `${this.run}-${this.node}.${form}`,
            );
        });
    }
}

function csv(rows) {
    // A spreadsheet would take what begins so for a formula.
    const cell = (value) => {
        const text = String(value ?? "");
        const isFormula = typeof value === "string" && /^[=+\-@\t\r]/.test(text);
        return `"${isFormula ? "'" : ""}${text.replaceAll('"', '""')}"`;
    };
    const names = ["index", "key", "state", "attempts", "begun", "ended", "milliseconds", "output_bytes"];
    const lines = rows.map((row) => [
        ...names.map((name) => row[name]),
        row.error?.name,
        row.error?.message,
    ].map(cell).join(","));
    return [[...names, "error", "message"].join(","), ...lines, ""].join("\r\n");
}
