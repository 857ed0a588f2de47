// Ctrl-K: go to a page, run, node, item or flow, or do something, by a few letters of its name.

import { path, Problem } from "../api.js";
import { debounced } from "../page.js";
import { h } from "../h.js";
import { to } from "../router.js";
import { visible } from "../format.js";

const SHOWN = 12;

export class Palette {
    #app;
    #text = "";
    #index = 0;
    #entries = [];
    #found = [];

    constructor(app) {
        this.#app = app;
        this.#search = debounced(() => this.#ask(), 150);
    }

    #search;

    open() {
        this.#text = "";
        this.#index = 0;
        this.#found = [];
        this.#entries = this.#known();
        this.#app.dialogs.open(() => this.#view(), { className: "palette", label: "Go to" });
        this.#ask();
    }

    #known() {
        const { page } = this.#app;
        const entries = [
            ["Home", "/"], ["Runs", "/runs"], ["Flows", "/flows"], ["Functions", "/functions"], ["Workers", "/workers"],
            ["Journal", "/journal"], ["Settings", "/settings"],
        ].map(([name, address]) => ({ kind: "page", name, address }));
        for (const [key, [what, act]] of Object.entries(page?.keys ?? {})) {
            if (key.length === 1) entries.push({ kind: "do", name: what, act });
        }
        for (const name of Object.keys(page?.store?.snapshot?.nodes ?? {})) {
            entries.push({ kind: "node", name, address: to.node(page.store.run, name) });
        }
        return entries;
    }

    async #ask() {
        const text = this.#text.trim();
        const { api, page } = this.#app;
        const found = [];
        try {
            const [runs, flows] = await Promise.all([
                api.get("/runs", { q: text, limit: 8 }), api.get("/flows", { limit: 100 }),
            ]);
            for (const { run, flow } of runs.items) found.push({
                kind: "run",
                name: run,
                note: flow,
                address: to.run(run),
            });
            for (const { flow } of flows.items) found.push({ kind: "flow", name: flow, address: to.flow(flow) });
            const snapshot = page?.store?.snapshot;
            if (text.length >= 2 && snapshot) {
                for (const [name, node] of Object.entries(snapshot.nodes)) {
                    if (node.total === undefined) continue;
                    const items = await api.get(path`/runs/${snapshot.run}/nodes/${name}/items`, { q: text, limit: 5 });
                    for (const { key } of items.items) {
                        found.push({ kind: "item", name: key, note: name, address: to.item(snapshot.run, name, key) });
                    }
                }
            }
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
        }
        if (text !== this.#text.trim()) return;
        this.#found = found;
        this.#app.dialogs.paint();
    }

    get #shown() {
        const words = this.#text.toLowerCase().split(/\s+/).filter(Boolean);
        const fits = ({ name, kind, note }) => {
            const text = `${kind} ${name} ${note ?? ""}`.toLowerCase();
            return words.every((word) => text.includes(word));
        };
        return [...this.#entries, ...this.#found].filter(fits).slice(0, SHOWN);
    }

    #view() {
        const shown = this.#shown;
        this.#index = Math.max(0, Math.min(shown.length - 1, this.#index));
        return h(
            "div", { class: "go" },
            h("input", {
                type: "text", role: "combobox", "aria-label": "Go to a page, run, node, item or flow", autofocus: true,
                "aria-expanded": true,
                "aria-controls": "palette",
                "aria-activedescendant": shown.length ? `palette-${this.#index}` : null,
                "aria-autocomplete": "list", placeholder: "Run, node, item, flow, or what to do", value: this.#text,
                oninput: (event) => this.#typed(event.target.value), onkeydown: (event) => this.#keyed(event, shown),
            }),
            h("ul", { role: "listbox", id: "palette", "aria-label": "Found" }, shown.map((entry, index) => h(
                "li",
                {
                    key: `${entry.kind} ${entry.name} ${entry.note}`, role: "option", id: `palette-${index}`,
                    "aria-selected": index === this.#index, onclick: () => this.#choose(entry),
                },
                h("span", { class: "kind" }, entry.kind),
                h("span", { class: "name" }, visible(entry.name, { max: 80 })),
                entry.note && h("span", { class: "quiet" }, visible(entry.note)),
            ))),
            !shown.length && h("p", { class: "quiet" }, "Nothing has this name. Runs are found by how they begin."),
        );
    }

    #typed(text) {
        this.#text = text;
        this.#index = 0;
        this.#app.dialogs.paint();
        this.#search();
    }

    #keyed(event, shown) {
        const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (move) {
            event.preventDefault();
            this.#index = (this.#index + move + shown.length) % Math.max(1, shown.length);
            this.#app.dialogs.paint();
        } else if (event.key === "Enter" && shown[this.#index]) {
            event.preventDefault();
            this.#choose(shown[this.#index]);
        }
    }

    #choose(entry) {
        this.#app.dialogs.close();
        if (entry.act) setTimeout(entry.act);
        else this.#app.router.go(entry.address);
    }
}
