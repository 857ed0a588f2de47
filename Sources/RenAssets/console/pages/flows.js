// All flows that can be started.

import { h } from "../h.js";
import { Page } from "../page.js";
import { link, to } from "../router.js";
import { count, short, time, visible } from "../format.js";
import { empty, loading, problemBox } from "../widgets/problem.js";
import { table } from "../widgets/table.js";

export class FlowsPage extends Page {
    #flows = null;
    #next = null;

    get title() {
        return "Flows - ren";
    }

    start() {
        this.#load();
    }

    async #load(cursor) {
        await this.read(async () => {
            const page = await this.app.api.get("/flows", { limit: 100, cursor }, this.signal);
            this.#flows = cursor ? [...this.#flows, ...page.items] : page.items;
            this.#next = page.next;
        });
    }

    view() {
        return h("div", { class: "page" }, h("h1", null, "Flows"), problemBox(this.problem), this.#table(),
            this.#next && h("p", null, h("button", { type: "button", onclick: () => this.#load(this.#next) }, "More")));
    }

    #table() {
        if (!this.#flows) return this.problem ? null : loading();
        if (!this.#flows.length) {
            return empty("No flow is registered", ["Register one: ", h("code", null, "ren flow register flow.yaml")],
                ["or run it at once: ", h("code", null, "ren run flow.yaml")]);
        }
        const heads = ["Flow", "Version", "Registered", ["Versions", "number"], ""];
        return table(heads, this.#flows.map((flow) => h("tr", { key: flow.flow },
            h("td", { class: "wide" }, h("a", { href: to.flow(flow.flow), title: flow.flow }, visible(flow.flow))),
            h("td", { class: "code" }, short(flow.hash)),
            h("td", { class: "time", title: flow.registered }, time(flow.registered)),
            h("td", { class: "number" }, count(flow.version_count)),
            h("td", null,
                h("a", { href: to.flow(flow.flow, { start: 1 }) }, "Start…"),
                " · ",
                h("a", { href: link("/runs", { flow: flow.flow }) }, "runs"),
            ))));
    }
}
