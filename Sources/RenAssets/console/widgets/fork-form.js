// A new run that goes on from an event of another one: what is to be different, and what that would mean.

import { path, Problem } from "../api.js";
import { h } from "../h.js";
import { debounced } from "../page.js";
import { to } from "../router.js";
import { count, time, visible } from "../format.js";
import { SchemaForm, parse } from "./form.js";
import { icon } from "./icon.js";
import { loading, problemBox } from "./problem.js";
import { forkView } from "./sets.js";

export class ForkForm {
    #page;
    #flow = null;
    #versions = [];
    /** What the run was given; undefined where that is no object, or too long to be read here. */
    #input;
    #form = null;
    #wanted = { id: "", flow: "", node: "", output: "null", again: new Set(), isCodeChanged: false };
    #plan = null;
    #problem = null;
    #isBusy = false;
    #previews = 0;
    #readFor = null;

    /** @param {import("../pages/run.js").RunPage} page a run as of an event */
    constructor(page) {
        this.#page = page;
    }

    /** After the place in the history changed, or what is wanted. */
    #look = debounced(() => this.#preview(), 150);

    async #read() {
        const { app, run, store, signal, asOf } = this.#page;
        await this.#page.read(async () => {
            const { snapshot } = store;
            const [flow, begun] = await Promise.all([
                this.#flow ?? app.api.get(path`/flows/${`${snapshot.flow}@${snapshot.flow_hash}`}`, null, signal),
                this.#form ? null : app.api.get(
                    path`/runs/${run}/events`, { type: "run.created,run.forked", limit: 100 }, signal),
            ]);
            this.#flow = flow;
            this.#versions = flow.versions;
            if (begun) {
                // A fork that changed the input has it with its own first event.
                const given = begun.items.filter((event) => event.payload && event.sequence <= asOf).at(-1);
                const detail = given && await app.api.get(`/journal/events/${given.sequence}`, null, signal);
                const input = detail?.payload_json;
                if (input !== null && typeof input === "object" && !Array.isArray(input)) this.#input = input;
                this.#form = new SchemaForm(flow.input, this.#changed, this.#input);
            }
        });
        this.#look();
    }

    #changed = () => {
        this.#page.paint();
        this.#look();
    };

    /** What the command says. @throws {Error} a text for people, where the form cannot be read */
    #body() {
        const { id, flow, node, output, again, isCodeChanged } = this.#wanted;
        const body = { at: this.#page.asOf };
        const input = this.#input && this.#form.value;
        if (input !== undefined && !isSame(input, this.#input)) body.set = { input };
        if (id) body.id = id;
        if (flow) body.flow = flow;
        if (again.size) body.again = [...again];
        if (isCodeChanged) body.code_changed = "again";
        if (node) {
            body.node_outputs = { [node]: parse(output, "The output") };
        }
        return body;
    }

    async #preview() {
        if (this.#page.signal.aborted || !this.#form) return;
        const preview = (this.#previews += 1);
        let [plan, problem] = [null, null];
        try {
            plan = await this.#send({ dry_run: true });
        } catch (error) {
            problem = this.#told(error);
        }
        if (preview !== this.#previews) return;
        [this.#plan, this.#problem] = [plan, problem];
        this.#page.paint();
    }

    async #fork() {
        if (this.#isBusy) return;
        this.#isBusy = true;
        this.#page.paint();
        try {
            const made = await this.#send();
            this.#page.app.toasts.say("The fork goes on: ", {
                href: to.run(made.run, "journal", { seq: made.sequence }), text: `event ${count(made.sequence)}`,
            });
            this.#page.app.router.go(to.run(made.run));
        } catch (error) {
            this.#problem = this.#told(error);
        } finally {
            this.#isBusy = false;
            this.#page.paint();
        }
    }

    #send(query) {
        return this.#page.app.api.post(`${path`/runs/${this.#page.run}`}:fork`, this.#body(), { query });
    }

    #told(error) {
        return error instanceof Problem ? error : new Problem({ detail: error.message });
    }

    view() {
        const { store, asOf } = this.#page;
        if (this.#readFor !== asOf) {
            this.#readFor = asOf;
            this.#read();
        }
        const wanted = this.#wanted;
        const set = (changes) => {
            Object.assign(wanted, changes);
            this.#changed();
        };
        return h(
            "form",
            {
                // What is wrong is said by the form: a closed part of it cannot show what the browser says.
                class: "panel fork", "aria-labelledby": "fork", novalidate: true, onsubmit: (event) => {
                    event.preventDefault();
                    this.#fork();
                },
            },
            h("h2", { id: "fork" }, `Fork from event ${count(asOf)}`),
            h("p", { class: "quiet" },
                "A new run that has everything up to this event and goes on by itself. This run stays as it is."),
            this.#form ? [
                h("details", { key: "input" }, h("summary", null, "Another input"), this.#input
                    ? this.#form.view()
                    : h("p", { class: "quiet" }, "Its input is too long to be changed here; ",
                        h("code", null, "ren fork --set"), " changes a member of it.")),
                h("details", { key: "output" }, h("summary", null, "Another output of a node"), this.#output(set)),
                h("details", { key: "more" }, h("summary", null, "Another version of the flow, and more"),
                    this.#more(set)),
                this.#meaning(set),
            ] : loading(),
            problemBox(this.#problem),
            h("div", { class: "buttons" },
                h("button", { type: "submit", class: "primary", disabled: this.#isBusy || !this.#form }, icon("fork"),
                    "Fork")),
        );
    }

    #output(set) {
        const { node, output } = this.#wanted;
        return h("div", { class: "form" },
            h("div", { class: "field" },
                h("label", { class: "label", for: "fork-node" }, "Node"),
                h("select", {
                    id: "fork-node", value: node, onchange: (event) => set({ node: event.target.value }),
                }, h("option", { value: "" }, "none"), Object.keys(this.#page.store.snapshot.nodes).map((name) => h(
                    "option", { key: name, value: name }, visible(name))))),
            node && h("div", { class: "field" },
                h("label", { class: "label", for: "fork-output" }, "Its output, as JSON"),
                h("textarea", {
                    id: "fork-output", class: "code", rows: 4, spellcheck: "false", value: output,
                    oninput: (event) => set({ output: event.target.value }),
                })));
    }

    #more(set) {
        const { flow, id, isCodeChanged } = this.#wanted;
        return h("div", { class: "form" },
            h("div", { class: "field" },
                h("label", { class: "label", for: "fork-flow" }, "Flow"),
                h("select", {
                    id: "fork-flow", value: flow, onchange: (event) => set({ flow: event.target.value }),
                }, h("option", { value: "" }, "the same"), this.#versions.filter(
                    (version) => version.hash !== this.#page.store.snapshot.flow_hash,
                ).map((version) => h(
                    "option", { key: version.hash, value: `${this.#flow.flow}@${version.hash}` },
                    `${version.version}, ${time(version.registered)}`)))),
            h("div", { class: "field" },
                h("label", { class: "label", for: "fork-id" }, "Id", h("span", { class: "quiet" }, " optional")),
                h("input", {
                    id: "fork-id", type: "text", autocomplete: "off", pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]{0,99}",
                    value: id, oninput: (event) => set({ id: event.target.value.trim() }),
                })),
            h("label", { class: "choice" },
                h("input", {
                    type: "checkbox", checked: isCodeChanged,
                    onchange: (event) => set({ isCodeChanged: event.target.checked }),
                }), " Run again what other code than today’s made"));
    }

    /** What it would keep and run. */
    #meaning(set) {
        const plan = this.#plan;
        if (!plan) return this.#problem ? null : h("p", { key: "plan", class: "quiet" }, "Looking what it would keep…");
        const { again } = this.#wanted;
        return h("div", { key: "plan", class: "preview", role: "status" },
            h("h3", null, "What it would do"),
            forkView(plan),
            [...new Set([...plan.asking, ...again])].map((name) => h("label", { key: name, class: "choice" },
                h("input", {
                    type: "checkbox", checked: again.has(name), onchange: () => {
                        if (!again.delete(name)) again.add(name);
                        set({});
                    },
                }), ` “${visible(name, { max: 60 })}” may run again although it is to run once`)));
    }
}

/** Whether two inputs have the same members, in whatever order. */
function isSame(one, other) {
    if (one === null || typeof one !== "object" || Array.isArray(one)) return false;
    const names = [...Object.keys(one), ...Object.keys(other)];
    return names.every((name) => JSON.stringify(one[name]) === JSON.stringify(other[name]));
}
