// One function: what it takes, how it is retried, and a try outside of any run.

import { path, Problem } from "../api.js";
import { h } from "../h.js";
import { Page } from "../page.js";
import { to } from "../router.js";
import { between, count, duration, plural, short, time, visible } from "../format.js";
import { badge } from "../widgets/badge.js";
import { SchemaForm } from "../widgets/form.js";
import { icon } from "../widgets/icon.js";
import { JSONView } from "../widgets/json.js";
import { logLine } from "../widgets/log-line.js";
import { loading, problemBox } from "../widgets/problem.js";
import { fact, table } from "../widgets/table.js";
import { schemaTable } from "./flow.js";
import { place } from "./functions.js";

const OUTCOMES = { returned: "succeeded", raised: "failed", timed_out: "failed", died: "failed" };

export class FunctionPage extends Page {
    #function = null;
    /** Where runs called it of late. */
    #calls = null;
    #form = null;
    #timeout = "60s";
    #trial = null;
    #refusal = null;
    #since = 0;
    #output = new JSONView(this.paint);

    get title() {
        return `${visible(this.route.params.function, { max: 60 })} - ren`;
    }

    get back() {
        return "/functions";
    }

    start() {
        const { api } = this.app;
        const address = path`/functions/${this.route.params.function}`;
        this.read(async () => {
            this.#function = await api.get(address, null, this.signal);
            this.#form = new SchemaForm(this.#function.parameters, this.paint);
            this.soon();
            this.#calls = await api.get(`${address}/calls`, null, this.signal);
        });
    }

    view() {
        const it = this.#function;
        if (!it) return h("div", { class: "page" },
            h("h1", null, visible(this.route.params.function)),
            problemBox(this.problem) ?? loading(),
        );
        const parameters = Object.entries(it.parameters?.properties ?? {});
        const { retry } = it;
        return h(
            "div", { class: "page" },
            h("p", { class: "trail" }, h("a", { href: "/functions" }, "Functions"), " /"),
            h("h1", { title: it.name }, visible(it.name)),
            it.doc && h("p", { class: "doc" }, visible(it.doc, { lines: true })),
            h("dl", { class: "facts-list" },
                fact("Where", h("span", { class: "code", title: it.file ?? "" }, place(it))),
                fact("Language", `${it.language}${it.async ? ", async" : ""}`),
                it.once && fact("Once", "never tried again once it has begun"),
                fact(
                    "Retry",
                    retry
                        ? `${retry.attempts} attempts, every ${retry.every} × ${retry.factor}, `
                            + `at most ${retry.longest}`
                        : "as the flow says",
                ),
                fact("Timeout", it.timeout ?? "as the flow says"), it.heartbeat && fact("Heartbeat", it.heartbeat),
                it.requires.length > 0 && fact("Packages", it.requires.map((each) => visible(each)).join(", ")),
                it.set && fact("Set", h("span", { class: "code", title: it.set }, short(it.set)))),
            h("div", { class: "two" },
                h("section", { "aria-labelledby": "takes" }, h("h2", { id: "takes" }, "Takes"),
                    parameters.length ? schemaTable(parameters, it.parameters.required ?? []) : h(
                        "p",
                        { class: "quiet" },
                        it.parameters ? "Nothing." : "Any value.",
                    )),
                h("form", { class: "panel", "aria-labelledby": "try", onsubmit: (event) => this.#try(event) },
                    h("h2", { id: "try" }, "Try it"),
                    h("p", { class: "quiet" },
                        "One call in a worker, outside of any run. Nothing is recorded, but what it does "
                            + "outside, it does.",
                    ),
                    this.#form.view(),
                    h("div", { class: "field" }, h("label", { class: "label", for: "timeout" }, "Timeout"),
                        h("input", {
                            id: "timeout", type: "text", value: this.#timeout,
                            oninput: (event) => (this.#timeout = event.target.value.trim()),
                        })),
                    problemBox(this.#refusal),
                    h("div", { class: "buttons" }, h("button", {
                        type: "submit",
                        class: "primary",
                        disabled: this.#since > 0,
                    }, icon("running"),
                        this.#since ? `Runs since ${duration(Date.now() - this.#since)}` : "Call it")))),
            this.#trial && this.#result(this.#trial),
            this.#calls && this.#late(this.#calls));
    }

    /** How it did of late. */
    #late({ nodes, problems, runs }) {
        const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);
        const taken = ({ times, begun, ended }) => times
            ? [times.p50_milliseconds, times.p95_milliseconds, times.p99_milliseconds].map(duration)
            : [between(begun, ended), "–", "–"];
        return h("section", { "aria-labelledby": "late" },
            h("h2", { id: "late" }, "Of late"),
            !nodes.length && h("p", { class: "quiet" }, `None of the last ${plural(runs, "run")} called it.`),
            nodes.length > 0 && h("p", { class: "quiet" },
                `The newest ${plural(nodes.length, "node")} that called it: `
                    + `${count(sum(nodes, "succeeded"))} succeeded, ${count(sum(nodes, "failed"))} failed for good; `
                    + `${plural(sum(problems, "attempts"), "attempt")} failed. `
                    + "Times of items are from their first attempt to their end."),
            nodes.length > 0 && table(
                ["Run", "Node", "Status", ["Succeeded", "number"], ["Failed", "number"], ["p50", "number"],
                    ["p95", "number"], ["p99", "number"], "Began"],
                nodes.map((node, place) => h("tr", { key: place },
                    h("td", { class: "wide" }, h("a", { href: to.run(node.run) }, visible(node.run))),
                    h("td", null, h("a", { href: to.node(node.run, node.node) }, visible(node.node))),
                    h("td", null, badge(node.status)),
                    h("td", { class: "number" }, count(node.succeeded)),
                    h("td", { class: "number" }, count(node.failed)),
                    taken(node).map((text, index) => h("td", { key: index, class: "number" }, text)),
                    h("td", { class: "time", title: node.begun }, time(node.begun))))),
            problems.length > 0 && [
                h("h3", { key: "errors" }, "Errors"),
                h("ul", { key: "list", class: "plain-list" }, problems.map((problem, place) => h("li", { key: place },
                    icon(problem.failures ? "failed" : "retrying", problem.failures ? "bad" : "warn"), " ",
                    h("strong", null, visible(problem.name, { max: 100 })),
                    ` ${visible(problem.message, { max: 300 })} `,
                    h("span", { class: "quiet" },
                        `${plural(problem.failures, "failure")}, ${plural(problem.attempts, "attempt")}, last `
                            + `${time(problem.last)} in `,
                        h("a", { href: to.node(problem.run, problem.node, { problem: problem.fingerprint }) },
                            visible(problem.run, { max: 60 })))))),
            ]);
    }

    async #try(event) {
        event.preventDefault();
        this.#refusal = this.#trial = null;
        this.#since = Date.now();
        this.paint();
        try {
            this.#trial = await this.app.api.post(
                `${path`/functions/${this.#function.name}`}:try`,
                { input: this.#form.value, timeout: this.#timeout || "60s" },
            );
        } catch (error) {
            this.#refusal = error instanceof Problem ? error : new Problem({ detail: error.message });
        } finally {
            this.#since = 0;
            this.paint();
        }
    }

    #result(trial) {
        return h(
            "section", { class: "panel", "aria-labelledby": "result" },
            h("h2", { id: "result" }, "Result"),
            h("p", { role: "status" },
                badge(OUTCOMES[trial.outcome]),
                ` ${trial.outcome.replace("_", " ")} after ${duration(trial.milliseconds)}`,
            ),
            trial.error && h("p", { class: "error-text" },
                h("strong", null, visible(trial.error.name)),
                ` ${visible(trial.error.message, { max: 4000, lines: true })}`,
            ),
            trial.trace && h("pre", { class: "trace", tabindex: 0 },
                visible(trial.trace, { max: 20_000, lines: true }),
            ),
            trial.outcome === "returned" && this.#output.view(trial.output),
            trial.logs.length > 0 && h(
                "div",
                { class: "log short", tabindex: 0, role: "group", "aria-label": "What it said" },
                trial.logs.map((line, index) => logLine({ ...line, position: index })),
            ));
    }
}

