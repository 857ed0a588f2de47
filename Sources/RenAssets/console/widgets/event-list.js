// Events as a list with a lens and a side panel: for one run, and for the whole journal.

import { path, Problem } from "../api.js";
import { h } from "../h.js";
import { debounced } from "../page.js";
import { link, to } from "../router.js";
import { count, moment, plural, visible } from "../format.js";
import { place, sentence, stateOf } from "../words.js";
import { copyCommand, eventDetail } from "./event-detail.js";
import { EventPages } from "./event-pages.js";
import { icon } from "./icon.js";
import { JSONView } from "./json.js";
import { WindowedList } from "./list.js";
import { empty } from "./problem.js";
import { segments } from "./table.js";

const FILTERED_PAGE = 500;
const FILTERED_MAX = 20_000;
const AREAS = ["run", "signal", "node", "map", "item", "result"];
const JOURNAL_AREAS = ["journal", "flow", "functions", "worker", "function", ...AREAS];
const LENSES = [["", "all"], ["compact", "compact"], ["json", "JSON"]];
/** What keeps the books, and says nothing that the other events do not. */
const BOOKKEEPING = /\.(started|checkpointed|kept)$/;

/**
 * The list of a page whose address says `type`, `lens`, `seq` and, for a run, `node` and `item`.
 *
 * `run`: the store of the run, or null for the whole journal.
 */
export class EventList {
    #page;
    #store;
    #pages = null;
    /** With a filter: what was found so far, and where to look on. */
    #found = null;
    #next = 0;
    #isSearching = false;
    #filter = null;
    #selected = -1;
    #detail = null;
    #changes = null;
    #detailOf = -1;
    #json;
    #generation = 0;

    constructor(page, store) {
        this.#page = page;
        this.#store = store;
        this.#json = new JSONView(page.paint);
    }

    /** @param {number} total events of the source now */
    start(total) {
        const { app, signal, soon } = this.#page;
        this.#pages = new EventPages(app.api, this.#store?.snapshot ?? null, total, signal, soon);
        this.update();
    }

    get #query() {
        const { type, node, item, lens } = this.#page.route.query;
        return {
            type: type ?? "",
            node: this.#store ? (node ?? "") : "",
            item: this.#store && node ? (item ?? "") : "",
            lens: lens === "compact" || lens === "json" ? lens : "",
            asOf: this.#store?.asOf ?? null,
        };
    }

    get #isFiltered() {
        const { type, node, lens } = this.#query;
        return type !== "" || node !== "" || lens === "compact";
    }

    get #count() {
        return this.#found ? this.#found.length : (this.#pages?.count ?? 0);
    }

    #event(index) {
        return this.#found ? (this.#found[index] ?? null) : (this.#pages?.at(index) ?? null);
    }

    /** After the address changed. */
    update() {
        if (!this.#pages) return;
        const filter = JSON.stringify(this.#query);
        if (filter !== this.#filter) {
            this.#filter = filter;
            this.#generation += 1;
            this.#selected = this.#detailOf = -1;
            this.#found = this.#isFiltered ? [] : null;
            this.#next = 0;
            this.#isSearching = false;
            if (this.#found) this.#search();
        }
        const { seq } = this.#page.route.query;
        const wanted = Number(seq);
        const isNumber = Number.isSafeInteger(wanted) && wanted > 0;
        if (isNumber && this.#detailOf === wanted) return;
        this.#page.problem = !seq || isNumber ? null : new Problem({
            detail: `“${visible(seq, { max: 60 })}” is no number of an event`,
        });
        if (isNumber) this.#show(wanted);
        else this.#detailOf = this.#selected = -1;
    }

    /** Of a run as it was: as many as it had. */
    resize(total) {
        if (this.#pages) this.#pages.count = total;
    }

    // Reading

    async #search() {
        const generation = this.#generation;
        this.#isSearching = true;
        const { type, node } = this.#query;
        await this.#page.read(async () => {
            while (this.#next !== null && this.#found.length < FILTERED_MAX && generation === this.#generation) {
                const page = await this.#page.app.api.get(
                    this.#store ? path`/runs/${this.#store.run}/events` : "/journal/events",
                    { after: this.#next, limit: FILTERED_PAGE, type, node }, this.#page.signal);
                if (generation !== this.#generation) return;
                this.#found.push(...page.items.filter((event) => this.#fits(event)));
                // The event of the address may be among those that came now.
                if (this.#selected < 0) this.#selected = this.#placeOf(this.#detailOf);
                this.#next = page.next;
                this.#page.soon();
            }
            if (generation !== this.#generation) return;
            this.#isSearching = false;
            this.#requireFound();
        });
        if (generation === this.#generation) this.#isSearching = false;
    }

    /** @throws {Problem} where the event of the address is not among those that were looked for */
    #requireFound() {
        if (this.#isSearching || this.#selected >= 0 || !(this.#detailOf > 0)) return;
        throw new Problem({
            detail: `event ${count(this.#detailOf)} is not among those that fit the filter`,
            hint: "clear the filter to see it",
        });
    }

    #fits(event) {
        const { type, node, item, lens, asOf } = this.#query;
        if (item && event.key !== item) return false;
        if (type && !type.split(",").some(
            (each) => event.type === each || event.type.startsWith(`${each}.`),
        )) return false;
        if (node && event.node !== node) return false;
        if (asOf !== null && event.sequence > asOf) return false;
        return lens !== "compact" || !BOOKKEEPING.test(event.type);
    }

    /** Takes events that came live. */
    add(events) {
        this.#pages?.add(events, (event) => (this.#store ? event.version : event.sequence));
        if (this.#found && !this.#isSearching && this.#next === null && this.#found.length < FILTERED_MAX) {
            this.#found.push(...events.filter((event) => this.#fits(event)));
        }
        this.#page.soon();
    }

    // One event

    #placeOf(sequence) {
        return this.#found.findIndex((event) => event.sequence === sequence);
    }

    async #show(sequence) {
        this.#detailOf = sequence;
        await this.#page.read(async () => {
            if (this.#found) {
                this.#selected = this.#placeOf(sequence);
                this.#requireFound();
            } else {
                const index = await this.#pages.indexOf(sequence);
                await this.#pages.need(index, index + 1);
                const isThere = this.#pages.at(index)?.sequence === sequence;
                this.#selected = isThere ? index : -1;
                if (this.#store && !isThere) {
                    throw new Problem({
                        detail: `event ${count(sequence)} is none of this run`,
                        hint: "look for it in the whole journal",
                    });
                }
            }
            this.#page.soon();
            const { app, signal } = this.#page;
            const [detail, changes] = await Promise.all([
                app.api.get(`/journal/events/${sequence}`, null, signal),
                // Of a run whose past is pruned there is still the event.
                app.api.get(`/journal/events/${sequence}/changes`, null, signal).catch(this.#refused),
            ]);
            if (this.#detailOf === sequence) [this.#detail, this.#changes] = [detail, changes ?? null];
        });
    }

    #select(index, isStep = false) {
        const event = this.#event(index);
        this.#selected = index;
        if (event) this.#page.app.router.set({ seq: event.sequence }, { isStep });
        else this.#pages.need(index, index + 1).then(() => this.#select(index), this.#refused);
        this.#page.paint();
    }

    #refused = (error) => {
        if (!(error instanceof Problem) && error.name !== "AbortError") throw error;
    };

    get keys() {
        const move = (step) => () => {
            if (!this.#count) return;
            const from = this.#selected < 0 ? (step < 0 ? this.#count : -1) : this.#selected;
            this.#select(Math.max(0, Math.min(this.#count - 1, from + step)));
        };
        return {
            "[": ["Event before", move(-1)], "]": ["Next event", move(1)],
            j: ["Next event", move(1)], k: ["Event before", move(-1)],
            "g g": ["Go to an event by its number", () => document.querySelector("[data-jump]")?.focus()],
            v: ["View the run as of the event", () => this.#view()],
            y: [
                "Copy the command that shows the event",
                () => this.#event(this.#selected) && copyCommand(this.#page.app, this.#event(this.#selected)),
            ],
        };
    }

    #view() {
        const event = this.#event(this.#selected);
        if (event && event.run !== "journal") {
            this.#page.app.router.go(to.run(event.run, "replay", { as_of: event.sequence }));
        }
    }

    // The view

    view() {
        if (!this.#pages) return null;
        const total = this.#pages.count;
        const columns = [
            { name: "seq", title: "Event", class: "number" }, { name: "time", title: "Time" },
            ...(this.#store ? [] : [{ name: "run", title: "Run", class: "cut" }]),
            { name: "type", title: "Type" },
            { name: "what", title: this.#query.lens === "json" ? "JSON" : "What", class: "cut" },
        ];
        const shown = this.#selected >= 0 ? this.#event(this.#selected) : null;
        const detail = this.#detail?.sequence === shown?.sequence ? this.#detail : null;
        return h(
            "div", { class: "events" },
            this.#filters(),
            h("p", { class: "quiet", role: "status" },
                this.#found
                    ? `${count(this.#found.length)}${this.#isSearching ? "…" : ""} of ${plural(total, "event")} fit `
                        + `the filter${this.#found.length >= FILTERED_MAX ? "; no more are read" : ""}`
                    : plural(total, "event"),
                this.#isFiltered && " ", this.#isFiltered && h("button", {
                    type: "button", class: "small",
                    onclick: () => this.#page.app.router.set({ type: null, node: null, item: null, lens: null }),
                }, "Clear the filter")),
            h("div", { class: shown ? "split" : "split whole" },
                this.#count
                    ? h(WindowedList, {
                        grid: this.#store ? "run-events" : "journal-events",
                        label: "Events",
                        columns,
                        count: this.#count,
                        selected: this.#selected, end: this.#selected < 0 && !this.#found,
                        row: (index) => this.#row(this.#event(index)), onselect: (index) => this.#select(index),
                        onrange: (from, to) => this.#found || this.#pages.need(from, to).catch(this.#refused),
                        rowClass: (index) => (this.#event(index)?.type.startsWith("run.") ? "strong-row" : ""),
                    })
                    : this.#isSearching ? null : empty("No event fits the filter"),
                shown && eventDetail(
                    {
                        app: this.#page.app, close: () => this.#page.app.router.set({ seq: null }),
                        address: (other) => link(location.pathname, { ...this.#page.route.query, seq: other }),
                    }, shown, detail, this.#changes, this.#json)),
        );
    }

    #filters() {
        const { type, node, item, lens } = this.#query;
        const set = (query) => this.#page.app.router.set(query);
        return h(
            "div", { class: "line filters" },
            segments("Lens", LENSES, lens, (word) => set({ lens: word || null })),
            h("label", null, h("span", { class: "sr" },
                "Type",
            ), h("select", { value: type, onchange: (event) => set({ type: event.target.value || null }) },
                h("option", { value: "" }, "all types"),
                (this.#store ? AREAS : JOURNAL_AREAS).map((area) => h("option", { key: area, value: area },
                    `${area}.*`,
                )),
                type && !JOURNAL_AREAS.includes(type) && h("option", { value: type }, visible(type)))),
            this.#store && h("label", null, h("span", { class: "sr" },
                "Node",
            ), h("select", {
                value: node, onchange: (event) => set({ node: event.target.value || null, item: null }),
            },
                h("option", { value: "" }, "all nodes"), Object.keys(this.#store.snapshot.nodes).map((name) => h(
                    "option",
                    { key: name, value: name },
                    visible(name),
                )))),
            node && h("label", { key: "item" }, h("span", { class: "sr" }, "Key of an item"), h("input", {
                type: "search", placeholder: "Key of an item", value: item,
                oninput: (event) => this.#find(event.target.value),
            })),
            h("form", { class: "jump", onsubmit: (event) => this.#jump(event) },
                h("label", null,
                    "event ",
                    h("input", {
                        type: "number", min: 1, "data-jump": true, "data-find": true, name: "seq", placeholder: "g g",
                    }),
                )),
            h("span", { class: "grow" }),
            h("button", {
                type: "button", class: "plain", "aria-label": "Event before", title: "[",
                onclick: () => this.keys["["][1](),
            }, icon("up")),
            h("button", {
                type: "button", class: "plain", "aria-label": "Next event", title: "]",
                onclick: () => this.keys["]"][1](),
            }, icon("down")),
        );
    }

    #find = debounced((item) => this.#page.app.router.set({ item: item || null }));

    #jump(event) {
        event.preventDefault();
        const sequence = Number(event.target.elements.seq.value);
        event.target.elements.seq.blur();
        if (sequence > 0) this.#page.app.router.set({ seq: sequence }, { isStep: true });
    }

    #row(event) {
        if (!event) return null;
        const isJSON = this.#query.lens === "json";
        const what = isJSON
            ? h("span", { class: "code cut" }, visible(JSON.stringify(event), { max: 1000 }))
            : h("span", { class: "cut" },
                place(event) && h("strong", null, place(event)),
                " ",
                sentence(event),
                event.by && !event.type.endsWith("interrupted") ? h("span", { class: "quiet" },
                    ` by ${visible(event.by)}`,
                ) : null,
            );
        return [
            count(event.sequence),
            h("span", { class: "time", title: event.time }, moment(event.time, { milliseconds: true })),
            ...(this.#store ? [] : [h("span", { class: "cut", title: event.run },
                event.run === "journal" ? "" : visible(event.run),
            )]),
            h("span", { class: "type" }, icon(stateOf(event)), event.type), what,
        ];
    }
}
