// An expression of flows tried on data: its result, and each step with what went in and came out.

import { Problem } from "../api.js";
import { h } from "../h.js";
import { count, visible } from "../format.js";
import { parse } from "./form.js";
import { icon } from "./icon.js";
import { JSONView, shortJSON } from "./json.js";
import { problemBox } from "./problem.js";
import { table } from "./table.js";

const EXAMPLE = '{">": [{"var": "input.count"}, 10]}';
/** Longer ones are too long for an address. */
const ADDRESS_MAX = 1500;

export class ExpressionTester {
    #page;
    #rule;
    #data;
    #tried = "";
    #trial = null;
    #problem = null;
    #json;

    /** @param {import("../page.js").Page} page its address holds what is tried (`rule`, `data`) */
    constructor(page, input) {
        this.#page = page;
        this.#json = new JSONView(page.paint);
        this.#rule = EXAMPLE;
        this.#data = JSON.stringify({ input }, null, 2);
        this.update();
    }

    /** After the address changed. */
    update() {
        const { rule, data } = this.#page.route.query;
        if (rule === undefined || this.#tried === `${rule}\n${data}`) return;
        this.#rule = rule;
        this.#data = data ?? "null";
        this.#try();
    }

    async #try() {
        [this.#trial, this.#problem] = [null, null];
        this.#tried = `${this.#rule}\n${this.#data}`;
        try {
            this.#trial = await this.#page.app.api.post(
                "/flows:eval", { rule: parse(this.#rule, "The expression"), data: parse(this.#data, "The data") });
        } catch (error) {
            this.#problem = error instanceof Problem ? error : new Problem({ detail: error.message });
        }
        this.#page.paint();
    }

    view() {
        const area = (id, label, value, set) => h("div", { class: "field" },
            h("label", { class: "label", for: id }, label),
            h("textarea", {
                id, class: "code", rows: 5, spellcheck: "false", value, oninput: (event) => set(event.target.value),
            }));
        return h(
            "form",
            {
                class: "panel", "aria-labelledby": "tester", onsubmit: (event) => {
                    event.preventDefault();
                    const isShort = this.#rule.length + this.#data.length < ADDRESS_MAX;
                    this.#try();
                    const [rule, data] = isShort ? [this.#rule, this.#data] : [null, null];
                    this.#page.app.router.set({ rule, data });
                },
            },
            h("h2", { id: "tester" }, "Try an expression"),
            h("div", { class: "two" },
                area("rule", "Expression, as JSONLogic", this.#rule, (text) => (this.#rule = text)),
                area("data", "Data that it reads", this.#data, (text) => (this.#data = text))),
            problemBox(this.#problem),
            h("div", { class: "buttons" }, h("button", { type: "submit", class: "primary" }, "Evaluate")),
            h("div", { role: "status" }, this.#trial && this.#result(this.#trial)));
    }

    #result({ result, errors, warnings, steps, cut, steps_counted: counted }) {
        return [
            errors.length
                ? h("ul", { key: "errors", class: "plain-list" }, errors.map((error, place) => h("li", { key: place },
                    icon("failed", "bad"), " ", h("strong", null, visible(error.message)), at(error.pointer),
                    error.hint && h("span", { class: "quiet" }, ` ${visible(error.hint)}`))))
                : h("div", { key: "result" }, h("h3", null, "Result"), this.#json.view(result)),
            warnings.length > 0 && h("ul", { key: "warnings", class: "plain-list" }, warnings.map(
                (warning, place) => h("li", { key: place }, icon("quarantined", "warn"), ` ${visible(warning.message)}`,
                    at(warning.pointer)))),
            steps.length > 0 && table(
                ["Where", "Operator", "With", "Gives"],
                steps.slice(0, 200).map((step, place) => h("tr", { key: place },
                    h("td", { class: "code" }, visible(step.pointer || "/")),
                    h("td", { class: "code" }, visible(step.operator)),
                    h("td", { class: "code" }, step.operands.map((each) => shortJSON(each, 80)).join(", ")),
                    h("td", { class: "code" }, step.error === undefined
                        ? shortJSON(step.result, 120)
                        : h("span", { class: "bad" }, visible(step.error, { max: 200 }))))), { class: "steps" }),
            (cut || steps.length > 200) && h("p", { key: "cut", class: "quiet" }, `${count(counted)} steps in all.`),
        ];
    }
}

const at = (pointer) => (pointer ? h("span", { class: "code quiet" }, ` at ${visible(pointer)}`) : null);
