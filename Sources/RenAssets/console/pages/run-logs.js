// What the functions of a run said: the newest lines at the end, live, filtered by level, node, item and text.

import { path } from "../api.js";
import { save } from "../files.js";
import { h } from "../h.js";
import { debounced, throttled } from "../page.js";
import { change, settings } from "../settings.js";
import { count, moment, plural, visible } from "../format.js";
import { plain } from "../widgets/ansi.js";
import { icon } from "../widgets/icon.js";
import { WindowedList } from "../widgets/list.js";
import { LEVELS, logLine, saidOf, whereOf } from "../widgets/log-line.js";
import { empty } from "../widgets/problem.js";
import { segments } from "../widgets/table.js";
import { RunPage } from "./run.js";

const TAIL = 2000;
const TAIL_MAX = 10_000;
const KEPT_MAX = 50_000;
/** Rows that are wrapped have no height that could be known before. */
const WRAPPED_MAX = 500;
const ROW_TEXT_MAX = 2000;
const ENDS = new Set(["run.succeeded", "run.failed", "run.stopped"]);

const COLUMNS = [
    { name: "time", title: "Time" },
    { name: "level", title: "Level" },
    { name: "where", title: "Node and item", class: "cut" },
    { name: "said", title: "Text", class: "cut" },
];

export class RunLogsPage extends RunPage {
    /** Entries; one of several lines is several rows. */
    #lines = [];
    #rows = [];
    #isRead = false;
    #tail = TAIL;
    #dropped = 0;
    /** What the service came by: `{lines, levels, all}`; levels below the chosen one are not read on. */
    #looked = null;
    /** The run ended after it was read. */
    #isBehind = false;
    /** Numbers of attempts that were seen, for the choice of one. */
    #attempts = new Set();
    #filter = "";
    #subscription = null;
    #selected = -1;
    #isFollowing = true;

    get back() {
        return this.at.tab();
    }

    start() {
        super.start();
        this.#isFollowing = this.route.query.follow !== "0";
        this.atEnd(() => this.#subscription?.end());
        // By then all that was said is written.
        const again = throttled(() => this.#load(), 1000);
        this.atEnd(this.store.listen((events) => {
            if (!this.#isFiltered || !events.some(({ type }) => ENDS.has(type))) return;
            this.#isBehind = true;
            again();
        }));
        this.update();
    }

    update() {
        super.update();
        const filter = JSON.stringify(this.#query);
        this.#isFollowing = this.route.query.follow !== "0";
        if (filter === this.#filter) return;
        this.#filter = filter;
        this.#tail = TAIL;
        this.#load();
    }

    get #query() {
        const { level, node, item, attempt, q } = this.route.query;
        const past = this.asOf === null ? {} : { as_of: this.asOf };
        return { level: level ?? "debug", node, key: node ? item : undefined, attempt, q, ...past };
    }

    async #load() {
        this.#subscription?.end();
        this.#subscription = null;
        const filter = this.#filter;
        if (this.asOf !== null) {
            await this.#loadPast(filter);
            return;
        }
        this.#isRead = await this.read(async () => {
            const page = await this.app.api.get(
                path`/runs/${this.run}/logs`,
                { ...this.#query, tail: this.#tail },
                this.signal,
            );
            if (filter !== this.#filter) return;
            this.#lines = page.items;
            this.#dropped = page.dropped_files;
            this.#looked = page.looked;
            this.#isBehind = false;
            this.#cut();
            this.#follow(page.position);
        });
    }

    /** What had been said then: lines name the run's version at which they came, so they are read from the start. */
    async #loadPast(filter) {
        this.#isRead = await this.read(async () => {
            const { version } = await this.app.api.get(path`/runs/${this.run}`, { as_of: this.asOf }, this.signal);
            let [lines, after] = [[], null];
            for (let isOver = false; !isOver && lines.length < KEPT_MAX;) {
                const page = await this.app.api.get(
                    path`/runs/${this.run}/logs`,
                    { ...this.#query, as_of: undefined, after, limit: TAIL_MAX },
                    this.signal,
                );
                if (filter !== this.#filter) return;
                const then = page.items.filter((line) => !(line.event > version));
                lines = lines.concat(then);
                isOver = page.at_end || then.length < page.items.length || !page.items.length;
                after = page.position;
                this.#dropped = page.dropped_files;
            }
            this.#lines = lines;
            this.#looked = null;
            this.#cut();
        });
    }

    #follow(position) {
        const { level, node, key, q } = this.#query;
        this.#subscription?.end();
        this.#subscription = this.app.stream.subscribe(
            {
                topic: "logs", run: this.run, ...(node ? { node } : {}), ...(key ? { key } : {}),
                log: { level, after: position, ...(q ? { q } : {}) },
            },
            { log: (lines) => this.#take(lines) });
    }

    #take(news) {
        const { attempt } = this.#query;
        const lines = attempt ? news.filter((line) => String(line.attempt) === attempt) : news;
        if (!lines.length) return;
        for (const line of lines) {
            this.#note(line);
            if (!this.#looked || this.#isMoving) continue;
            this.#looked.lines += 1;
            this.#looked.levels[levelOf(line)] += 1;
        }
        this.#lines.push(...lines);
        for (const line of lines) this.#rows.push(...rowsOf(line));
        if (this.#lines.length > KEPT_MAX) {
            this.#lines.splice(0, this.#lines.length - KEPT_MAX / 2);
            this.#cut();
        }
        this.soon();
    }

    #cut() {
        this.#rows = this.#lines.flatMap(rowsOf);
        this.#selected = -1;
        for (const line of this.#lines) this.#note(line);
    }

    #note({ attempt }) {
        if (attempt) this.#attempts.add(attempt);
    }

    /** Lines come that the filter leaves out: nothing tells how many. */
    get #isMoving() {
        return this.#isFiltered && (this.store.isOpen || this.#isBehind);
    }

    get #isFiltered() {
        const { level, node, attempt, q } = this.#query;
        return level !== "debug" || Boolean(node || attempt || q);
    }

    /** How many of the lines match, as far as that is known. */
    get #matching() {
        if (!this.#looked || this.#isMoving) return `${plural(this.#lines.length, "line")} match so far`;
        return `${count(this.#lines.length)} of ${this.#looked.all ? "" : "more than "}`
            + `${plural(this.#looked.lines, "line")} match`;
    }

    /** How many lines there are of a level or a graver one, as far as that was looked at. */
    #tally(level) {
        const graver = LEVELS.slice(LEVELS.indexOf(level));
        const { level: least } = this.#query;
        const isRead = LEVELS.indexOf(level) >= LEVELS.indexOf(least);
        if (!this.#looked) {
            return isRead ? count(this.#lines.filter((line) => graver.includes(levelOf(line))).length) : "";
        }
        const { levels, all } = this.#looked;
        const isWhole = all && !this.#isMoving;
        return `${count(graver.reduce((sum, each) => sum + levels[each], 0))}${isWhole ? "" : "+"}`;
    }

    get keys() {
        return {
            ...super.keys,
            f: ["Follow the end", () => this.app.router.set({ follow: this.#isFollowing ? "0" : null })],
            w: ["Wrap long lines", () => this.#wrap()],
        };
    }

    #wrap() {
        change({ wrap: !settings.wrap });
        this.paint();
    }

    content() {
        const { level, node, key, attempt, q } = this.#query;
        const set = (query) => this.app.router.set(query);
        const find = (this.#find ??= debounced((text) => set({ q: text || null })));
        const isFiltered = this.#isFiltered;
        const clear = () => set({ level: null, node: null, item: null, attempt: null, q: null });
        const attempts = [...this.#attempts].sort((a, b) => a - b);
        const nodes = Object.keys(this.store.snapshot.nodes);
        return h(
            "div", { class: "logs-page" },
            h("h2", { class: "sr" }, "Logs"),
            h("div", { class: "line filters" },
                segments(
                    "The least grave level", LEVELS.map((each) => [
                        each, [each, h("span", { key: "n", class: "quiet" }, ` ${this.#tally(each)}`)],
                    ]), level,
                    (each) => set({ level: each === "debug" ? null : each })),
                h("label", null, h("span", { class: "sr" },
                    "Node",
                ), h("select", { value: node ?? "", onchange: ({ target }) => set({ node: target.value, item: null }) },
                    h("option", { value: "" }, "all nodes"), nodes.map((each) => h("option", { key: each, value: each },
                        visible(each),
                    )))),
                key !== undefined && h("span", { class: "chip" },
                    visible(key, { max: 60 }),
                    h("button", {
                        type: "button", class: "plain", "aria-label": "All items", onclick: () => set({ item: null }),
                    }, icon("failed")),
                ),
                (attempt || attempts.at(-1) > 1) && h("label", null, h("span", { class: "sr" }, "Attempt"), h(
                    "select", {
                        value: attempt ?? "", onchange: ({ target }) => set({ attempt: target.value || null }),
                    }, h("option", { value: "" }, "all attempts"),
                    [...new Set([...attempts.map(String), ...(attempt ? [attempt] : [])])].map((each) => h(
                        "option", { key: each, value: each }, `attempt ${visible(each)}`)))),
                h("label", { class: "find" }, h("span", { class: "sr" }, "Find in the text"),
                    h("input", {
                        type: "search", "data-find": true, placeholder: "Find in the text  /", value: q ?? "",
                        oninput: (event) => find(event.target.value),
                    })),
                h("span", { class: "grow" }),
                h("button", {
                    type: "button", "aria-pressed": this.#isFollowing, title: "f",
                    onclick: () => set({ follow: this.#isFollowing ? "0" : null }),
                }, "Follow"),
                h("button", { type: "button", "aria-pressed": settings.wrap, title: "w", onclick: () => this.#wrap() },
                    "Wrap",
                ),
                h("button", { type: "button", class: "plain", onclick: () => this.#download() },
                    icon("download"),
                    "Download",
                )),
            // That a filter leaves nothing is said where the lines would be.
            (this.#rows.length > 0 || !isFiltered) && h("p", { class: "quiet" },
                isFiltered ? this.#matching : plural(this.#lines.length, "line"),
                this.#lines.length >= this.#tail && [" · the newest; ", this.#tail < TAIL_MAX
                    ? h("button", { key: "more", type: "button", class: "small", onclick: () => this.#more() },
                        `read ${count(TAIL_MAX)}`,
                    )
                    : "older ones are in the download"],
                this.#dropped > 0 && ` · ${plural(this.#dropped, "older file")} had to make room`,
                isFiltered && [
                    " · ",
                    h("button", { key: "clear", type: "button", class: "small", onclick: clear }, "Clear the filter"),
                ]),
            this.#list(isFiltered, clear),
            this.#selected >= 0 && this.#detail(this.#rows[this.#selected]),
        );
    }

    #find;

    #list(isFiltered, clear) {
        if (!this.#rows.length) {
            if (!this.#isRead) return null;
            return isFiltered
                ? empty(this.#matching, h("button", { type: "button", onclick: clear }, "Clear the filter"))
                : empty("Nothing was said yet", "What functions print or log appears here at once.");
        }
        if (settings.wrap) {
            return h("div", { class: "log", tabindex: 0, role: "group", "aria-label": "Log" },
                this.#lines.length > WRAPPED_MAX && h("p", { class: "quiet" },
                    `The last ${count(WRAPPED_MAX)} lines; without wrapping all of them.`,
                ),
                this.#lines.slice(-WRAPPED_MAX).map((line) => logLine(line, { where: true })));
        }
        return h(WindowedList, {
            grid: "log", label: "Log", columns: COLUMNS, count: this.#rows.length, end: this.#isFollowing,
            selected: this.#selected, onselect: (index) => {
                this.#selected = this.#selected === index ? -1 : index;
                this.paint();
            },
            // Fewer lines may have come since the list was told how many there are.
            row: (index) => this.#rows[index] ? this.#row(this.#rows[index]) : null,
            rowClass: (index) => `log-row ${this.#rows[index]?.line.level ?? ""}`,
        });
    }

    #row({ line, text, isFirst }) {
        return isFirst
            ? [
                h("span", { class: "time" }, line.time ? moment(line.time, { milliseconds: true }) : ""),
                h("span", { class: "level" }, line.level ?? ""),
                h("span", { class: "cut", title: whereOf(line) }, whereOf(line)),
                h("span", null, saidOf(line, text)),
            ]
            : ["", "", "", h("span", null, saidOf({ text }, text))];
    }

    #detail({ line }) {
        return h("aside", { class: "panel detail", "aria-label": "The chosen line" },
            h("div", { class: "line" }, h("h2", null,
                moment(line.time, { milliseconds: true }),
            ), h("span", null, whereOf(line)),
                line.node && line.key !== undefined && h("a", { href: this.at.item(line.node, line.key) }, "the item"),
                h("span", { class: "grow" }),
                h("button", { type: "button", class: "plain", onclick: () => this.app.copy(line.text, "The text") },
                    icon("copy"),
                    "Copy",
                ),
                h("button", {
                    type: "button", class: "plain", "aria-label": "Close", onclick: () => {
                        this.#selected = -1;
                        this.paint();
                    },
                }, icon("failed"))),
            h("pre", { tabindex: 0 }, visible(plain(line.text), { max: 200_000, lines: true })),
            line.fields && h("pre", { tabindex: 0 },
                visible(JSON.stringify(line.fields, null, 2), { max: 20_000, lines: true }),
            ));
    }

    #more() {
        this.#tail = TAIL_MAX;
        this.#load();
    }

    async #download() {
        await this.read(async () => {
            const texts = [];
            if (this.asOf === null) {
                for (let page = null; page?.text !== "";) {
                    const query = { ...this.#query, after: page?.position, limit: TAIL_MAX };
                    page = await this.app.api.log(path`/runs/${this.run}/logs`, query, this.signal);
                    texts.push(page.text);
                }
            } else for (const { time, level, text } of this.#lines) texts.push(`${time} ${level} ${text}\n`);
            save(new Blob(texts, { type: "text/plain" }), `${this.run}.log`);
        });
    }
}

const levelOf = (line) => (LEVELS.includes(line.level) ? line.level : "info");

/** An entry of several lines takes several rows, so that all have the same height. */
function rowsOf(line) {
    const text = line.text.length > ROW_TEXT_MAX * 20 ? line.text.slice(0, ROW_TEXT_MAX * 20) : line.text;
    return text.trimEnd().split("\n").map((each, index) => ({ line, text: each, isFirst: index === 0 }));
}
