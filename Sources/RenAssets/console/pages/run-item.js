// One item: its attempts, what it was given and gave, why it failed, what it said.

import { itemPath, path } from "../api.js";
import { saveBytes } from "../files.js";
import { h } from "../h.js";
import { throttled } from "../page.js";
import { to } from "../router.js";
import { bytes, count, duration, moment, short, time, visible } from "../format.js";
import { sentence, stateOf } from "../words.js";
import { retryDialog, skipDialog } from "../widgets/actions.js";
import { AttemptInput } from "../widgets/attempt-input.js";
import { badge } from "../widgets/badge.js";
import { icon } from "../widgets/icon.js";
import { JSONView } from "../widgets/json.js";
import { logLine } from "../widgets/log-line.js";
import { empty, loading } from "../widgets/problem.js";
import { segments } from "../widgets/table.js";
import { Why } from "../widgets/why.js";
import { RunPage } from "./run.js";

const LINES = 400;

export class RunItemPage extends RunPage {
    #item = null;
    /** What an attempt said: `{attempt, lines}`. */
    #log = null;
    #output = new JSONView(this.paint);
    #unfolded = false;
    /** The event as of which it was read. */
    #shown = null;
    #why = new Why(this);
    #input = new AttemptInput(this);

    get back() {
        return this.at.node(this.route.params.node);
    }

    start() {
        super.start();
        const { node, key } = this.route.params;
        const again = throttled(() => this.#load(), 500);
        this.atEnd(this.store.listen((events) => {
            if (events.some((event) => event.node === node && event.key === key)) again();
        }));
        this.#load();
    }

    async #load() {
        const { node, key } = this.route.params;
        this.#shown = this.asOf;
        await this.read(async () => {
            const item = await this.app.api.get(...itemPath(this.run, node, key), this.signal);
            const asOf = this.asOf;
            this.#item = asOf === null ? item : await this.#asItWas(item, asOf);
            await this.#loadLog();
        });
    }

    /** Of the attempt that is shown, where it ran: what a fork kept stands in the log of its parent. */
    async #loadLog() {
        const attempt = this.#attempt;
        if (!attempt) return;
        const { node, key } = this.route.params;
        const log = await this.app.api.get(
            path`/runs/${this.#runOf(attempt)}/logs`, { node, key, attempt: attempt.attempt, tail: LINES },
            this.signal);
        if (attempt.attempt === this.#attempt?.attempt) this.#log = { attempt: attempt.attempt, lines: log.items };
    }

    #runOf(attempt) {
        return attempt.events[0]?.run ?? this.run;
    }

    update() {
        super.update();
        if (this.#shown !== this.asOf) this.#load();
        else if (this.#item && this.#log?.attempt !== this.#attempt?.attempt) this.read(() => this.#loadLog());
    }

    /** The item as of an event: its row is kept for that, its attempts are those that had begun. */
    async #asItWas(item, asOf) {
        const { node, key } = this.route.params;
        const { api } = this.app;
        const window = await api.get(
            path`/runs/${this.run}/nodes/${node}/items`, { offset: item.index, limit: 1, as_of: asOf }, this.signal);
        const attempts = item.attempt_list.map((attempt) => {
            const events = attempt.events.filter((event) => event.sequence <= asOf);
            const isWhole = events.length === attempt.events.length;
            return isWhole ? attempt : { ...attempt, events, outcome: null, ended: null, error: null };
        }).filter((attempt) => attempt.events.length);
        const row = window.items[0] ?? { state: "pending", milliseconds: null };
        const was = { ...item, ...row, key, attempt_list: attempts, output: null, output_reference: null };
        const gave = attempts.flatMap((attempt) => attempt.events).findLast(({ type }) => type === "item.succeeded");
        if (row.state !== "succeeded" || !gave) return was;
        const event = await api.get(`/journal/events/${gave.sequence}`, null, this.signal);
        if (event.payload_json !== undefined) return { ...was, output: event.payload_json };
        const href = `/api/v1/journal/events/${gave.sequence}/payload`;
        return { ...was, output_reference: { length: event.payload?.length, href } };
    }

    get #attempt() {
        const attempts = this.#item.attempt_list;
        const wanted = Number(this.route.query.attempt);
        return attempts.find((each) => each.attempt === wanted) ?? attempts[attempts.length - 1] ?? null;
    }

    /** What a person put in the place of a result ended the attempt, too. */
    #endOf(attempt) {
        const ended = attempt.ended ?? this.#item.ended;
        return ended ? Date.parse(ended) : this.store.now;
    }

    /** Undefined when it gave none, or a large one. */
    #outputOf(attempt) {
        const { attempt_list: all, output_reference: isLarge, output } = this.#item;
        return attempt === all.at(-1) && attempt.outcome === "succeeded" && !isLarge ? output : undefined;
    }

    /** It goes on only when a person says so: also what waited for another try when its run ended. */
    get #isStuck() {
        const state = this.#item?.state;
        if (this.store.isPast) return false;
        return state === "failed" || state === "unknown" || state === "retrying" && !this.store.isOpen;
    }

    get keys() {
        const keys = { ...super.keys };
        const { node, key } = this.route.params;
        keys["("] = ["Attempt before", () => this.#step(-1)];
        keys[")"] = ["Next attempt", () => this.#step(1)];
        if (this.#isStuck) {
            keys.R = ["Retry the item", () => retryDialog(this.app, this.run, { nodes: [node], keys: [key] }, 1)];
        }
        if (this.#isStuck) {
            keys.S = ["Skip the item", () => skipDialog(this.app, this.run, node, key, this.#item.state)];
        }
        return keys;
    }

    #step(by) {
        const next = (this.#attempt?.attempt ?? 0) + by;
        if (this.#item?.attempt_list.some((each) => each.attempt === next)) this.app.router.set({ attempt: next });
    }

    content() {
        const { node, key } = this.route.params;
        const item = this.#item;
        if (!item) return this.problem ? null : loading();
        const attempt = this.#attempt;
        const wanted = this.route.query.attempt;
        return h(
            "div", { class: "item-page" },
            h("div", { class: "line" },
                h("p", { class: "trail" }, h("a", { href: this.at.node(node) }, visible(node)), " / "),
                h("h2", { class: "cut", title: key }, visible(key, { max: 300 })),
                badge(item.state, item.milliseconds === null ? null : `after ${duration(item.milliseconds)}`),
                h("span", { class: "quiet" }, `item ${count(item.index)}`),
                h("span", { class: "grow" }),
                this.#isStuck && [
                    h("button", {
                        key: "retry", type: "button",
                        onclick: () => retryDialog(this.app, this.run, { nodes: [node], keys: [key] }, 1),
                    }, icon("retrying"), "Retry"),
                    h("button", {
                        key: "skip", type: "button",
                        onclick: () => skipDialog(this.app, this.run, node, key, item.state),
                    }, icon("skipped"), "Skip…"),
                ]),
            item.attempt_list.length > 1 && segments("Attempt", item.attempt_list.map((each) => [each.attempt, [
                icon(each.outcome ? stateOf({ type: `item.${each.outcome.split(".").pop()}` }) : "running"),
                `attempt ${each.attempt}`,
            ]]), attempt?.attempt, (number) => this.app.router.set({ attempt: number })),
            attempt && wanted && wanted !== String(attempt.attempt) && h("p", { class: "note warn" },
                `It has no attempt “${visible(wanted, { max: 60 })}”. This is its newest.`),
            !attempt && empty("Not started yet", item.state === "pending" ? "It starts when it is its turn." : null),
            attempt && this.#attemptView(attempt),
            attempt?.begun && this.#input.view(attempt, this.#outputOf(attempt)),
            this.#outputView(item),
            this.#events(item),
            !this.store.isPast && this.#why.view(key),
        );
    }

    #attemptView(attempt) {
        const { isPast, snapshot } = this.store;
        const log = this.#log?.attempt === attempt.attempt ? this.#log : null;
        const lines = log?.lines.filter((line) => !(isPast && line.event > snapshot.version)) ?? [];
        const ranIn = this.#runOf(attempt);
        const trace = lines.find((line) => line.text.startsWith("Traceback"));
        const { node, key } = this.route.params;
        return h(
            "div", { key: attempt.attempt },
            h("dl", { class: "facts-list" },
                h("div", null, h("dt", null, "Began"), h("dd", { title: attempt.begun }, time(attempt.begun))),
                h("div", null,
                    h("dt", null, "Took"),
                    h("dd", null,
                        attempt.begun ? duration(this.#endOf(attempt) - Date.parse(attempt.begun)) : "–",
                    ),
                ),
                h("div", null,
                    h("dt", null, "Idempotency key"),
                    h("dd", { class: "code" }, `${visible(ranIn)}/${visible(node)}/${visible(key)}`),
                ),
                h("div", null,
                    h("dt", null, "Input"),
                    h("dd", { class: "code", title: attempt.input }, short(attempt.input)),
                ),
                h("div", null,
                    h("dt", null, "Code"),
                    h("dd", { class: "code", title: attempt.code }, short(attempt.code)),
                )),
            attempt.error && h("section", null,
                h("h3", { class: "bad" }, icon("failed"), visible(attempt.error.name ?? "Error")),
                h("p", { class: "error-text" }, visible(attempt.error.message, { max: 4000, lines: true })),
                trace ? this.#trace(trace.text) : attempt.error.frame && h("p", { class: "code" },
                    visible(attempt.error.frame),
                )),
            h("section", null,
                h("h3", null, "Log"),
                !log ? loading() : lines.length
                    ? h("div", { class: "log short", tabindex: 0, role: "group", "aria-label": "Log of the attempt" },
                        lines.filter((line) => line !== trace).map((line) => logLine(line)),
                    )
                    : h("p", { class: "quiet" }, "It said nothing."),
                h("p", null, h("a", {
                    href: ranIn === this.run ? this.at.tab("logs", { node, item: key })
                        : to.run(ranIn, "logs", { node, item: key }),
                }, "Open in Logs"))),
        );
    }

    /** Own code first: frames of libraries are folded. */
    #trace(text) {
        const frames = cutTrace(text);
        const hidden = frames.filter((frame) => frame.isLibrary).length;
        return h("div", { class: "trace", tabindex: 0, role: "group", "aria-label": "Traceback" },
            frames.filter((frame) => this.#unfolded || !frame.isLibrary).map((frame, index) => h(
                "div",
                { key: index, class: frame.isLibrary ? "frame quiet" : "frame" },
                frame.lines.map((line, place) => h("div", { key: place }, visible(line, { max: 1000 }))))),
            hidden > 0 && h("button", {
                type: "button", class: "small", onclick: () => {
                    this.#unfolded = !this.#unfolded;
                    this.paint();
                },
            }, this.#unfolded ? "Fold library frames" : `${hidden} library frames`));
    }

    #outputView(item) {
        if (item.output_reference) {
            const { length, href } = item.output_reference;
            return h("section", null, h("h3", null, "Output"), h("p", null, `${bytes(length)} `,
                h("button", { type: "button", class: "small", onclick: () => this.#save(href) },
                    icon("download"),
                    "Download",
                )));
        }
        if (item.state !== "succeeded") return null;
        return h("section", null, h("h3", null, "Output"), this.#output.view(item.output));
    }

    async #save(href) {
        await this.read(() => saveBytes(this.app.api, href, `${this.route.params.key}.json`));
    }

    #events(item) {
        const events = item.attempt_list.flatMap((attempt) => attempt.events);
        const { node, key } = this.route.params;
        if (!events.length) return null;
        return h("section", null, h("h3", null, "Events"),
            h("ul", { class: "latest" }, events.map((event) => h("li", { key: event.sequence },
                h("a", { class: "numbers", href: this.at.tab("journal", { seq: event.sequence }) },
                    count(event.sequence),
                ),
                h("span", { class: "time", title: event.time },
                    moment(event.time, { milliseconds: true }),
                ), icon(stateOf(event)), h("span", null, sentence(event))))),
            h("p", null, h("a", { href: this.at.tab("journal", { node, item: key }) }, "Open in Journal")));
    }
}

/** Python's tracebacks: a line that names the place, then the code; the rest stands by itself. */
function cutTrace(text) {
    const frames = [];
    for (const line of text.trimEnd().split("\n")) {
        if (/^\s+File "/.test(line)) frames.push({
            lines: [line],
            isLibrary: /site-packages|\/lib\/python|<frozen/.test(line),
        });
        else if (/^\s{2,}/.test(line) && frames.length && !frames.at(-1).isOver) frames.at(-1).lines.push(line);
        else frames.push({ lines: [line], isLibrary: false, isOver: true });
    }
    return frames;
}

