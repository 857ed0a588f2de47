// One flow: its plan, a form to start it, its source, its versions and its last runs.

import { path, Problem } from "../api.js";
import { h } from "../h.js";
import { Page, throttled } from "../page.js";
import { link, to } from "../router.js";
import { between, time, visible } from "../format.js";
import { badge } from "../widgets/badge.js";
import { ExpressionTester } from "../widgets/expression.js";
import { SchemaForm } from "../widgets/form.js";
import { graphView } from "../widgets/graph.js";
import { icon } from "../widgets/icon.js";
import { JSONView } from "../widgets/json.js";
import { empty, loading, problemBox } from "../widgets/problem.js";
import { table } from "../widgets/table.js";

const RUNS = 10;

export class FlowPage extends Page {
    #flow = null;
    #graph = null;
    #runs = null;
    #form = null;
    #id = "";
    #paused = false;
    #refusal = null;
    #isBusy = false;
    #source = new JSONView(this.paint);
    #tester = null;

    get title() {
        return `${visible(this.route.params.flow, { max: 60 })} - ren`;
    }

    get back() {
        return "/flows";
    }

    start() {
        this.#load();
        const again = throttled(() => this.#loadRuns(), 1000);
        this.follow({ topic: "runs", kinds: ["event"] }, { events: again, reset: again });
    }

    update() {
        this.#tester?.update();
    }

    async #load() {
        const name = this.route.params.flow;
        await this.read(async () => {
            [this.#flow, this.#graph] = await Promise.all([
                this.app.api.get(path`/flows/${name}`, null, this.signal),
                this.app.api.get(path`/flows/${name}/graph`, null, this.signal),
            ]);
            this.#form = new SchemaForm(this.#flow.input, this.paint);
            this.#tester = new ExpressionTester(this, defaultsOf(this.#flow.input));
            if (this.route.query.start) {
                this.paint();
                this.#focus();
            }
            await this.#loadRuns();
        });
    }

    async #loadRuns() {
        if (!this.#flow) return;
        await this.read(async () => {
            this.#runs = (await this.app.api.get("/runs", { flow: this.#flow.flow, limit: RUNS }, this.signal)).items;
        });
    }

    get keys() {
        return { S: ["Start a run", () => this.#toggle(true)] };
    }

    #toggle(isOpen) {
        this.app.router.set({ start: isOpen ? 1 : null });
        if (isOpen) this.#focus();
    }

    /** Into the form, when it is painted. */
    #focus() {
        requestAnimationFrame(() => requestAnimationFrame(
            () => document.querySelector(".start input, .start textarea")?.focus(),
        ));
    }

    view() {
        const flow = this.#flow;
        if (!flow) return h("div", { class: "page" },
            h("h1", null, visible(this.route.params.flow)),
            problemBox(this.problem) ?? loading(),
        );
        return h(
            "div", { class: "page flow" },
            h("p", { class: "trail" }, h("a", { href: "/flows" }, "Flows"), " /"),
            h("div", { class: "title-line" }, h("h1", { title: flow.flow }, visible(flow.flow)), h(
                "span",
                { class: "code quiet", title: flow.hash },
                flow.version,
            ),
                h("span", { class: "grow" }),
                !this.route.query.start && h(
                    "button",
                    { type: "button", class: "primary", title: "S", onclick: () => this.#toggle(true) },
                    icon("running"),
                    "Start a run…",
                )),
            h("p", { class: "quiet" }, flow.registered ? `registered ${time(flow.registered)} · ` : null, "calls ",
                flow.functions.length ? flow.functions.map((name, index) => [
                    index ? ", " : null,
                    h("a", { key: name, href: to.function(name) }, visible(name)),
                ]) : "no function"),
            problemBox(this.problem),
            this.route.query.start && this.#startForm(),
            graphView(this.#graph, { label: `Plan of ${visible(flow.flow)}` }),
            h("div", { class: "two" },
                h("section", { "aria-labelledby": "runs" }, h("h2", { id: "runs" }, "Last runs"), this.#runsView()),
                h("section", { "aria-labelledby": "versions" }, h("h2", { id: "versions" }, "Versions"),
                    flow.versions.length
                        ? h("ul", { class: "plain-list" }, flow.versions.map((version) => h("li", { key: version.hash },
                            h("a", {
                                class: "code", href: to.flow(`${flow.flow}@${version.hash.slice(0, 12)}`),
                                "aria-current": version.hash === flow.hash ? "true" : null,
                            }, version.version),
                            h("span", { class: "quiet", title: version.registered }, ` ${time(version.registered)}`))))
                        : h("p", { class: "quiet" }, "It was never registered."))),
            flow.input && h("section", { "aria-labelledby": "input" },
                h("h2", { id: "input" }, "Input"),
                this.#schema(flow.input),
            ),
            this.#tester.view(),
            h("section", { "aria-labelledby": "source" },
                h("h2", { id: "source" }, "Source"),
                this.#source.view(flow.source),
            ),
        );
    }

    #startForm() {
        return h(
            "form", { class: "panel start", "aria-labelledby": "start", onsubmit: (event) => this.#begin(event) },
            h("h2", { id: "start" }, "Start a run"),
            this.#form.view(),
            h("div", { class: "field" },
                h("label", { class: "label", for: "run-id" }, "Id", h("span", { class: "quiet" }, " optional")),
                h("input", {
                    id: "run-id", type: "text", autocomplete: "off", pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]{0,99}",
                    value: this.#id, oninput: (event) => (this.#id = event.target.value.trim()),
                    "aria-describedby": "run-id-note",
                }),
                h("p", { class: "quiet note", id: "run-id-note" },
                    "Its name for good, such as nightly-11-24. One id is one run: an equal start gives the run "
                        + "that there is.",
                )),
            h("div", { class: "field check" },
                h("input", {
                    id: "paused", type: "checkbox", checked: this.#paused,
                    onchange: (event) => (this.#paused = event.target.checked),
                }),
                h("label", { class: "label", for: "paused" }, "Paused: nothing begins before it is resumed")),
            problemBox(this.#refusal),
            h("div", { class: "buttons" },
                h("button", { type: "submit", class: "primary", disabled: this.#isBusy }, icon("running"), "Start"),
                h("button", { type: "button", class: "plain", onclick: () => this.#toggle(false) }, "Cancel")));
    }

    async #begin(event) {
        event.preventDefault();
        if (this.#isBusy) return;
        this.#refusal = null;
        this.#isBusy = true;
        this.paint();
        try {
            const body = { input: this.#form.value };
            if (this.#id) body.id = this.#id;
            if (this.#paused) body.start_paused = true;
            const run = await this.app.api.post(path`/flows/${`${this.#flow.flow}@${this.#flow.hash}`}/runs`, body);
            if (!run.is_new) this.app.toasts.say("This run was there already.");
            this.app.router.go(to.run(run.run));
        } catch (error) {
            this.#refusal = error instanceof Problem ? error : new Problem({ detail: error.message });
        } finally {
            this.#isBusy = false;
            this.paint();
        }
    }

    #runsView() {
        if (!this.#runs) return loading();
        if (!this.#runs.length) return empty("It has not run yet");
        return [
            table(["Run", "Status", "Started", ["Took", "number"]], this.#runs.map((run) => h("tr", { key: run.run },
                h("td", { class: "wide" }, h("a", { href: to.run(run.run), title: run.run }, visible(run.run))),
                h("td", null, badge(run.status)),
                h("td", { class: "time", title: run.created }, time(run.created)),
                h("td", { class: "number" }, between(run.created, run.ended))))),
            this.#runs.length === RUNS && h("p", null,
                h("a", { href: link("/runs", { flow: this.#flow.flow }) }, "All its runs")),
        ];
    }

    #schema(schema) {
        const properties = Object.entries(schema.properties ?? {});
        if (!properties.length) return h("p", { class: "quiet" }, "Any value.");
        return schemaTable(properties, schema.required ?? []);
    }
}

/** What a schema says of each member, for people. */
export function schemaTable(properties, required) {
    return table(["Name", "Type", "Default", "What"], properties.map(([name, property]) => h("tr", { key: name },
        h("td", null,
            h("strong", null, visible(name)),
            required.includes(name) ? null : h("span", { class: "quiet" }, " optional"),
        ),
        h("td", { class: "code" }, visible(typeOf(property))),
        h("td", { class: "code" },
            property.default === undefined ? "–" : visible(JSON.stringify(property.default), { max: 80 }),
        ),
        h("td", null, visible(property.description ?? "")))));
}

/** An input to try expressions on: what is there when nobody says otherwise, and a hint where that is nothing. */
function defaultsOf(schema) {
    const samples = { integer: 1, number: 1.5, boolean: true, string: "text", array: [], object: {} };
    return Object.fromEntries(Object.entries(schema?.properties ?? {}).map(([name, property]) => [
        name, property.default ?? property.enum?.[0] ?? samples[[property.type].flat()[0]] ?? null,
    ]));
}

function typeOf(property) {
    if (property.enum) return property.enum.map((each) => JSON.stringify(each)).join(" | ");
    const type = [property.type ?? "any"].flat().join(" | ");
    const members = property.type === "array" ? property.items?.type : undefined;
    return members ? `list of ${[members].flat().join(" | ")}` : type;
}

